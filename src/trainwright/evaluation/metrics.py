"""Scores as sums and counts, so that the size of the batches cannot change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_leaves, tree_map, tree_unflatten
from trainwright.errors import error
from trainwright.models.forward import Forward
from trainwright.watch.events import Scores

Measure = Callable[[Any, Any], Any]  # (outputs, targets) of all rows -> a number


class ObjectiveLike(Protocol):
    """What ``training.optim.Objective`` is, which this room does not import."""

    def __call__(self, outputs: Any, targets: Any) -> tuple[Tensor, float]:
        """(mean, weight) of a batch."""

    def measure(self, outputs: Any, targets: Any) -> Any:
        """Loss, weight, right answers, and rows of a batch."""

    def metrics(self, loss: float) -> dict[str, float]:
        """What follows from a mean loss alone."""


@dataclass
class Outputs:
    """What a model says of a data set: summed loss, and the outputs of all rows in order."""

    loss: float
    weight: float
    outputs: Tensor
    targets: Tensor


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode; the mode of each of its parts is afterwards what it was before."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@torch.no_grad()
def predict_all(forward: Forward, objective: ObjectiveLike, batches: Iterable[Batch]) -> Outputs:
    """The model in evaluation mode over every batch once; its mode afterwards is as it was before."""
    loss, total, outputs, targets = 0.0, 0.0, [], []
    with evaluation_mode(forward.model):
        for batch in batches:
            output = forward(batch)
            mean, weight = objective(output, batch.targets)
            loss, total = loss + mean.item() * weight, total + weight
            outputs.append(output)
            targets.append(batch.targets)
    return Outputs(loss, total, torch.cat(outputs).cpu(), torch.cat(targets).cpu())


def scores(
    forward: Forward, objective: ObjectiveLike, batches: Iterable[Batch], measures: Mapping[str, Measure] | None = None
) -> Scores:
    """Loss a target, accuracy where the targets are class numbers, and rows.

    Outputs are kept (on the CPU) only where there are measures, which are called once, with those of all rows.
    Raises E607 where there is nothing to measure, E615 and E616.
    """
    loss, total, correct, rows, sizes, classified = 0.0, 0.0, 0, 0, 0, True
    kept: list[tuple[Any, Any]] = []
    forward.reset_state()
    with torch.no_grad(), evaluation_mode(forward.model):
        for batch in batches:
            outputs = forward(batch)
            found = objective.measure(outputs, batch.targets)
            loss, total, sizes = loss + found.loss, total + found.weight, sizes + batch.size
            classified = classified and found.correct is not None
            correct, rows = correct + (found.correct or 0), rows + found.rows
            if measures:
                kept.append((tree_map(_to_cpu, outputs), tree_map(_to_cpu, batch.targets)))
    if not total:
        raise error("E607")
    mean = loss / total
    more = objective.metrics(mean)
    if measures:
        together = joined(kept)
        more |= {name: _number(name, measure(*together)) for name, measure in measures.items()}
    return Scores(mean, correct / rows if classified and rows else None, rows if classified else sizes, more)


def outputs(forward: Forward, batches: Iterable[Batch]) -> Any:
    """What a model in evaluation mode says of all rows in order, on the CPU. Raises E607 where there are none, and E615."""
    forward.reset_state()
    with torch.no_grad(), evaluation_mode(forward.model):
        found = [tree_map(_to_cpu, forward(batch)) for batch in batches]
    if not found:
        raise error("E607")
    return joined(found)


def joined(parts: list[Any]) -> Any:
    """The outputs of batches put together, each part of a tuple or dict by itself; None stays, other values make a list.

    Raises:
        ModelError: E615 where they differ in arrangement, or in more than the first dimension.
    """
    try:
        return tree_unflatten(parts[0], [_together(column) for column in zip(*map(tree_leaves, parts), strict=True)])
    except (RuntimeError, TypeError, ValueError) as problem:
        raise error("E615", problem=problem) from None


def _together(column: tuple[Any, ...]) -> Any:
    if not isinstance(column[0], Tensor):
        return list(column)
    return torch.cat(column) if column[0].ndim else torch.stack(column)


def _to_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value


def _number(name: str, value: Any) -> float:
    found = value.item() if isinstance(value, Tensor | np.ndarray | np.generic) and value.ndim == 0 else value
    if not isinstance(found, int | float):
        raise error("E616", name=name, found=type(value).__name__)
    return float(found)


def confusion(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How often class i (row) was called class j (column): int64, shape (classes, classes)."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def per_class(matrix: np.ndarray) -> list[tuple[float, float, float, int]]:
    """(precision, recall, F1, rows) of each class; 0 where a class was never predicted or never there."""
    right, said, there = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    found = []
    for hits, predicted, actual in zip(right.tolist(), said.tolist(), there.tolist(), strict=True):
        f1 = 2 * hits / (predicted + actual) if predicted + actual else 0.0
        found.append((hits / predicted if predicted else 0.0, hits / actual if actual else 0.0, f1, actual))
    return found


def macro_f1(matrix: np.ndarray) -> float:
    """The mean F1 over the classes that occur or are predicted."""
    counted = [f1 for (_, _, f1, rows), said in zip(per_class(matrix), matrix.sum(axis=0), strict=True) if rows or said]
    return float(np.mean(counted)) if counted else 0.0
