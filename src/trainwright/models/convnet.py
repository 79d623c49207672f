"""``convnet``: a small batch-normalized convolutional network that a processor trains in minutes.

Each stage is a convolution, the maximum of each 2 x 2 square, batch norm, ReLU. Taking the maximum before the batch norm
leaves a quarter of the numbers to normalize. A last convolution and the maximum over the whole image end it.

Shapes: images (batch, channels, height, width) float32, normalized, of any height and width; logits (batch, outputs).
"""

from __future__ import annotations

from torch import Tensor, nn

from trainwright.data.shapes import ImageShape
from trainwright.models.catalog import ConvNetSettings
from trainwright.models.layers import BatchNorm, MemoryFormatted


class ConvNet(MemoryFormatted):
    """The network ``convnet``."""

    def __init__(self, settings: ConvNetSettings, shape: ImageShape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = shape.channels
        for channels in settings.channels:
            layers += _convolution(before, channels, nn.MaxPool2d(2, ceil_mode=True))
            before = channels
        layers += _convolution(before, before)
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(before, shape.outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each image."""
        logits: Tensor = self.classifier(self.dropout(self.features(self.formatted(images)).amax(dim=(2, 3))))
        return logits

    def init_weights(self) -> None:
        """Initialize convolutions as He et al. 2015, the classifier as torch does, its biases zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(self.classifier.bias)


def _convolution(before: int, after: int, *pooling: nn.Module) -> list[nn.Module]:
    """Return a 3 x 3 convolution (its bias would be undone by the batch norm), the pooling, batch norm, ReLU."""
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), *pooling, BatchNorm(after), nn.ReLU()]
