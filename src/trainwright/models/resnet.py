"""``resnet``: ResNet-18, two basic blocks in each of four stages (He et al. 2016, arXiv:1512.03385).

Parameters bear torchvision's names, so with the stem ``imagenet`` and width 64 its weights fit.

Shapes: images (batch, channels, height, width) float32, normalized, of any height and width; logits (batch, outputs).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data.shapes import ImageShape
from trainwright.models.catalog import LARGE, ResNetSettings
from trainwright.models.layers import BatchNorm, Convolution, MemoryFormatted


class ResNet(MemoryFormatted):
    """The network ``resnet``. The stem is derived from the size of the images where it is not given."""

    def __init__(self, settings: ResNetSettings, shape: ImageShape) -> None:
        super().__init__()
        width = settings.width
        large = settings.stem == "imagenet" or (settings.stem is None and min(shape.height, shape.width) >= LARGE)
        self.conv1 = Convolution(shape.channels, width, 7 if large else 3, 2 if large else 1, 3 if large else 1, bias=False)
        self.bn1 = BatchNorm(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if large else nn.Identity()
        self.layer1 = nn.Sequential(Block(width, width, 1), Block(width, width, 1))
        self.layer2 = nn.Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))
        self.layer3 = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))
        self.layer4 = nn.Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))
        self.fc = nn.Linear(8 * width, shape.outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each image."""
        features = self.maxpool(F.relu(self.bn1(self.conv1(self.formatted(images)))))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits

    def init_weights(self) -> None:
        """Initialize as He et al. 2015, and each block as the identity: the last scale in it is zero (Goyal et al. 2017)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Block):
                nn.init.zeros_(module.bn2.weight)
        nn.init.zeros_(self.fc.bias)


class Block(nn.Module):
    """A residual block of two convolutions: (batch, before, h, w) to (batch, after, h / stride, w / stride)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Convolution(before, after, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm(after)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(Convolution(before, after, 1, stride, bias=False), BatchNorm(after))

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after the block."""
        inner = F.relu(self.bn1(self.conv1(features)))
        return F.relu(torch.add(self.bn2(self.conv2(inner)), self.downsample(features)))
