"""``linear``: one linear layer on the numbers, on the categories, each as a column of zeros and ones, and on bags of words.

Shapes: numeric (batch, numbers) float32, scaled; categories (batch, columns) int32 or int64; each column of text
(values (tokens,) int32, offsets (batch,) int32, weights (tokens,) float32); outputs (batch, outputs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.data.shapes import TableShape
from trainwright.models.bag import PooledBag
from trainwright.models.catalog import LinearSettings
from trainwright.models.protocols import TrainingHooks


class Linear(nn.Module, TrainingHooks):
    """The network ``linear``. The weights of a category or a word are looked up, never multiplied by its zeros and ones."""

    def __init__(self, settings: LinearSettings, shape: TableShape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape.outputs, shape.numeric))
        self.bias = nn.Parameter(torch.empty(shape.outputs))
        self.categories = nn.ModuleList(nn.Embedding(count, shape.outputs) for count in shape.categories)
        self.texts = nn.ModuleList(PooledBag(count, shape.outputs, mode="sum") for count in shape.texts)

    @property
    def sparse_tables(self) -> tuple[nn.EmbeddingBag, ...]:
        """Return the weights of the words."""
        return tuple(self.texts)  # type: ignore[arg-type]

    def forward(self, numeric: Tensor, categories: Tensor, *texts: tuple[Tensor, ...]) -> Tensor:
        """Return the outputs of each row: logits, or numbers."""
        outputs = torch.addmm(self.bias, numeric, self.weight.T)
        for column, weights in enumerate(self.categories):
            outputs = outputs + weights(categories[:, column])
        for bag, words in zip(self.texts, texts, strict=True):
            outputs = outputs + bag(*words)
        return outputs

    def init_weights(self) -> None:
        """Set all weights to zero: every class is equally likely, and the problem is convex."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
