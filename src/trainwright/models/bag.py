"""``bag``: the mean or weighted sum of embeddings, then a linear classifier (Joulin et al. 2017, arXiv:1607.01759).

With embedding size 0 the table holds one column a class: a linear model straight on the n-grams.

Shapes: values (tokens,) int32; offsets (batch,) int32, the first token of each text; weights (tokens,) float32; logits
(batch, classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.models.shapes import TextShape
from trainwright.schema import BagSettings


class Bag(nn.Module):
    """See the module's text. Token weights turn the mean into a weighted sum."""

    def __init__(self, settings: BagSettings, shape: TextShape) -> None:
        super().__init__()
        self.init_range = settings.init_range
        width = settings.embedding or shape.outputs
        # PyTorch's per-sample weights need the sum; without weights a text is the mean of its tokens.
        self.embedding = nn.EmbeddingBag(shape.vocabulary, width, mode="sum" if settings.weighting == "tf-idf" else "mean")
        layers: list[nn.Module] = []
        for hidden in settings.hidden if settings.embedding else []:
            layers += [nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        if settings.embedding:
            layers += [nn.Dropout(settings.dropout)] if settings.dropout else []
            layers += [nn.Linear(width, shape.outputs)]
        self.classifier = nn.Sequential(*layers) if layers else AddBias(shape.outputs)

    def forward(self, values: Tensor, offsets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Logits of each text."""
        logits: Tensor = self.classifier(self.embedding(values, offsets, weights))
        return logits

    def init_weights(self) -> None:
        """Uniform in +- ``init_range``, biases zero; a linear model starts at zero, where every class is equally likely."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or isinstance(self.classifier, AddBias):
                nn.init.zeros_(parameter)
            else:
                nn.init.uniform_(parameter, -self.init_range, self.init_range)


class AddBias(nn.Module):
    """Adds one learned number a class."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, logits: Tensor) -> Tensor:
        """``logits`` plus the bias: shape (batch, classes)."""
        return logits + self.bias
