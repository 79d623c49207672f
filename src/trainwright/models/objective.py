"""A loss as a mean with its weight: what training makes small, and what evaluation sums up."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainwright.data.batches.pytree import count_rows
from trainwright.errors import error
from trainwright.models.hinge import SquaredHingeLoss


def has_classes(outputs: Any, targets: Any) -> bool:
    """Return whether targets are class numbers (rows,), and outputs have a column for each class."""
    tensors = isinstance(targets, Tensor) and isinstance(outputs, Tensor)
    return tensors and targets.ndim == 1 and not targets.is_floating_point() and outputs.ndim == 2


class LossSums(NamedTuple):
    """Sums over a batch: loss, its weight, right answers (None where targets are no class numbers) of so many.

    What has to be computed is on the device.
    """

    loss: float | Tensor
    weight: float | Tensor
    correct: int | Tensor | None
    rows: int | Tensor


class Objective:
    """A loss as a mean with its weight, so that batches of any size add up to the same total.

    ``objective(outputs, targets)`` gives (mean, weight); ``mean * weight`` is the sum over the batch. The weight is what
    the loss divides by: the number of targets, or with class weights the sum of the targets' weights. A callable of the
    person's own is taken to be a mean over the rows; where its targets are several, over those of the first.
    """

    plain = True  # whether the loss follows from outputs and targets alone

    def __init__(self, loss: Callable[[Any, Any], Tensor], adapt: Callable[[Any, Any], tuple[Any, Any]] | None = None) -> None:
        """Keep the loss. Raise E606 for one that does not give a mean."""
        if getattr(loss, "reduction", "mean") not in ("mean", "batchmean"):
            raise error("E606", found=getattr(loss, "reduction", ""))
        self.loss, self.adapt = loss, adapt
        self.parts: dict[str, Tensor] = {}  # means of the last batch by name, of a loss that is made of several
        self._by_class = isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss | SquaredHingeLoss)
        self.ignored: int | None = loss.ignore_index if self._by_class else None  # type: ignore[attr-defined]
        self._elementwise = isinstance(loss, nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss)

    def __call__(self, outputs: Any, targets: Any, rows: Tensor | None = None) -> tuple[Tensor, float | Tensor]:
        """Return (mean, weight) of a batch, whose ``rows`` may have weights of their own, float32 (batch,).

        A weight that has to be counted is on the device.

        Raise E605 where outputs and targets would be broadcast against each other.
        """
        if self.adapt:
            outputs, targets = self.adapt(outputs, targets)
        if self._elementwise and isinstance(targets, Tensor) and outputs.shape != targets.shape:
            raise error("E605", outputs=tuple(outputs.shape), targets=tuple(targets.shape))
        if rows is not None:
            return self._weighted(outputs, targets, rows)
        return self.loss(outputs, targets), self._weight(targets)

    def _weighted(self, outputs: Tensor, targets: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the rows' weighted losses over the sum of their weights, and that sum; of a loss of torch."""
        loss: Any = copy.copy(self.loss)
        loss.reduction = "none"
        found = loss(outputs, targets).float()
        each: Tensor = found.flatten(1).mean(dim=1) if found.ndim > 1 else found
        divisors = rows
        if self._by_class and not targets.is_floating_point() and loss.weight is not None:
            divisors = rows * loss.weight[targets]  # which the loss of the row has in it
        total = divisors.sum()
        return (each * rows).sum() / total.clamp_min(torch.finfo(torch.float32).tiny), total

    def answers(self, outputs: Any) -> Any:
        """Return outputs as they are counted where they are right: as evaluation has them."""
        return outputs

    def measure(self, outputs: Any, targets: Any) -> LossSums:
        """Return the sums of a batch that is only looked at; right answers only where targets are class numbers."""
        mean, weight = self(outputs, targets)
        total = mean.double() * weight
        loss = torch.where(weight > 0, total, 0.0) if isinstance(weight, Tensor) else total if weight else 0.0
        if not has_classes(outputs, targets):
            return LossSums(loss, weight, None, 0)
        kept = targets != self.ignored if self.ignored is not None else torch.ones_like(targets, dtype=torch.bool)
        return LossSums(loss, weight, ((outputs.argmax(dim=1) == targets) & kept).sum(), kept.sum())

    @torch.no_grad()
    def each(self, outputs: Any, targets: Any) -> Tensor | None:
        """Return the loss of each row by itself, float32, shape (rows,); None for a loss that torch does not know.

        Outputs and targets are on the CPU. Their mean, weighted as the loss weights its targets, is the mean of all rows; of a
        row without a target it is NaN.
        """
        if not hasattr(self.loss, "reduction") or not isinstance(targets, Tensor) or not isinstance(outputs, Tensor):
            return None
        loss: Any = copy.deepcopy(self.loss)
        loss.cpu().reduction = "none"
        if self.adapt:
            outputs, targets = self.adapt(outputs, targets)
        found = loss(outputs, targets)
        if found.shape[:1] != outputs.shape[:1]:
            return None
        weights = self.row_weights(targets)
        if weights is not None:
            found = (found / weights).where(weights > 0, torch.nan)
        rows: Tensor = found.float().flatten(1) if found.ndim > 1 else found.float()[:, None]
        return rows.sum(dim=1) if self.loss.reduction == "batchmean" else rows.nanmean(dim=1)

    def row_weights(self, targets: Tensor) -> Tensor | None:
        """Return what each row counts in the mean, float32 (rows,), on the CPU as its ``targets`` are; None: all the same."""
        if not self._by_class or targets.is_floating_point():
            return None
        kept: Tensor = targets != self.loss.ignore_index  # type: ignore[attr-defined]
        class_weights: Tensor | None = self.loss.weight  # type: ignore[attr-defined]
        return kept.float() if class_weights is None else class_weights.cpu()[targets.where(kept, 0)].where(kept, 0)

    def metrics(self, loss: float) -> dict[str, float]:
        """Return the metrics that follow from a mean loss alone."""
        return {}

    def _weight(self, targets: Any) -> float | Tensor:
        if not isinstance(targets, Tensor):
            return float(count_rows(targets))
        if not self._by_class or targets.is_floating_point():
            return float(len(targets)) if targets.ndim else 1.0
        class_weights = self.loss.weight  # type: ignore[attr-defined]
        kept = targets != self.loss.ignore_index  # type: ignore[attr-defined]
        if class_weights is None:
            return torch.count_nonzero(kept)  # a sum of truth values takes three times as long
        weights: Tensor = class_weights[targets.where(kept, 0)].where(kept, 0)
        return weights.sum()


class MemberObjective(Objective):
    """The loss of a network that may have several members: the mean of what each comes to by itself.

    Outputs of such a network in training are (rows, members, outputs); all others, (rows, outputs), have their usual loss.
    """

    def __call__(self, outputs: Tensor, targets: Tensor, rows: Tensor | None = None) -> tuple[Tensor, float | Tensor]:
        """Return (mean, weight): each member has each target."""
        if outputs.ndim == 3:
            members = outputs.shape[1]
            outputs, targets = outputs.flatten(0, 1), targets.repeat_interleave(members, dim=0)
            rows = None if rows is None else rows.repeat_interleave(members)
        return super().__call__(outputs, targets, rows)

    def answers(self, outputs: Tensor) -> Tensor:
        """Return the mean of the members' outputs."""
        return outputs.mean(dim=1) if outputs.ndim == 3 else outputs
