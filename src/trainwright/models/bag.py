"""``bag``: the mean or weighted sum of embeddings, then a linear classifier (Joulin et al. 2017, arXiv:1607.01759).

With embedding size 0 the table holds one column a class: a linear model straight on the n-grams.

Shapes: values (tokens,) int32; offsets (batch,) int32, the first token of each text; weights (tokens,) float32; logits
(batch, classes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from trainwright.data.shapes import TextShape
from trainwright.data.text.ragged import Ragged, Transposed
from trainwright.models.catalog import BagSettings
from trainwright.models.protocols import TrainingHooks


class Bag(nn.Module, TrainingHooks):
    """The network ``bag``. Token weights turn the mean into a weighted sum."""

    def __init__(self, settings: BagSettings, shape: TextShape) -> None:
        super().__init__()
        self.init_range, self.l2 = settings.init_range, settings.l2 or 0.0
        width = settings.embedding or shape.outputs
        # PyTorch's per-sample weights need the sum; without weights a text is the mean of its tokens.
        self.embedding = PooledBag(shape.vocabulary, width, mode="sum" if settings.weighting == "tf-idf" else "mean")
        layers: list[nn.Module] = []
        for hidden in settings.hidden if settings.embedding else []:
            layers += [nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        if settings.embedding:
            layers += [nn.Dropout(settings.dropout)] if settings.dropout else []
            layers += [nn.Linear(width, shape.outputs)]
        self.classifier = nn.Sequential(*layers) if layers else AddBias(shape.outputs)

    @property
    def sparse_tables(self) -> tuple[nn.EmbeddingBag, ...]:
        """Return the embedding, which has one row for each token."""
        return (self.embedding,)

    def forward(
        self, values: Tensor, offsets: Tensor, weights: Tensor | None = None, transposed: Transposed | None = None
    ) -> Tensor:
        """Return the logits of each text. ``transposed``: the result of ``Ragged.transposed``, to speed up the gradient."""
        logits: Tensor = self.classifier(self.embedding(values, offsets, weights, transposed))
        return logits

    def add_penalty(self) -> None:
        """Add ``l2`` times the embedding to the gradient of each embedding that has one.

        A token that is not in the batch stays as it is: a weight decay would take back, between two batches that have it,
        what a rare token has learned.
        """
        table = self.embedding.weight
        if not self.l2 or table.grad is None:
            return
        if table.grad.is_sparse:
            table.grad._values().add_(gather_rows(table.detach(), table.grad._indices()[0]), alpha=self.l2)
            return
        moved = table.grad.abs().sum(dim=1, keepdim=True) > 0  # takes a third of the time of any()
        table.grad.addcmul_(table.detach(), moved.to(table.dtype), value=self.l2)

    def init_weights(self) -> None:
        """Draw uniform in +- ``init_range``, biases zero; all zero in a linear model, so that every class is equally likely."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or isinstance(self.classifier, AddBias):
                nn.init.zeros_(parameter)
            else:
                nn.init.uniform_(parameter, -self.init_range, self.init_range)


class PooledBag(nn.EmbeddingBag):
    """``nn.EmbeddingBag`` of mode "sum" for ids with weights, or "mean"; on a processor its gradient is that of ``Pooled``."""

    def forward(  # type: ignore[override]
        self, values: Tensor, offsets: Tensor, weights: Tensor | None = None, transposed: Transposed | None = None
    ) -> Tensor:
        """Return the sum or mean of each text: shape (batch, width)."""
        if values.device.type == "cpu" and not torch.compiler.is_compiling():
            pooled: Tensor = Pooled.apply(self.weight, values, offsets, weights, self.sparse, transposed)  # type: ignore[no-untyped-call]
            return pooled
        return super().forward(values, offsets, weights)


class Pooled(torch.autograd.Function):
    """``embedding_bag``: with weights in mode "sum", without them in mode "mean"; its gradient takes a tenth of torch's time.

    Torch adds up the gradient token by token, all over the table. Here the batch is transposed: its tokens are sorted by
    id, and for each id the gradients of its texts are summed, which is an ``embedding_bag`` again. With ``sparse`` the
    gradient has these rows alone: each once and in order, a coalesced sparse tensor.
    """

    @staticmethod
    def forward(
        ctx: Any,
        table: Tensor,
        values: Tensor,
        offsets: Tensor,
        weights: Tensor | None,
        sparse: bool,
        transposed: Transposed | None,
    ) -> Tensor:
        """Return the sum or mean of each text: shape (batch, width)."""
        texts = Ragged(values.numpy(), np.append(offsets.numpy(), len(values)), None if weights is None else weights.numpy())
        ctx.texts, ctx.size, ctx.sparse, ctx.transposed = texts, len(table), sparse, transposed
        sums = embedding_bag(values, table, offsets, mode="sum", per_sample_weights=weights)
        return sums if weights is not None else sums.div_(_divisors(texts))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        """Return the gradient of the table; transpose the batch where that was not done in advance."""
        texts, weights, begins, ids = map(_tensor, ctx.transposed or ctx.texts.transposed(ctx.size))
        if weights is None:
            gradient = gradient / _divisors(ctx.texts)
        sums = embedding_bag(texts, gradient.contiguous(), begins, mode="sum", per_sample_weights=weights)
        size = ctx.size, gradient.shape[1]
        if ctx.sparse:
            found = torch.sparse_coo_tensor(ids.unsqueeze(0), sums, size, check_invariants=False, is_coalesced=True)
        else:
            found = gradient.new_zeros(size).index_copy_(0, ids, sums)
        return found, None, None, None, None, None


def _tensor(array: np.ndarray | None) -> Any:
    return None if array is None else torch.from_numpy(array)


def _divisors(texts: Ragged) -> Tensor:
    """Return what turns each sum into a mean: shape (batch, 1). The mean of an empty text is zero."""
    return torch.from_numpy(np.maximum(texts.lengths, 1)).unsqueeze(1)


def gather_rows(table: Tensor, ids: Tensor) -> Tensor:
    """Return rows of a table in main memory. For short rows NumPy takes a third of torch's time."""
    return torch.from_numpy(table.numpy().take(ids.numpy(), axis=0, mode="clip"))


class AddBias(nn.Module):
    """A layer that adds one learned number to each class."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, logits: Tensor) -> Tensor:
        """Return ``logits`` plus the bias: shape (batch, classes)."""
        return logits + self.bias
