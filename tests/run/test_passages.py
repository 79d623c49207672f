"""What is kept of running text for people to look at: a typical passage and the loss along the text."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from trainwright.run import passages


def rows(losses: np.ndarray) -> pl.DataFrame:
    tokens = [f"t{k}" for k in range(len(losses))]
    return pl.DataFrame({"file": ["a.txt"] * len(losses), "row": range(1, len(losses) + 1), "truth": tokens, "loss": losses})


def test_the_passage_is_as_hard_as_the_whole() -> None:
    losses = np.random.default_rng(0).gamma(2.0, size=5000).astype(np.float32)
    losses[:2000] *= 3
    passage, along = passages.passages("test", rows(losses), " ")
    first = passage["row"] - 1
    assert passage["tokens"] == [f"t{first + k}" for k in range(passages.PASSAGE)]
    assert passage["losses"] == pytest.approx(losses[first : first + passages.PASSAGE].tolist(), rel=1e-4)
    assert passage["input"] == " ".join(passage["tokens"]) and (passage["split"], passage["file"]) == ("test", "a.txt")
    every = [
        abs(losses[k : k + passages.PASSAGE].mean(dtype=float) - losses.mean(dtype=float))
        for k in range(5001 - passages.PASSAGE)
    ]
    assert every[first] == pytest.approx(min(every), abs=1e-6)
    assert along["tokens"] == 50 and along["losses"] == pytest.approx(losses.reshape(100, 50).mean(axis=1).tolist(), rel=1e-3)
    assert along["loss"] == pytest.approx(losses.mean(dtype=float), rel=1e-4)
    json.dumps([passage, along], allow_nan=False)


@pytest.mark.parametrize("n", [1, 5, 19, 20, 21, 239, 2001])
def test_short_texts(n: int) -> None:
    passage, along = passages.passages("valid", rows(np.ones(n)), "")
    assert len(passage["tokens"]) == min(n, passages.PASSAGE) and along["losses"] == [1.0] * len(along["losses"])
    assert along["losses"] and along["tokens"] * len(along["losses"]) <= n


def test_what_cannot_be_measured_is_left_out() -> None:
    assert passages.passages("test", rows(np.array([])), "") == []
    assert passages.passages("test", rows(np.array([1.0, np.nan])), "") == []
