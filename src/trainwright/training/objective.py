"""What training makes small: losses by their torch names, or a person's own, as means with their weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.data.batches.pytree import count
from trainwright.errors import error
from trainwright.training import torch_names
from trainwright.training.torch_names import check, checking

# Losses that take class numbers, losses that take one value for each class and row, and losses for numbers.
CLASS_NUMBERS = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
ONE_HOT = ("BCEWithLogitsLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "MultiLabelSoftMarginLoss")
NUMBERS = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


def losses() -> dict[str, type[nn.Module]]:
    """Return the loss classes of ``torch.nn`` by name."""
    return {name: each for name, each in torch_names.classes(nn, nn.Module).items() if name.endswith("Loss")}


class LossSums(NamedTuple):
    """Sums over a batch: loss, its weight, right answers (None where targets are no class numbers) of so many."""

    loss: float
    weight: float
    correct: int | None
    rows: int


class Objective:
    """A loss as a mean with its weight, so that batches of any size add up to the same total.

    ``objective(outputs, targets)`` gives (mean, weight); ``mean * weight`` is the sum over the batch. The weight is what
    the loss divides by: the number of targets, or with class weights the sum of the targets' weights. A callable of the
    person's own is taken to be a mean over the rows; where its targets are several, over those of the first.
    """

    def __init__(self, loss: Callable[[Any, Any], Tensor], adapt: Callable[[Any, Any], tuple[Any, Any]] | None = None) -> None:
        """Raise E606 for a loss that does not give a mean."""
        if getattr(loss, "reduction", "mean") not in ("mean", "batchmean"):
            raise error("E606", found=getattr(loss, "reduction", ""))
        self.loss, self.adapt = loss, adapt
        self._by_class = isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss)
        self.ignored: int | None = loss.ignore_index if self._by_class else None  # type: ignore[attr-defined]
        self._elementwise = isinstance(loss, nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss)

    def __call__(self, outputs: Any, targets: Any) -> tuple[Tensor, float]:
        """Return (mean, weight) of a batch. Raise E605 where outputs and targets would be broadcast against each other."""
        if self.adapt:
            outputs, targets = self.adapt(outputs, targets)
        if self._elementwise and isinstance(targets, Tensor) and outputs.shape != targets.shape:
            raise error("E605", outputs=tuple(outputs.shape), targets=tuple(targets.shape))
        return self.loss(outputs, targets), self._weight(targets)

    def measure(self, outputs: Any, targets: Any) -> LossSums:
        """Measure a batch that is only looked at: its loss, and where targets are class numbers, how many outputs are right."""
        mean, weight = self(outputs, targets)
        loss = mean.item() * weight if weight else 0.0
        if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)):
            return LossSums(loss, weight, None, 0)
        if outputs.ndim != 2 or targets.ndim != 1 or targets.is_floating_point():
            return LossSums(loss, weight, None, 0)
        kept = targets != self.ignored if self.ignored is not None else torch.ones_like(targets, dtype=torch.bool)
        right = ((outputs.argmax(dim=1) == targets) & kept).sum()
        return LossSums(loss, weight, int(right), int(kept.sum()))

    def metrics(self, loss: float) -> dict[str, float]:
        """Return the metrics that follow from a mean loss alone."""
        return {}

    def _weight(self, targets: Any) -> float:
        if not isinstance(targets, Tensor):
            return float(count(targets))
        if not self._by_class or targets.is_floating_point():
            return float(len(targets)) if targets.ndim else 1.0
        class_weights = self.loss.weight  # type: ignore[attr-defined]
        kept = targets != self.loss.ignore_index  # type: ignore[attr-defined]
        if class_weights is None:
            return float(torch.count_nonzero(kept).item())  # a sum of truth values takes three times as long
        return float(class_weights[targets[kept]].sum())


def make_objective(named: Named, label_smoothing: float, class_weights: Tensor | None, classes: int) -> Objective:
    """Return the loss of a classifier. Raise E310 to E312, and E313 where a loss has no use for a setting or for classes."""
    kind = _loss(named, CLASS_NUMBERS + ONE_HOT, f"{classes} classes")
    arguments = named.arguments
    for name, value in (("label_smoothing", label_smoothing), ("weight", class_weights)):
        if value is not None and not (isinstance(value, float) and value == 0):
            if name not in inspect.signature(kind).parameters:
                setting = "class_weights" if name == "weight" else name
                raise error("E313", name=named.name, problem=f"it takes no {setting}: use CrossEntropyLoss")
            arguments[name] = value
    with checking("loss", named):
        loss = kind(**{key: torch.tensor(each) if isinstance(each, list) else each for key, each in arguments.items()})
    return Objective(loss, _adapter(named.name, classes))


def number_objective(named: Named) -> Objective:
    """Return the loss of a network with one number a row, outputs (N, 1) and targets (N,). Raise E310 to E313."""
    kind = _loss(named, NUMBERS, "numbers")
    with checking("loss", named):
        loss = kind(**named.arguments)
        loss(torch.zeros(2), torch.ones(2))  # some only look at their arguments when they are called
    return Objective(loss, _one_number)


def _loss(named: Named, fitting: tuple[str, ...], what: str) -> type[nn.Module]:
    """Return the class of a loss. Raise E310 and E311, and E313 for one that is not among the ``fitting`` ones."""
    kind = check("loss", named, losses(), reserved=["reduction", "size_average", "reduce"])
    if named.name not in fitting:
        raise error("E313", name=named.name, problem=f"it does not fit {what}: " + ", ".join(fitting))
    return kind


def _one_number(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs (N, 1) as (N,), the shape of the targets: (N, 1) against (N,) would be broadcast to (N, N)."""
    return outputs.squeeze(1), targets


def _adapter(name: str, classes: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    if name == "NLLLoss":
        return _log_probabilities
    return partial(_one_hot, classes) if name in ONE_HOT else None


def _log_probabilities(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return logits.log_softmax(dim=1), targets


def _one_hot(classes: int, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return class numbers as rows of 0 and 1; mixed targets, which are such rows already, as they are."""
    return logits, targets if targets.is_floating_point() else nn.functional.one_hot(targets, classes).to(logits.dtype)
