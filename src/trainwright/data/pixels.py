"""Pixels: the encoder of pictures. Size and channels, and the mean and deviation of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

CHUNK = 1 << 22  # values counted at a time


@dataclass(frozen=True)
class Pixels:
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
    def fit(cls, pixels: np.ndarray, size: tuple[int, int], channels: int) -> Pixels:
        """Learn mean and deviation from the training split: uint8, shape (rows, channels, height, width), rows > 0.

        The sums are whole numbers, so the result does not depend on the order of the rows or on how they are grouped.
        """
        counts = np.zeros((channels, 256), np.int64)
        rows = max(1, CHUNK // (size[0] * size[1]))
        for channel in range(channels):
            for start in range(0, len(pixels), rows):
                counts[channel] += np.bincount(pixels[start : start + rows, channel].reshape(-1), minlength=256)
        moments = [_moments(each.tolist()) for each in counts]
        return cls(size, channels, tuple(mean for mean, _ in moments), tuple(std for _, std in moments))

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """JSON values and (no) arrays, enough to make the same encoder again."""
        values = {"size": list(self.size), "channels": self.channels, "mean": list(self.mean), "std": list(self.std)}
        return values, {}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Pixels:
        """The encoder that ``to_parts`` described."""
        height, width = values["size"]
        return cls((height, width), values["channels"], tuple(values["mean"]), tuple(values["std"]))


def _moments(counts: list[int]) -> tuple[float, float]:
    """Mean and deviation of values 0..255 that occur so often, divided by 255."""
    total = sum(counts)
    mean = Fraction(sum(value * count for value, count in enumerate(counts)), 255 * total)
    square = Fraction(sum(value * value * count for value, count in enumerate(counts)), 255 * 255 * total)
    variance = square - mean * mean
    return float(mean), sqrt(variance) if variance else 1.0
