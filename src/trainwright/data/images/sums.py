"""Sums over pixels, from which mean and deviation follow wherever the pixels are kept."""

from __future__ import annotations

import numpy as np

CHUNK_VALUES = 1 << 17  # summed at a time: they stay in the processor's cache


def sums_of(pixels: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of each channel of pixels (rows, channels, height, width): int64, shape (channels, 2)."""
    sums = np.zeros((pixels.shape[1], 2), np.int64)
    rows = max(1, CHUNK_VALUES // pixels[0, 0].size)
    for channel in range(len(sums)):
        for start in range(0, len(pixels), rows):
            part = pixels[start : start + rows, channel].astype(np.float64).reshape(-1)  # exact up to 2**53
            sums[channel] += int(part.sum()), int(part @ part)
    return sums
