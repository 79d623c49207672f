"""Everything about a run that changes as it trains, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.models.objective import has_classes
from trainwright.watch.events import Scores

COUNTED = ("loss", "weight", "correct", "rows", "classified", "ignored", "parts")
LATER = ("trials", "validation")  # and what checkpoints of earlier versions lack
PLACE = ("step", "epoch", "batch", "microbatches", "rows", "refused", "best_score", "best_epoch", "seconds")
NO_PARTS: Mapping[str, float] = MappingProxyType({})
BUFFERED = 1 << 16  # outputs kept until they are worth one vectorised comparison


def added(sums: Mapping[str, float], means: Mapping[str, float], weight: float) -> dict[str, float]:
    """Return sums to which means were added, each times ``weight``."""
    return {**sums, **{name: sums.get(name, 0.0) + each * weight for name, each in means.items()}}


@dataclass
class Tally:
    """Sums over one epoch of training: loss, its weight, right answers, rows (targets that are ``ignored`` left out), and the
    named parts of the loss, weighted as it is."""

    loss: float = 0.0
    weight: float = 0.0
    correct: int = 0
    rows: int = 0
    classified: bool = True
    ignored: int | None = None
    parts: dict[str, float] = field(default_factory=dict)
    _waiting: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    _held: int = 0

    def add(self, mean: float, weight: float, outputs: Any, batch: Batch, parts: Mapping[str, float] = NO_PARTS) -> None:
        """Count one batch. Comparing outputs with targets waits until there are many: one call for all of them."""
        self.loss += mean * weight
        self.weight += weight
        if parts:
            self.count_parts(parts, weight)
        if not has_classes(outputs, batch.targets):
            self.classified = False
            self.rows += batch.size
            return
        self._waiting.append((outputs.detach(), batch.targets))
        self._held += outputs.numel()
        if self._held >= BUFFERED:
            self._compare()

    def count(self, loss: float, weight: float, correct: int, rows: int, classified: bool) -> None:
        """Count an update by its sums."""
        self.loss, self.weight = self.loss + loss, self.weight + weight
        self.correct, self.rows, self.classified = self.correct + correct, self.rows + rows, self.classified and classified

    def count_parts(self, means: Mapping[str, float], weight: float) -> None:
        """Count the named parts of a loss."""
        self.parts = added(self.parts, means, weight)

    def _compare(self) -> None:
        if self._waiting:
            outputs, targets = (torch.cat(each) for each in zip(*self._waiting, strict=True))
            right = outputs.argmax(dim=1) == targets
            if self.ignored is None:
                self.rows += len(targets)
            else:
                kept = targets != self.ignored
                right &= kept
                self.rows += int(kept.count_nonzero())
            self.correct += int(right.count_nonzero())
            self._waiting, self._held = [], 0

    def mark(self) -> tuple[dict[str, Any], int]:
        """Return how much has been counted, for ``back``."""
        return dict(vars(self)), len(self._waiting)

    def back(self, mark: tuple[dict[str, Any], int]) -> None:
        """Forget what was counted since ``mark``. The list of then has only been added to: comparing begins a new one."""
        vars(self).update(mark[0])
        del self._waiting[mark[1] :]

    def sums(self) -> dict[str, Any]:
        """Return what has been counted so far, as numbers."""
        self._compare()
        return {name: getattr(self, name) for name in COUNTED}

    def scores(self) -> Scores:
        """Return mean loss a target, accuracy, and the means of the parts of the loss."""
        self._compare()
        accuracy = self.correct / self.rows if self.classified and self.rows else None
        parts = {name: each / self.weight for name, each in self.parts.items() if self.weight}
        return Scores(self.loss / self.weight if self.weight else 0.0, accuracy, self.rows, parts)


@dataclass
class State:
    """Where a run stands: ``epoch`` counts finished epochs, ``batch`` the batches used of the one under way, ``rows`` those
    that went through an update, ``refused`` the refused updates in a row. Each batch is cut into ``microbatches``, which
    ``batch`` counts, where memory ran out. ``seconds`` are those since the first step was about to be taken, ``trials`` those
    of what was measured before, ``validation`` those of the longest validation so far, or what the first is expected to take;
    both are 0 where time is not limited."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    microbatches: int = 1
    rows: int = 0
    refused: int = 0
    tally: Tally = field(default_factory=Tally)
    best_score: float = float("-inf")
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    trials: float = 0.0
    validation: float = 0.0
    first: float = 0.0  # ``seconds`` after the first update of this process, of a run that is limited by time

    def position(self) -> dict[str, Any]:
        """Return all but the best parameters, as numbers."""
        return {name: getattr(self, name) for name in (*PLACE, *LATER)} | {"tally": self.tally.sums()}

    def place(self, position: Mapping[str, Any]) -> None:
        """Stand where ``position`` says. Raise KeyError and TypeError for what ``position`` did not give."""
        for name in PLACE:
            setattr(self, name, position[name])
        for name in LATER:
            setattr(self, name, float(position.get(name, 0.0)))
        self.tally = Tally(**position["tally"])

    def consider(self, model: nn.Module, score: float) -> bool:
        """Keep a copy of the parameters when ``score`` (higher is better) beats all before. Return whether it did."""
        if not score > self.best_score:
            return False
        self.best_score, self.best_epoch = score, self.epoch
        for name, value in model.state_dict().items():
            if name in self.best and self.best[name].shape == value.shape:
                self.best[name].copy_(value)
            else:
                self.best[name] = value.detach().clone()
        return True
