"""The encoder of pictures: size and channels, and the mean and standard deviation of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

CHUNK_VALUES = 1 << 17  # values summed at a time: they stay in the processor's cache


@dataclass(frozen=True)
class ImageNormalizer:
    """How pictures become inputs: ``(pixels / 255 - mean) / std``, channel by channel.

    Attributes:
        size: (height, width).
        channels: 1 (grey) or 3 (red, green, blue).
        mean, std: of pixels / 255 over all rows and places of the training split; std is 1 where all are equal.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, pixels: np.ndarray, size: tuple[int, int], channels: int) -> ImageNormalizer:
        """Learn mean and deviation from the training split: uint8, shape (rows, channels, height, width), rows > 0.

        The sums are whole numbers, so the result does not depend on the order of the rows or on how they are grouped.
        """
        return cls.from_sums(sums_of(pixels), len(pixels), size, channels)

    @classmethod
    def from_sums(cls, sums: np.ndarray, rows: int, size: tuple[int, int], channels: int) -> ImageNormalizer:
        """Return what ``fit`` would, from the sums over all training pictures: int64, shape (channels, 2)."""
        count = rows * size[0] * size[1]
        found = [_moments(total, squares, count) for total, squares in sums.tolist()]
        return cls(size, channels, tuple(mean for mean, _ in found), tuple(std for _, std in found))

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON values and (no) arrays from which ``from_parts`` rebuilds the encoder."""
        values = {"size": list(self.size), "channels": self.channels, "mean": list(self.mean), "std": list(self.std)}
        return values, {}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> ImageNormalizer:
        """Rebuild an encoder from what ``to_parts`` returned."""
        height, width = values["size"]
        return cls((height, width), values["channels"], tuple(values["mean"]), tuple(values["std"]))


def sums_of(pixels: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of each channel of pixels (rows, channels, height, width): int64, shape (channels, 2)."""
    sums = np.zeros((pixels.shape[1], 2), np.int64)
    rows = max(1, CHUNK_VALUES // pixels[0, 0].size)
    for channel in range(len(sums)):
        for start in range(0, len(pixels), rows):
            part = pixels[start : start + rows, channel].astype(np.float64).reshape(-1)  # exact up to 2**53
            sums[channel] += int(part.sum()), int(part @ part)
    return sums


def _moments(total: int, squares: int, count: int) -> tuple[float, float]:
    """Return mean and standard deviation of values divided by 255."""
    mean = Fraction(total, 255 * count)
    variance = Fraction(squares, 255 * 255 * count) - mean * mean
    return float(mean), sqrt(variance) if variance else 1.0
