"""How well sets of labels are told: from 0 and 1 for every row and label, and what was said of them.

Targets are uint8 (rows, labels); answers bool (rows, labels), what is said with the thresholds; shares float32 (rows, labels),
the probability of each label by itself. Every label counts by its rows; one that neither occurs nor is said has no F1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units, by_influence, facts, fewest_units, proportion
from trainwright.evaluation.ranking import precision_of
from trainwright.evaluation.threshold import best_threshold, f1

SAME = "the same labels for every row"


def micro_f1(targets: np.ndarray, answers: np.ndarray) -> float:
    """Return the F1 of all pairs of row and label together."""
    return float(f1(*(count.sum() for count in _counts(targets, answers))))


def macro_f1(targets: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean F1 over the labels that occur or are said."""
    hits, said, there = _counts(targets, answers)
    some = said + there > 0
    return float(f1(hits, said, there)[some].mean()) if some.any() else 0.0


def subset_accuracy(targets: np.ndarray, answers: np.ndarray) -> float:
    """Return the part of the rows whose set is exactly right."""
    return float((answers == (targets == 1)).all(axis=1).mean()) if len(targets) else 0.0


def intervals(targets: np.ndarray, answers: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the 95 % intervals of micro and macro F1 and subset accuracy, and the units that they are over where these are not
    rows."""
    right = targets == 1
    hits, said, there = _counts(targets, answers)
    both, some, all_both = np.maximum(said + there, 1), max((said + there > 0).sum(), 1), max(int((said + there).sum()), 1)
    rows, places = np.nonzero(right)
    fewest = fewest_units(places, units and Units(units.codes[rows]))
    changes = (answers & right) @ (2 / both) - (answers @ (each := f1(hits, said, there) / both) + right @ each)
    micro = micro_f1(targets, answers)
    of_micro = (2 * (answers & right).sum(axis=1) - micro * (answers.sum(axis=1) + right.sum(axis=1))) / all_both
    return {
        "micro_f1_interval": by_influence(micro, of_micro, units),
        "macro_f1_interval": by_influence(macro_f1(targets, answers), changes / some, units, fewest),
        "subset_accuracy_interval": proportion((answers == right).all(axis=1), units),
        **facts(units),
    }


def by_label(
    targets: np.ndarray, answers: np.ndarray, shares: np.ndarray, labels: Sequence[str], thresholds: Sequence[float]
) -> list[dict[str, Any]]:
    """Return the scores of every label; ``n`` is how many rows have it. Average precision is None where none has."""
    hits, said, there = _counts(targets, answers)
    columns = [hits / np.maximum(said, 1), hits / np.maximum(there, 1), f1(hits, said, there), there]
    precise = [precision_of(targets[:, place] == 1, shares[:, place]) for place in range(len(labels))]
    names = ("label", "precision", "recall", "f1", "n", "average_precision", "threshold")
    rows = zip(labels, *(column.tolist() for column in columns), precise, thresholds, strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def constant(train: np.ndarray, measured: np.ndarray, labels: Sequence[str], units: Units | None = None) -> dict[str, Any]:
    """Return the scores of always answering the same set: the most frequent labels, as many as score best in training."""
    best = best_constant(train)
    names = [labels[place] for place in np.flatnonzero(best).tolist()]
    return {"name": SAME, "label": ", ".join(names), **of_answers(measured, np.broadcast_to(best, measured.shape), units)}


def best_constant(train: np.ndarray) -> np.ndarray:
    """Return the most frequent labels, as many as score best in training: bool (labels,)."""
    there = train.sum(axis=0, dtype=np.int64)
    order = np.argsort(-there, kind="stable")
    many = np.arange(1, len(there) + 1)
    best = int(f1(there[order].cumsum(), len(train) * many, there.sum()).argmax()) + 1
    answers = np.zeros(len(there), bool)
    answers[order[:best]] = True
    return answers


def of_answers(targets: np.ndarray, answers: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return what is told of answers that are only compared with."""
    found = {"micro_f1": micro_f1(targets, answers), "macro_f1": macro_f1(targets, answers)}
    found |= {"subset_accuracy": subset_accuracy(targets, answers), "n": len(targets)}
    return found | intervals(targets, answers, units)


def thresholds(targets: np.ndarray, shares: np.ndarray) -> list[float]:
    """Return for each label the probability from which on it is said, so that its F1 is highest; 0.5 where rows are few."""
    return [best_threshold(targets[:, place] == 1, shares[:, place]) for place in range(targets.shape[1])]


def _counts(targets: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each label the rows that have it and were told so, that were told so, and that have it: int64 (labels,)."""
    right = targets == 1
    return (answers & right).sum(axis=0), answers.sum(axis=0), right.sum(axis=0)
