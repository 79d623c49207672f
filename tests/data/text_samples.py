"""Random texts, and rows of ragged arrays as lists."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from trainwright.data.text.ragged import Ragged

TEXTS = st.lists(st.text(alphabet="abcde  ", max_size=20), min_size=1, max_size=12)


def series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged.values[low:high].tolist() for low, high in zip(ragged.offsets, ragged.offsets[1:], strict=False)]
