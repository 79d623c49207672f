"""``mlp`` for tables: an embedding of each categorical column beside the numbers, then a feed-forward network of any widths
(entity embeddings: Guo and Berkhahn 2016, arXiv:1604.06737).

Shapes: numeric (batch, numbers) float32, scaled; categories (batch, columns) int32 or int64; outputs (batch, outputs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.data.shapes import TableShape
from trainwright.models.catalog import MLPSettings
from trainwright.models.trunk import Trunk

WIDEST = 50


class TableMLP(nn.Module):
    """The network ``mlp`` for tables. A column of n categories gets (n + 1) / 2 dimensions, 50 at most."""

    def __init__(self, settings: MLPSettings, shape: TableShape) -> None:
        super().__init__()
        widths = [min(WIDEST, (count + 1) // 2) for count in shape.categories]
        self.embeddings = nn.ModuleList(
            nn.Embedding(count, width) for count, width in zip(shape.categories, widths, strict=True)
        )
        self.trunk = Trunk(settings, shape.numeric + sum(widths))
        self.output = nn.Linear(self.trunk.width, shape.outputs)

    def forward(self, numeric: Tensor, categories: Tensor) -> Tensor:
        """Return the outputs of each row: logits, or numbers."""
        embedded = [embed(categories[:, column]) for column, embed in enumerate(self.embeddings)]
        outputs: Tensor = self.output(self.trunk(torch.cat([numeric, *embedded], dim=1)))
        return outputs

    def init_weights(self) -> None:
        """Draw embeddings normal with deviation 1, the size of scaled numbers; the output as torch does, its biases zero.

        Code 0 (missing, or not known) begins as zero, the mean of the others: training may never meet it.
        """
        for embed in self.embeddings:
            nn.init.normal_(embed.weight)  # type: ignore[arg-type]
            nn.init.zeros_(embed.weight[0])  # type: ignore[index]
        self.trunk.init_weights()
        nn.init.zeros_(self.output.bias)
