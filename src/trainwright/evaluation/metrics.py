"""Scores as sums and counts, so that the size of the batches cannot change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.batches import Batch
from trainwright.errors import error
from trainwright.watch.events import Scores

Objective = Callable[[Any, Any], tuple[Tensor, float]]


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
def run(model: nn.Module, objective: Objective, batches: Iterable[Batch]) -> Outputs:
    """The model in evaluation mode over every batch once; its mode afterwards is as it was before."""
    loss, total, outputs, targets = 0.0, 0.0, [], []
    with measuring(model):
        for batch in batches:
            output = model(*batch.inputs)
            mean, weight = objective(output, batch.targets)
            loss, total = loss + mean.item() * weight, total + weight
            outputs.append(output)
            targets.append(batch.targets)
    return Outputs(loss, total, torch.cat(outputs).cpu(), torch.cat(targets).cpu())


@torch.inference_mode()
def scores(model: nn.Module, objective: Objective, batches: Iterable[Batch]) -> Scores:
    """Loss a target, accuracy where the targets are class numbers, and rows; outputs are not kept."""
    loss, total, correct, rows, classified = 0.0, 0.0, 0, 0, True
    ignored = getattr(objective, "ignored", None)
    with measuring(model):
        for batch in batches:
            output, targets = model(*batch.inputs), batch.targets
            mean, weight = objective(output, targets)
            loss, total = loss + (mean.item() * weight if weight else 0.0), total + weight
            if isinstance(output, Tensor) and output.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point():
                kept = targets != ignored if ignored is not None else torch.ones_like(targets, dtype=torch.bool)
                correct, rows = correct + int(((output.argmax(dim=1) == targets) & kept).sum()), rows + int(kept.sum())
            else:
                classified, rows = False, rows + batch.size
    if not total:
        raise error("E607")
    return Scores(loss / total, correct / rows if classified and rows else None, rows)


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
