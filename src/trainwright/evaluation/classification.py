"""How well classes are told apart, as counts, from the class numbers of all rows and the outputs for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units, by_influence, facts, proportion
from trainwright.evaluation.labels import macro_f1 as labels_f1

MAJORITY = "majority class"


def macro_f1(targets: np.ndarray, outputs: np.ndarray) -> float:
    """Return the mean F1 over the classes, or the labels, that occur or are predicted."""
    if targets.ndim == 2:
        return labels_f1(targets, outputs)
    return mean_f1(confusion(targets, outputs.argmax(axis=1), outputs.shape[1]))


def balanced_accuracy(targets: np.ndarray, outputs: np.ndarray) -> float | None:
    """Return the mean recall over the classes that occur."""
    matrix = confusion(targets, outputs.argmax(axis=1), outputs.shape[1])
    there = matrix.sum(axis=1)
    return float((np.diag(matrix)[there > 0] / there[there > 0]).mean()) if len(targets) else None


def mcc(targets: np.ndarray, outputs: np.ndarray) -> float:
    """Return Matthews' correlation of answers and classes (of several classes Gorodkin 2004); 0 where either is constant."""
    matrix = confusion(targets, outputs.argmax(axis=1), outputs.shape[1]).astype(np.float64)
    said, there, n = matrix.sum(axis=0), matrix.sum(axis=1), matrix.sum()
    spread = (n**2 - (said**2).sum()) * (n**2 - (there**2).sum())
    return float((np.trace(matrix) * n - (said * there).sum()) / np.sqrt(spread)) if spread else 0.0


def share_right(right: np.ndarray, units: Units | None) -> dict[str, Any]:
    """Return accuracy, rows and their units, and the 95 % interval of the accuracy."""
    accuracy = int(right.sum()) / len(right) if len(right) else 0.0
    return {"accuracy": accuracy, "n": len(right), **facts(units), "interval": proportion(right, units)}


def scores(targets: np.ndarray, outputs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return accuracy with its interval, rows, and their units where these are not rows."""
    return share_right(outputs.argmax(axis=1) == targets, units)


def intervals(targets: np.ndarray, outputs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the 95 % intervals of macro F1, balanced accuracy and MCC."""
    answers = outputs.argmax(axis=1)
    matrix = confusion(targets, answers, outputs.shape[1])
    hits, said, there = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    right, both = (answers == targets).astype(np.float64), np.maximum(said + there, 1)
    f1, recall = 2 * hits / both, hits / np.maximum(there, 1)
    of_f1 = 2 * right / both[targets] - f1[targets] / both[targets] - f1[answers] / both[answers]
    of_recall = (right - recall[targets]) / there[targets]
    fewest = int(there[there > 0].min(initial=len(targets)))
    correlation = mcc(targets, outputs)
    ends = by_influence((correlation + 1) / 2, _of_mcc(matrix, targets, answers) / 2, units)  # from -1 to 1
    return {
        "macro_f1_interval": by_influence(mean_f1(matrix), of_f1 / max((said + there > 0).sum(), 1), units, fewest),
        "balanced_accuracy_interval": by_influence(
            balanced_accuracy(targets, outputs) or 0.0, of_recall / max((there > 0).sum(), 1), units, fewest
        ),
        "mcc_interval": ends and (2 * ends[0] - 1, 2 * ends[1] - 1),
    }


def _of_mcc(matrix: np.ndarray, targets: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return how ``mcc`` changes with the weight of each row."""
    counts = matrix.astype(np.float64)
    said, there, n, hits = counts.sum(axis=0), counts.sum(axis=1), counts.sum(), np.trace(counts)
    of_said, of_there = n**2 - (said**2).sum(), n**2 - (there**2).sum()
    if not of_said * of_there:
        return np.zeros(len(targets))
    found = hits * n - (said * there).sum()
    change = (answers == targets) * n + hits - there[answers] - said[targets]
    spread = 2 * ((n - said[answers]) / of_said + (n - there[targets]) / of_there)
    changes: np.ndarray = (change - found * spread / 2) / np.sqrt(of_said * of_there)
    return changes


def by_class(targets: np.ndarray, outputs: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the scores of every class, and the confusion matrix (rows: true, columns: predicted)."""
    matrix = confusion(targets, outputs.argmax(axis=1), len(labels))
    names = ("label", "precision", "recall", "f1", "n")
    rows = zip(labels, per_class(matrix), strict=True)
    classes = [dict(zip(names, (label, *each), strict=True)) for label, each in rows]
    return {"per_class": classes, "confusion": matrix.tolist()}


def majority(
    train_targets: np.ndarray, targets: np.ndarray, labels: tuple[str, ...], units: Units | None = None
) -> dict[str, Any]:
    """Return the scores of always answering the most frequent class of the training split; the first one of several."""
    best = int(np.bincount(train_targets, minlength=len(labels)).argmax())
    return {"name": MAJORITY, "label": labels[best], **share_right(targets == best, units)}


def confusion(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count how often class i (row) was called class j (column): int64, shape (classes, classes)."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def per_class(matrix: np.ndarray) -> list[tuple[float, float, float, int]]:
    """Return (precision, recall, F1, rows) of each class; 0 where a class was never predicted or never there."""
    right, said, there = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    shares = [hits / np.maximum(rows, 1) for hits, rows in ((right, said), (right, there), (2 * right, said + there))]
    return list(zip(*(column.tolist() for column in (*shares, there)), strict=True))


def mean_f1(matrix: np.ndarray) -> float:
    """Return the mean F1 over the classes that occur or are predicted."""
    counted = [f1 for (_, _, f1, rows), said in zip(per_class(matrix), matrix.sum(axis=0), strict=True) if rows or said]
    return float(np.mean(counted)) if counted else 0.0
