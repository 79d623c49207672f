"""Labels that are probably wrong, told from what models say of rows that they were not trained on.

Of classes and labels: confident learning (Northcutt et al. 2021, arXiv:1911.00068). A row counts as of another class than its
label where that class has at least the probability that rows of that label have on average. How many are counted so is the
estimate; the rows are ordered by the probability of their own label, the least first. Of numbers: by how many robust standard
deviations a label lies from its prediction (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FAR = 5.0  # robust standard deviations: of normal errors one in two million lies further
ROBUST = 1.4826  # the standard deviation of normal errors by the median of their sizes


class Suspicion(NamedTuple):
    """What is thought of the label of each row, and how many are probably wrong in all.

    ``doubt`` orders the rows: of classes and labels the probability that the label is wrong, of numbers robust deviations.
    ``chosen`` are those that may be wrong at all, by falling doubt. ``wrong`` of them are probably so; of several labels it
    counts each label of a row.
    """

    doubt: np.ndarray  # float64 (rows,)
    chosen: np.ndarray  # int64
    wrong: int


def of_classes(shares: np.ndarray, given: np.ndarray) -> Suspicion:
    """Return the suspicion on class numbers, int64 (rows,), by probabilities of the classes, (rows, classes)."""
    shares = np.nan_to_num(shares.astype(np.float64))
    doubt = 1 - shares[np.arange(len(given)), given]
    chosen = _ordered(doubt, shares.argmax(axis=1) != given)
    return Suspicion(doubt, chosen, min(round(estimate(shares, given)), len(chosen)))


def estimate(shares: np.ndarray, given: np.ndarray) -> float:
    """Return how many labels are probably wrong: what lies off the diagonal of the confident joint, scaled to all rows.

    Rows that are merely hard count too. What it is off by is no chance, so it has no interval.
    """
    rows, classes = shares.shape
    counts = np.bincount(given, minlength=classes)
    own = np.bincount(given, shares[np.arange(rows), given], minlength=classes) / np.maximum(counts, 1)
    sure = np.where((shares >= own) & (counts > 0), shares, -1.0)
    said = sure.max(axis=1) >= 0
    joint = np.zeros((classes, classes))
    np.add.at(joint, (given[said], sure.argmax(axis=1)[said]), 1)
    totals = joint.sum(axis=1)
    wrong = np.divide(totals - np.diag(joint), totals, out=np.zeros(classes), where=totals > 0)
    return float(wrong @ counts)


def of_labels(shares: np.ndarray, given: np.ndarray) -> Suspicion:
    """Return the suspicion on sets of labels, 0 or 1 (rows, labels), by the probability of each: that on the worst of each."""
    shares, there = np.nan_to_num(shares.astype(np.float64)), given.astype(np.int64)
    doubts = np.abs(there - shares)
    counted = [estimate(np.stack([1 - each, each], axis=1), own) for each, own in zip(shares.T, there.T, strict=True)]
    doubt = doubts.max(axis=1)
    return Suspicion(doubt, _ordered(doubt, doubt > 0.5), round(sum(counted)))


def of_numbers(predicted: np.ndarray, given: np.ndarray) -> Suspicion:
    """Return the suspicion on numbers, float64 (rows,)."""
    error = np.nan_to_num(given - predicted)
    away = np.abs(error - np.median(error))
    spread = ROBUST * float(np.median(away)) or float(away.std()) or 1.0
    doubt = away / spread
    far = doubt > FAR
    return Suspicion(doubt, _ordered(doubt, far), int(far.sum()))


def _ordered(doubt: np.ndarray, which: np.ndarray) -> np.ndarray:
    order = np.argsort(-doubt, kind="stable")
    found: np.ndarray = order[which[order]]
    return found
