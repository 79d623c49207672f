"""Ragged arrays: rows of different lengths in one array."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from text_samples import rows

from trainwright.data.text.ragged import Ragged


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=8), st.data())
def test_taking_rows(table: list[list[int]], data) -> None:
    offsets = np.cumsum([0, *map(len, table)])
    flat = np.array([value for row in table for value in row], np.int32)
    chosen = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=10))
    taken = Ragged(flat, offsets, flat / 2).take(np.array(chosen, np.int64))
    assert rows(taken) == [table[row] for row in chosen]
    assert taken.weights is not None and taken.weights.tolist() == (taken.values / 2).tolist()
