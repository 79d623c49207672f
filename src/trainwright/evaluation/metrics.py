"""Scores as sums and counts, so that the size of the batches cannot change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.batches import Batch
from trainwright.errors import error
from trainwright.models.forward import Forward
from trainwright.watch.events import Scores


class Objective(Protocol):
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
def measuring(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode; the mode of each of its parts is afterwards what it was before."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@torch.inference_mode()
def run(forward: Forward, objective: Objective, batches: Iterable[Batch]) -> Outputs:
    """The model in evaluation mode over every batch once; its mode afterwards is as it was before."""
    loss, total, outputs, targets = 0.0, 0.0, [], []
    with measuring(forward.model):
        for batch in batches:
            output = forward(batch)
            mean, weight = objective(output, batch.targets)
            loss, total = loss + mean.item() * weight, total + weight
            outputs.append(output)
            targets.append(batch.targets)
    return Outputs(loss, total, torch.cat(outputs).cpu(), torch.cat(targets).cpu())


@torch.inference_mode()
def scores(forward: Forward, objective: Objective, batches: Iterable[Batch]) -> Scores:
    """Loss a target, accuracy where the targets are class numbers, and rows; outputs are not kept."""
    loss, total, correct, rows, sizes, classified = 0.0, 0.0, 0, 0, 0, True
    with measuring(forward.model):
        for batch in batches:
            found = objective.measure(forward(batch), batch.targets)
            loss, total, sizes = loss + found.loss, total + found.weight, sizes + batch.size
            classified = classified and found.correct is not None
            correct, rows = correct + (found.correct or 0), rows + found.rows
    if not total:
        raise error("E607")
    mean = loss / total
    return Scores(mean, correct / rows if classified and rows else None, rows if classified else sizes, objective.metrics(mean))


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
