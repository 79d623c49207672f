"""The encoder of pictures: size and channels, and the mean and standard deviation of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.images.pictures import cores, sums_of
from trainwright.data.shapes import ImageShape

if TYPE_CHECKING:
    from trainwright.data.batches.base import Batches, Device
    from trainwright.data.images.augment import Augment
    from trainwright.data.images.storage import Inputs

# Of pixels in a batch that is only looked at: on a processor so few that what the layers make of them stays in its cache, which
# takes 0.6 of the time of four times as many; elsewhere as many as memory has room for.
CACHED_VALUES, EVALUATION_VALUES = 1 << 18, 1 << 22
FEWEST = 16  # pictures on a processor, where memory has room for them


@dataclass(frozen=True)
class ImageNormalizer:
    """How pictures become inputs: ``(pixels / 255 - mean) / std``, channel by channel."""

    size: tuple[int, int]  # (height, width)
    channels: int  # 1 (grey) or 3 (red, green, blue)
    mean: tuple[float, ...]  # of pixels / 255 over all rows and places of the training split
    std: tuple[float, ...]  # 1 where all pixels are equal

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
        means = [Fraction(total, 255 * count) for total, _ in sums.tolist()]
        squares = [Fraction(square, 255 * 255 * count) for _, square in sums.tolist()]
        variances = [square - mean * mean for mean, square in zip(means, squares, strict=True)]
        return cls(size, channels, tuple(map(float, means)), tuple(sqrt(each) if each else 1.0 for each in variances))

    def shape(self, outputs: int) -> ImageShape:
        """Return what a network has to know of the pictures."""
        return ImageShape(self.channels, *self.size, outputs)

    def batches(
        self,
        inputs: Inputs,
        targets: np.ndarray,
        *,
        batch_size: int,
        seed: int | None,
        device: Device,
        augment: Augment | None = None,
        workers: int | None = None,
    ) -> Batches:
        """Return batches of normalised pictures: shuffled and at most ``batch_size`` each; in order, and as few at a time as
        evaluation wants, where there is no seed. Pictures in files are decoded by ``workers`` processes; None = one a core."""
        from trainwright.data.images.batches import ImageBatches

        if seed is None:
            size = self.channels * self.size[0] * self.size[1]
            most = max(EVALUATION_VALUES // size, 1)
            cached = max(CACHED_VALUES // size, FEWEST) if device.type == "cpu" else most
            batch_size = min(batch_size, cached, most)
        workers = cores() if workers is None else workers
        return ImageBatches(inputs, targets, self.mean, self.std, batch_size=batch_size, seed=seed, device=device,
                            augment=augment, workers=workers)  # fmt: skip

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON values and (no) arrays from which ``from_parts`` rebuilds the encoder."""
        return asdict(self), {}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ImageNormalizer:
        """Rebuild an encoder from what ``to_parts`` returned."""
        height, width = values["size"]
        return cls((height, width), values["channels"], tuple(values["mean"]), tuple(values["std"]))
