"""A model measured on data as sums and counts, so that the size of the batches cannot change its scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_leaves, tree_map, tree_unflatten
from trainwright.errors import error
from trainwright.evaluation.intervals import Units, of_mean
from trainwright.models.forward import Forward
from trainwright.models.objective import LossSums, Objective, has_classes
from trainwright.watch.events import Scores

Measure = Callable[[Any, Any], Any]  # (outputs, targets) of all rows -> a number


@dataclass
class Outputs:
    """What a model says of a data set: summed loss and its weight, right answers (None where targets are no class numbers)
    of so many rows, and where they are kept the outputs and targets of all rows in order, on the CPU."""

    loss: float
    weight: float
    correct: int | None
    n: int
    outputs: Any = None
    targets: Any = None
    units: Units | None = None  # what the rows are parts of, where a row is no unit of its own
    parts: Mapping[str, float] = field(default_factory=dict)  # the means of the named parts of the loss

    @property
    def mean(self) -> float:
        """Return the loss a target."""
        return self.loss / self.weight if self.weight else 0.0

    def without(self, rows: np.ndarray | None) -> Outputs | None:
        """Return the outputs of all other rows, whose loss is not known; None for no ``rows``, bool (rows,), or all."""
        if rows is None or rows.all():
            return None
        kept = torch.from_numpy(~rows)
        units = None if self.units is None else self.units.of_rows(~rows)
        return Outputs(0.0, 0.0, None, int(kept.sum()), self.outputs[kept], self.targets[kept], units=units)

    def scores(self, metrics: Mapping[str, float]) -> Scores:
        """Return loss and accuracy, with what else was measured. Raise E607 where no target counts."""
        if not self.weight:
            raise error("E607")
        accuracy = None if self.correct is None else self.correct / self.n
        return Scores(self.mean, accuracy, self.n, {**self.parts, **metrics})


def outputs_of(outputs: np.ndarray, targets: np.ndarray, loss: float, weight: float, units: Units | None) -> Outputs:
    """Return what models said of rows, (rows, outputs), and the sums of the loss that were taken then."""
    said, right = torch.from_numpy(outputs), torch.tensor(targets)
    correct = int((said.argmax(dim=1) == right).sum()) if has_classes(said, right) else None
    return Outputs(loss, weight, correct, len(right), said, right, units=units)


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode; the mode of each of its parts is afterwards what it was before."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@torch.no_grad()
def predict_all(forward: Forward, objective: Objective, batches: Iterable[Batch], keep: bool = True) -> Outputs:
    """Call the model in evaluation mode on every batch once; keep outputs and targets only with ``keep``. Raise E615."""
    found, sizes, classified = [], 0, True
    kept: list[tuple[Any, Any]] = []
    parts: dict[str, Any] = {}  # sums, on the device
    forward.reset_state()
    with evaluation_mode(forward.model):
        for batch in batches:
            outputs = forward(batch)
            sums = objective.measure(outputs, batch.targets)
            classified = classified and sums.correct is not None
            found.append(sums._replace(correct=0 if sums.correct is None else sums.correct))
            sizes += batch.size
            for name, part in objective.parts.items():
                parts[name] = parts.get(name, 0.0) + part.double() * sums.weight
            if keep:
                kept.append((on_cpu(outputs), on_cpu(batch.targets)))
    together = joined(kept) if keep else (None, None)
    loss, weight, correct, rows = (sum(each) for each in zip(*_numbers(found), strict=True)) if found else (0.0, 0.0, 0, 0)
    means = {name: float(each) / weight for name, each in parts.items() if weight}
    right, n = int(correct) if classified and rows else None, int(rows) if classified else sizes
    return Outputs(loss, weight, right, n, together[0], together[1], parts=means)


def loss_interval(objective: Objective, found: Outputs, losses: Tensor | None) -> tuple[float, float] | None:
    """Return the 95 % interval of the loss, from that of each row (``Objective.each``).

    None where rows have none by themselves, or where the mean of all is not made of these.
    """
    if losses is None:
        return None
    weights = objective.row_weights(found.targets)
    weights = torch.ones_like(losses) if weights is None else weights
    if weights.shape != losses.shape:
        return None
    kept = (weights > 0).numpy()
    values, counts = (each.double().numpy()[kept] for each in (losses, weights))
    if not math.isclose(float(values @ counts), found.mean * float(counts.sum()), rel_tol=1e-4):
        return None
    return of_mean(values, counts, found.units and found.units.of_rows(kept))


def _numbers(found: Sequence[LossSums]) -> list[list[float]]:
    """Return the sums of all batches as numbers, and wait for the device once."""
    tensors = [each.double() for sums in found for each in sums if isinstance(each, Tensor)]
    read = iter(torch.stack(tensors).tolist() if tensors else [])
    return [[next(read) if isinstance(each, Tensor) else float(each or 0) for each in sums] for sums in found]


def scores(
    forward: Forward, objective: Objective, batches: Iterable[Batch], measures: Mapping[str, Measure] | None = None
) -> Scores:
    """Return loss a target, accuracy where the targets are class numbers, rows, and the measures.

    Outputs are kept (on the CPU) only where there are measures, which are called once, with those of all rows.
    Raise E607 where there is nothing to measure, E615 and E616.
    """
    measures = measures or {}
    found = predict_all(forward, objective, batches, keep=bool(measures))
    return found.scores({name: _number(name, each(found.outputs, found.targets)) for name, each in measures.items()})


def outputs(forward: Forward, batches: Iterable[Batch]) -> Any:
    """Return what a model in evaluation mode says of all rows in order, on the CPU. Raise E607 for no rows, and E615."""
    forward.reset_state()
    with torch.no_grad(), evaluation_mode(forward.model):
        found = [on_cpu(forward(batch)) for batch in batches]
    if not found:
        raise error("E607")
    return joined(found)


def joined(parts: list[Any]) -> Any:
    """Put the outputs of batches together, each part of a tuple or dict by itself; None stays, other values make a list.

    Raise E615 where they differ in arrangement, or in more than the first dimension.
    """
    try:
        return tree_unflatten(parts[0], [_together(column) for column in zip(*map(tree_leaves, parts), strict=True)])
    except (RuntimeError, TypeError, ValueError) as problem:
        raise error("E615", problem=problem) from None


def _together(column: tuple[Any, ...]) -> Any:
    if not isinstance(column[0], Tensor):
        return list(column)
    return torch.cat(column) if column[0].ndim else torch.stack(column)


def on_cpu(value: Any) -> Any:
    """Return a tensor, or nested ones, on the CPU."""
    return tree_map(lambda each: each.cpu() if isinstance(each, Tensor) else each, value)


def _number(name: str, value: Any) -> float:
    found = value.item() if isinstance(value, Tensor | np.ndarray | np.generic) and value.ndim == 0 else value
    if not isinstance(found, int | float):
        raise error("E616", name=name, found=type(value).__name__)
    return float(found)
