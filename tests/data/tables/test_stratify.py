"""Rows with several labels: every label in proportion in every split, equal contents together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.tables.split import Fractions, split
from trainwright.data.tables.stratify import iterative

SHARES = {"a": 0.5, "b": 0.2, "c": 0.1, "d": 0.03}


def made(rows: int, seed: int = 0) -> tuple[np.ndarray, pl.Series]:
    draw = np.random.default_rng(seed)
    sets = [[name for name, share in SHARES.items() if draw.random() < share] for _ in range(rows)]
    return draw.random(rows), pl.Series(sets, dtype=pl.List(pl.String))


def counted(parts: np.ndarray, sets: pl.Series) -> np.ndarray:
    """How many rows of each label each split has: (labels, splits)."""
    return np.array([[sum(name in each for each, at in zip(sets.to_list(), parts, strict=True) if at == part)
                      for part in range(3)] for name in SHARES])  # fmt: skip


def test_every_label_in_proportion() -> None:
    position, sets = made(1000)
    found = counted(iterative(position, sets, (0.8, 0.1, 0.1)), sets)
    wanted = found.sum(axis=1, keepdims=True) * [0.8, 0.1, 0.1]
    assert np.abs(found - wanted).max() <= 3
    by_content = counted(split("content", position, sets, Fractions(0.1, 0.1)), sets)
    assert np.abs(found - wanted).sum() < np.abs(by_content - wanted).sum() / 2


@given(st.integers(0, 10_000), st.integers(1, 120))
def test_it_follows_from_the_rows_alone(seed: int, rows: int) -> None:
    position, sets = made(rows, seed)
    position[rows // 2 :] = position[: rows - rows // 2]  # equal contents
    parts = split("stratified", position, sets, Fractions(0.15, 0.15))
    together: dict[float, set[int]] = {}
    for place, part in zip(position.tolist(), parts.tolist(), strict=True):
        together.setdefault(place, set()).add(part)
    assert all(len(each) == 1 for each in together.values())


@pytest.mark.parametrize("how", ["content", "stratified"])
def test_every_label_is_in_every_split(how: str) -> None:
    for seed in range(5):
        position, sets = made(120, seed)
        found = counted(split(how, position, sets, Fractions(0.1, 0.1)), sets)
        assert (found[found.sum(axis=1) >= 3] > 0).all()
