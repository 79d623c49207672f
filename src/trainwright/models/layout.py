"""The order of an image's numbers in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def fastest(images: Tensor) -> Tensor:
    """Images with the channels last in memory on a processor, where convolutions and batch norms are faster by about 1.4.

    The shape stays (batch, channels, height, width), and each layer after keeps the order. Other devices get what they gave:
    there it depends on the precision, and is set by ``network.to(memory_format=...)``.
    """
    return images.contiguous(memory_format=torch.channels_last) if images.device.type == "cpu" else images
