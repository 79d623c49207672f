"""``SquaredHingeLoss``: that of a linear support vector machine, each class against the rest; torch has none for classes."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


class SquaredHingeLoss(nn.Module):
    """The mean over rows and classes of max(0, 1 - margin) squared; the margin is the output, of a wrong class less the output.

    Outputs (rows, classes) and class numbers int64 (rows,), or shares of classes (rows, classes), where classes are mixed.
    ``weight`` (classes,) is what a row of each class counts, as in ``CrossEntropyLoss``.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: Literal["mean", "none"] = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction, self.ignore_index = reduction, -100

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean, or the loss of each row where there is no reduction. A row of ``ignore_index`` has none."""
        mixed = targets.is_floating_point()
        shares = (targets if mixed else F.one_hot(targets.clamp_min(0), outputs.shape[1])).to(outputs.dtype)
        rows = F.relu(1 - (2 * shares - 1) * outputs).square().mean(dim=1)
        kept = rows.new_ones(len(rows)) if mixed else (targets != self.ignore_index).to(rows.dtype)
        weights = kept if self.weight is None else kept * (shares @ self.weight.to(shares.dtype))
        if self.reduction == "none":
            return rows * weights
        return (rows * weights).sum() / (len(rows) if mixed else weights.sum())
