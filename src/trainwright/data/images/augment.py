"""Data augmentation: random changes to a batch of training images, as a pure function of (seed, epoch, row).

A row is changed the same way in any batch, on any device, after any interruption: its random numbers are
a hash of where it stands, and torch's random state is neither read nor moved. ``mixup`` alone looks beyond the row: its
partner is a function of which rows the batch holds. All moves of pixels are one gather; there is no loop over rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from trainwright.data.batches.shuffle import step_seed

GOLDEN_RATIO, MULTIPLIER_1, MULTIPLIER_2 = (
    each - (1 << 64) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
BITS = 24  # of each random number: as many as float32 holds
MIXUP_CONCENTRATION = 0.3  # of mixup's Beta distribution
BETA_TRIES = 6  # to draw from it, each accepted with probability 0.9
# Which of a row's random numbers each change takes (one an axis), so that no change alters the numbers of another.
SHIFT, FLIP, CROP, CUTOUT, ORDER, SHARE = 0, 2, 3, 5, 7, 8
DRAWS = SHARE + 2 * BETA_TRIES


class Augment:
    """The augmentations by name.

    shift   up to a tenth of the side in each direction, whole pixels; what comes in is black
    flip    left and right exchanged, in half of the rows
    crop    an eighth of the side added all around by reflection, then a part of the old size cut out
    cutout  a square of a quarter of the side made black (DeVries and Taylor 2017, arXiv:1708.04552)
    mixup   a weighted sum with another row of the batch, targets too (Zhang et al. 2018, arXiv:1710.09412)

    Images are uint8, or float before they are normalized, so that zero is black. Their type and scale are kept, but
    ``mixup`` gives float32 images of the same scale, and targets float32: (batch, classes) in place of int64 (batch,), numbers
    and the 0 and 1 of several labels in their own shape.
    """

    def __init__(self, names: Sequence[str], seed: int, classes: int) -> None:
        self.names, self.seed, self.classes = frozenset(names), seed, classes

    def __call__(self, images: Tensor, targets: Tensor, epoch: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the augmented images (batch, channels, height, width) and their targets.

        ``rows``, int64 (batch,), are row numbers in the data set, on the device of the images.
        """
        draws = random_bits(self.seed, epoch, rows, DRAWS)
        if self.names - {"mixup"}:
            down, outside_rows, cut_rows = self._axis(draws, images.shape[2], 0)
            across, outside_columns, cut_columns = self._axis(draws, images.shape[3], 1)
            if self.names & {"shift", "flip", "crop"}:
                images = _gather(images, down, across)
            if self.names & {"shift", "cutout"}:
                black = (
                    outside_rows[:, :, None] | outside_columns[:, None, :] | (cut_rows[:, :, None] & cut_columns[:, None, :])
                )
                images = images * ~black[:, None]
        return self._mixup(images, targets, draws) if "mixup" in self.names else (images, targets)

    def _axis(self, draws: Tensor, size: int, axis: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return, for each row and place along one axis: its source place, whether that is outside, and whether it is cut out.

        Three tensors (batch, size): int64, bool, bool. The axis is 0 down, 1 across.
        """
        places = torch.arange(size, device=draws.device).expand(len(draws), size)
        outside = hole = torch.zeros_like(places, dtype=torch.bool)
        if "cutout" in self.names:
            side = max(size // 4, 1)
            first = below(draws[:, CUTOUT + axis, None], size - side + 1)
            hole = (places >= first) & (places < first + side)
        if "shift" in self.names:
            most = max(size // 10, 1)
            places = places + below(draws[:, SHIFT + axis, None], 2 * most + 1) - most
            outside = (places < 0) | (places >= size)
            places = places.clamp(0, size - 1)
        if "crop" in self.names and size > 1:
            most = max(size // 8, 1)
            places = (places + below(draws[:, CROP + axis, None], 2 * most + 1) - most).abs()
            places = torch.where(places < size, places, 2 * (size - 1) - places)
        if "flip" in self.names and axis == 1:
            places = torch.where(below(draws[:, FLIP, None], 2) == 1, size - 1 - places, places)
        return places, outside, hole

    def _mixup(self, images: Tensor, targets: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Mix each row with the next in an order of the batch's rows by hash, the last with the first."""
        order = draws[:, ORDER].argsort(stable=True)
        partner = torch.empty_like(order).scatter_(0, order, order.roll(-1))
        share = _beta(draws[:, SHARE : SHARE + BETA_TRIES], draws[:, SHARE + BETA_TRIES :])
        numbered = targets.ndim == 1 and not targets.is_floating_point()
        wanted = F.one_hot(targets, self.classes).float() if numbered else targets.float()
        mixed = torch.lerp(images.float()[partner], images.float(), share[:, None, None, None])
        return mixed, torch.lerp(wanted[partner], wanted, share[:, None] if wanted.ndim == 2 else share)


def random_bits(seed: int, epoch: int, rows: Tensor, count: int) -> Tensor:
    """Return ``count`` random numbers below 2**24 for each row: int64 (rows, count), on the device of ``rows``."""
    row = _splitmix64((rows + 1) * GOLDEN_RATIO + step_seed(seed, epoch))
    return _shift_right(_splitmix64(row[:, None] + torch.arange(1, count + 1, device=rows.device) * GOLDEN_RATIO), 64 - BITS)


def _splitmix64(values: Tensor) -> Tensor:
    """Apply the output function of splitmix64 (Steele et al. 2014) to int64 values, taken as unsigned."""
    values = (values ^ _shift_right(values, 30)) * MULTIPLIER_1
    values = (values ^ _shift_right(values, 27)) * MULTIPLIER_2
    return values ^ _shift_right(values, 31)


def _shift_right(values: Tensor, bits: int) -> Tensor:
    """Shift right and bring in zeros; int64's own shift copies the sign."""
    return values >> bits & ((1 << (64 - bits)) - 1)


def below(bits: Tensor, count: int) -> Tensor:
    """Map random numbers of 24 bits to whole numbers below ``count``, equally likely to one part in 2**24 / count."""
    return bits * count >> BITS


def _beta(first: Tensor, second: Tensor) -> Tensor:
    """Draw one Beta(c, c) number a row by Johnk's method (1964): the first accepted pair of (rows, tries) random numbers."""
    one, two = (((bits + 0.5) / (1 << BITS)) ** (1 / MIXUP_CONCENTRATION) for bits in (first, second))
    accepted = (one + two <= 1).int().argmax(dim=1, keepdim=True)  # the first try where all are refused
    one, two = one.gather(1, accepted)[:, 0], two.gather(1, accepted)[:, 0]
    return one / (one + two)


def _gather(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Return for each place the pixel at (``down``, ``across``): int64 (batch, height) and (batch, width)."""
    batch, channels = images.shape[:2]
    flat = (down[:, :, None] * images.shape[3] + across[:, None, :]).view(batch, 1, -1)
    return images.reshape(batch, channels, -1).gather(2, flat.expand(-1, channels, -1)).view_as(images)
