"""Layers and conversions that several networks share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` that also trains on one number a channel (the last row of an epoch, as small as a pixel).

    Such a batch has no deviation of its own: it is normalized by the running mean and deviation, where torch's raises.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return normalized features (batch, channels, height, width)."""
        if self.training and features.numel() == features.shape[1]:
            return F.batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(features)


class Convolution(nn.Conv2d):
    """``nn.Conv2d`` that makes no steps along a side of one pixel, where there is nowhere to go: its outputs are the same.

    With steps, torch's gradient of the weights in bfloat16 on a processor is then in part what memory held before.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after it (batch, channels, height, width); the padding keeps a side of one pixel as it is."""
        steps = [1 if size == 1 else step for size, step in zip(features.shape[2:], self.stride, strict=True)]
        return F.conv2d(features, self.weight, self.bias, steps, self.padding)


class MemoryFormatted(nn.Module):
    """A network of images that converts them to a memory format first.

    ``layout`` is ``channels_last``, ``contiguous``, or empty for what is usually faster: on a processor the channels last,
    where convolutions and batch norms are faster by about 1.4; as they come on other devices.
    """

    layout = ""

    def formatted(self, images: Tensor) -> Tensor:
        """Return the same images, shape (batch, channels, height, width); each layer after keeps the format."""
        last = self.layout == "channels_last" or (not self.layout and images.device.type == "cpu")
        # Not ``contiguous()``: it takes an image of one channel to be in both formats, and later layers take the slower one.
        return images.to(memory_format=torch.channels_last if last else torch.contiguous_format)


def pad(values: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Convert flat ids and row starts to (ids, lengths): int64 (batch, longest), zero beyond each row, and int64 (batch,).

    ``values`` has shape (tokens,), ``offsets`` (batch,): the first token of each row.
    """
    lengths = torch.diff(offsets, append=offsets.new_tensor([len(values)])).long()
    inside = torch.arange(int(lengths.max()), device=values.device) < lengths[:, None]
    return torch.zeros_like(inside, dtype=torch.int64).masked_scatter(inside, values.long()), lengths
