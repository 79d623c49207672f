"""``mlp`` for images: the pixels as one row of numbers, then a feed-forward network of any widths.

Shapes: images (batch, channels, height, width) float32, normalized; logits (batch, outputs).
"""

from __future__ import annotations

from torch import Tensor, nn

from trainwright.data.shapes import ImageShape
from trainwright.models.catalog import MLPSettings
from trainwright.models.trunk import Trunk


class MLP(nn.Module):
    """The network ``mlp`` for images."""

    def __init__(self, settings: MLPSettings, shape: ImageShape) -> None:
        super().__init__()
        self.trunk = Trunk(settings, shape.channels * shape.height * shape.width)
        self.classifier = nn.Linear(self.trunk.width, shape.outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each image."""
        logits: Tensor = self.classifier(self.trunk(images.flatten(1)))
        return logits

    def init_weights(self) -> None:
        """Initialize the hidden layers; the classifier as torch does, its biases zero."""
        self.trunk.init_weights()
        nn.init.zeros_(self.classifier.bias)
