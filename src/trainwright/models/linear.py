"""``linear``: one linear layer on the numbers and on the categories, each category as a column of zeros and ones.

Shapes: numeric (batch, numbers) float32, scaled; categories (batch, columns) int32 or int64; outputs (batch, outputs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.data.shapes import TableShape
from trainwright.models.catalog import LinearSettings


class Linear(nn.Module):
    """The network ``linear``. The weights of a category are looked up, never multiplied by its zeros and ones."""

    def __init__(self, settings: LinearSettings, shape: TableShape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape.outputs, shape.numeric))
        self.bias = nn.Parameter(torch.empty(shape.outputs))
        self.categories = nn.ModuleList(nn.Embedding(count, shape.outputs) for count in shape.categories)

    def forward(self, numeric: Tensor, categories: Tensor) -> Tensor:
        """Return the outputs of each row: logits, or numbers."""
        outputs = torch.addmm(self.bias, numeric, self.weight.T)
        for column, weights in enumerate(self.categories):
            outputs = outputs + weights(categories[:, column])
        return outputs

    def init_weights(self) -> None:
        """Set all weights to zero: every class is equally likely, and the problem is convex."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
