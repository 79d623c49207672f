"""Passages are known again wherever they stand, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.data.text import passages as cutting
from trainwright.data.text.passages import in_common, of_each_token, passages


def text(tokens: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, 5000, np.uint64)[
        np.random.default_rng(seed + 1).integers(0, 5000, tokens)
    ]


@pytest.mark.parametrize("tokenizer", ["words", "characters"])
def test_a_part_is_known_behind_other_text(tokenizer: str) -> None:
    trained, new = text(50_000, 1), text(20_000, 2)
    known = np.unique(passages(trained, tokenizer)[1])
    mixed = np.concatenate([new[:7001], trained[30_011:40_000], new[7001:]])
    found = of_each_token(*passages(mixed, tokenizer), known)
    assert len(found) == len(mixed) and found[7001:16_990].mean() > 0.95
    assert found[:7000].mean() < 0.02 and found[17_200:].mean() < 0.02


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = text(30_000, 3)
    whole = passages(tokens, "words")
    monkeypatch.setattr(cutting, "BLOCK", 5000)
    for one, other in zip(whole, passages(tokens, "words"), strict=True):
        assert np.array_equal(one, other)
    assert whole[0][-1] == 30_000 and 20 < 30_000 / len(whole[0]) < 50


@pytest.mark.parametrize("many", [0, 1, 7, 8, 100])
def test_short_texts(many: int) -> None:
    ends, digests = passages(text(many, 4), "words")
    assert len(of_each_token(ends, digests, digests)) == many


@pytest.mark.parametrize("block", [16, 1 << 20])
def test_runs_in_common_are_those_that_a_search_finds(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BLOCK", block)
    draw = np.random.default_rng(0)
    for length in (1, 4, 7):
        tokens, others = (draw.integers(0, 3, many).astype(np.int32) for many in (200, 300))
        known = {tuple(others[at : at + length]) for at in range(len(others) - length + 1)}
        wanted = np.zeros(len(tokens), bool)
        for at in range(len(tokens) - length + 1):
            if tuple(tokens[at : at + length]) in known:
                wanted[at : at + length] = True
        assert np.array_equal(in_common(tokens, others, length), wanted) and (length < 5 or 0 < wanted.sum() < 200)
    short = np.arange(3)
    assert not in_common(short, short, 4).any() and in_common(short, short, 3).all() and not len(in_common(short[:0], short, 3))
