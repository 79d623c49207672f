"""How well classes are told apart, as counts, from the class numbers of all rows and the outputs for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units, by_influence, facts, fewest_units, proportion
from trainwright.evaluation.labels import macro_f1 as labels_f1

MAJORITY = "majority class"
MATRIX, PAIRS = 1_000, 100  # classes whose confusion matrix is kept; confusions that are, of more classes


def macro_f1(targets: np.ndarray, outputs: np.ndarray) -> float:
    """Return the mean F1 over the classes, or the labels, that occur or are predicted."""
    if targets.ndim == 2:
        return labels_f1(targets, outputs)
    return mean_f1(*counts(targets, outputs.argmax(axis=1), outputs.shape[1]))


def balanced_accuracy(targets: np.ndarray, outputs: np.ndarray) -> float | None:
    """Return the mean recall over the classes that occur."""
    hits, _, there = counts(targets, outputs.argmax(axis=1), outputs.shape[1])
    return float((hits[there > 0] / there[there > 0]).mean()) if len(targets) else None


def mcc(targets: np.ndarray, outputs: np.ndarray) -> float:
    """Return Matthews' correlation of answers and classes (of several classes Gorodkin 2004); 0 where either is constant."""
    hits, said, there = (each.astype(np.float64) for each in counts(targets, outputs.argmax(axis=1), outputs.shape[1]))
    n = there.sum()
    spread = (n**2 - (said**2).sum()) * (n**2 - (there**2).sum())
    return float((hits.sum() * n - (said * there).sum()) / np.sqrt(spread)) if spread else 0.0


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
    hits, said, there = counts(targets, answers, outputs.shape[1])
    right, both = (answers == targets).astype(np.float64), np.maximum(said + there, 1)
    f1, recall = 2 * hits / both, hits / np.maximum(there, 1)
    of_f1 = 2 * right / both[targets] - f1[targets] / both[targets] - f1[answers] / both[answers]
    of_recall = (right - recall[targets]) / there[targets]
    fewest = fewest_units(targets, units)
    correlation = mcc(targets, outputs)
    of_two = fewest if len(there) == 2 else len(targets)  # of more classes, one that is rare hardly counts
    changes = _of_mcc(hits, said, there, targets, answers) / 2
    ends = by_influence((correlation + 1) / 2, changes, units, of_two)  # from -1 to 1
    return {
        "macro_f1_interval": by_influence(mean_f1(hits, said, there), of_f1 / max((said + there > 0).sum(), 1), units, fewest),
        "balanced_accuracy_interval": by_influence(
            balanced_accuracy(targets, outputs) or 0.0, of_recall / max((there > 0).sum(), 1), units, fewest
        ),
        "mcc_interval": ends and (2 * ends[0] - 1, 2 * ends[1] - 1),
    }


def _of_mcc(hits: np.ndarray, said: np.ndarray, there: np.ndarray, targets: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return how ``mcc`` changes with the weight of each row."""
    said, there = said.astype(np.float64), there.astype(np.float64)
    n, right = there.sum(), float(hits.sum())
    of_said, of_there = n**2 - (said**2).sum(), n**2 - (there**2).sum()
    if not of_said * of_there:
        return np.zeros(len(targets))
    found = right * n - (said * there).sum()
    change = (answers == targets) * n + right - there[answers] - said[targets]
    spread = 2 * ((n - said[answers]) / of_said + (n - there[targets]) / of_there)
    changes: np.ndarray = (change - found * spread / 2) / np.sqrt(of_said * of_there)
    return changes


def by_class(targets: np.ndarray, outputs: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the scores of every class, and the confusion matrix (rows: true, columns: predicted).

    Of more than ``MATRIX`` classes, whose matrix would be larger than all else, the ``PAIRS`` most frequent confusions:
    number of the true class, of the predicted one, and how often.
    """
    answers, names = outputs.argmax(axis=1), ("label", "precision", "recall", "f1", "n")
    rows = zip(labels, per_class(*counts(targets, answers, len(labels))), strict=True)
    classes = [dict(zip(names, (label, *each), strict=True)) for label, each in rows]
    if len(labels) <= MATRIX:
        return {"per_class": classes, "confusion": confusion(targets, answers, len(labels)).tolist()}
    wrong = targets != answers
    pairs, often = np.unique(targets[wrong].astype(np.int64) * len(labels) + answers[wrong], return_counts=True)
    first = np.argsort(-often, kind="stable")[:PAIRS]
    return {"per_class": classes, "confused": np.stack([*divmod(pairs[first], len(labels)), often[first]], axis=1).tolist()}


def majority(
    train_targets: np.ndarray, targets: np.ndarray, labels: tuple[str, ...], units: Units | None = None
) -> dict[str, Any]:
    """Return the scores of always answering the most frequent class of the training split; the first one of several."""
    best = int(np.bincount(train_targets, minlength=len(labels)).argmax())
    return {"name": MAJORITY, "label": labels[best], **share_right(targets == best, units)}


def confusion(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count how often class i (row) was called class j (column): int64, shape (classes, classes)."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def counts(targets: np.ndarray, answers: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how often each class was right, was predicted, and was there: int64, shape (classes,) each."""
    of = (targets[targets == answers], answers, targets)
    hits, said, there = (np.bincount(each, minlength=classes) for each in of)
    return hits, said, there


def per_class(hits: np.ndarray, said: np.ndarray, there: np.ndarray) -> list[tuple[float, float, float, int]]:
    """Return (precision, recall, F1, rows) of each class; 0 where a class was never predicted or never there."""
    shares = [right / np.maximum(rows, 1) for right, rows in ((hits, said), (hits, there), (2 * hits, said + there))]
    return list(zip(*(column.tolist() for column in (*shares, there)), strict=True))


def mean_f1(hits: np.ndarray, said: np.ndarray, there: np.ndarray) -> float:
    """Return the mean F1 over the classes that occur or are predicted."""
    counted = (2 * hits / np.maximum(said + there, 1))[said + there > 0]
    return float(np.mean(counted)) if len(counted) else 0.0
