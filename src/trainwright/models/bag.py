"""``bag``: the mean or weighted sum of embeddings, then a linear classifier (Joulin et al. 2017, arXiv:1607.01759).

With embedding size 0 the table holds one column a class: a linear model straight on the n-grams.

Shapes: values (tokens,) int32; offsets (batch,) int32, the first token of each text; weights (tokens,) float32; logits
(batch, classes).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from trainwright.models.shapes import TextShape
from trainwright.schema import BagSettings


class Bag(nn.Module):
    """See the module's text. Token weights turn the mean into a weighted sum."""

    def __init__(self, settings: BagSettings, shape: TextShape) -> None:
        super().__init__()
        self.init_range, self.l2 = settings.init_range, settings.l2 or 0.0
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
        if weights is not None and values.device.type == "cpu":
            bags: Tensor = WeightedSum.apply(self.embedding.weight, values, offsets, weights)  # type: ignore[no-untyped-call]
        else:
            bags = self.embedding(values, offsets, weights)
        logits: Tensor = self.classifier(bags)
        return logits

    def penalise(self) -> None:
        """Add ``l2`` times the embedding to the gradient of each embedding that has one.

        A token that is not in the batch stays as it is: a weight decay would take back, between two batches that have it,
        what a rare token has learned.
        """
        table = self.embedding.weight
        if self.l2 and table.grad is not None:
            moved = table.grad.abs().sum(dim=1, keepdim=True) > 0  # takes a third of the time of any()
            table.grad.addcmul_(table.detach(), moved.to(table.dtype), value=self.l2)

    def init_weights(self) -> None:
        """Uniform in +- ``init_range``, biases zero; a linear model starts at zero, where every class is equally likely."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or isinstance(self.classifier, AddBias):
                nn.init.zeros_(parameter)
            else:
                nn.init.uniform_(parameter, -self.init_range, self.init_range)


class WeightedSum(torch.autograd.Function):
    """``embedding_bag`` with weights in mode "sum", whose gradient takes a tenth of the time of torch's on a processor.

    Torch adds up the gradient token by token, all over the table. Here the batch is turned around: its tokens are sorted by
    id, and for each id the gradients of its texts are summed, which is an ``embedding_bag`` again.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, values: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Sums of each text: shape (batch, width)."""
        ctx.save_for_backward(values, offsets, weights)
        ctx.size = len(table)
        return embedding_bag(values, table, offsets, mode="sum", per_sample_weights=weights)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """The gradient of the table, dense."""
        values, offsets, weights = ctx.saved_tensors
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(values)]))
        texts = torch.arange(len(offsets), dtype=values.dtype).repeat_interleave(lengths)
        ordered, order = values.sort(stable=True)
        ids, counts = ordered.unique_consecutive(return_counts=True)
        begins = (counts.cumsum(0) - counts).to(values.dtype)
        texts, weights = texts.index_select(0, order), weights.index_select(0, order)
        sums = embedding_bag(texts, gradient.contiguous(), begins, mode="sum", per_sample_weights=weights)
        return gradient.new_zeros(ctx.size, gradient.shape[1]).index_add_(0, ids.long(), sums), None, None, None


class AddBias(nn.Module):
    """Adds one learned number a class."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, logits: Tensor) -> Tensor:
        """``logits`` plus the bias: shape (batch, classes)."""
        return logits + self.bias
