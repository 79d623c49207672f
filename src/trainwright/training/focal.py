"""Focal losses (Lin et al. 2017, arXiv:1708.02002): rows that the model is sure of count less.

The cross-entropy of each is multiplied by (1 - p) to the power ``gamma``, where p is the probability of what is right.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.training.averages import HALF

LEAST = 1e-20  # of 1 - p, whose power has no slope at 0


class FocalLoss(nn.CrossEntropyLoss):
    """Of one class of several, by softmax: called as ``nn.CrossEntropyLoss`` is, and a mean as it is, without smoothing."""

    def __init__(
        self, gamma: float = 2.0, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        self.gamma = _checked(gamma)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (rows, classes, ...) and class numbers (rows, ...), or of shares of each class."""
        logs = _precise(input).log_softmax(dim=1)
        terms = logs * _doubt(logs) ** self.gamma
        if target.is_floating_point():
            weights = 1.0 if self.weight is None else self.weight.view(1, -1, *[1] * (logs.ndim - 2))
            losses = -(terms * weights * target).sum(dim=1)
            return losses.mean() if self.reduction == "mean" else losses
        kept = target != self.ignore_index
        places = target.where(kept, 0)
        shares = kept.to(logs.dtype) if self.weight is None else self.weight[places] * kept
        losses = -terms.gather(1, places.unsqueeze(1)).squeeze(1) * shares
        return losses.sum() / shares.sum() if self.reduction == "mean" else losses


class SigmoidFocalLoss(nn.Module):
    """Of classes or labels each against the rest: called as ``nn.BCEWithLogitsLoss`` is, and a mean as it is."""

    def __init__(self, gamma: float = 2.0, pos_weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.gamma, self.reduction = _checked(gamma), reduction
        self.pos_weight: Tensor | None
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits and of 0 and 1, or numbers between, of the same shape."""
        there, absent = F.logsigmoid(_precise(input)), F.logsigmoid(-_precise(input))
        weights = 1.0 if self.pos_weight is None else self.pos_weight
        losses = -weights * target * there * _doubt(there) ** self.gamma
        losses = losses - (1 - target) * absent * _doubt(absent) ** self.gamma
        return losses.mean() if self.reduction == "mean" else losses


def _precise(logits: Tensor) -> Tensor:
    """Return logits in float32 where they are of half of that."""
    return logits.float() if logits.dtype in HALF else logits


def _doubt(logs: Tensor) -> Tensor:
    """Return 1 - p of logarithms of p."""
    return (-torch.expm1(logs)).clamp_min(LEAST)


def _checked(gamma: float) -> float:
    if isinstance(gamma, bool) or not isinstance(gamma, int | float) or not 0 <= gamma < math.inf:
        raise ValueError(f"gamma is {gamma}, and has to be a number from 0 on")
    return float(gamma)
