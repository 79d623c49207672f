"""Sums over pixels, from which mean and deviation follow wherever the pixels are kept."""

from __future__ import annotations

import numpy as np


def sums_of(picture: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of each channel of one picture (channels, height, width): int64, shape (channels, 2)."""
    return np.array([sums(channel, len(channel)) for channel in picture])


def sums(values: np.ndarray, rows: int) -> tuple[int, int]:
    """Return sum and sum of squares of uint8 values, taken so many rows at a time.

    float64 holds whole numbers up to 2**53 exactly.
    """
    total = squares = 0
    for start in range(0, len(values), rows):
        part = values[start : start + rows].astype(np.float64).reshape(-1)
        total += int(part.sum())
        squares += int(part @ part)
    return total, squares
