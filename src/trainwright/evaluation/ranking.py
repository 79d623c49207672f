"""How well probabilities put rows in order, and how much they say: each class or label against the rest.

Targets are class numbers int64 (rows,), or 0 and 1 uint8 (rows, labels); probabilities float32 (rows, classes or labels). Of
two classes the second is the one that is looked for; of more, and of labels, scores are means over those that occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

MOST_VALUES = 1 << 24  # probabilities that are put in order; of more the scores are not told, as it would take long


def roc_auc(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the area under the ROC curve: how often a row that has a class stands above one that has not; ties count half."""
    return _mean(_area, targets, shares)


def average_precision(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the mean precision over the recalls, each place of the order by its own recall."""
    return _mean(precision_of, targets, shares)


def micro_average_precision(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the average precision of all pairs of row and label together."""
    return precision_of(targets.ravel() == 1, shares.ravel()) if shares.size <= MOST_VALUES else None


def log_loss(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the mean of -log of the right class's probability, which counts as no less than float64 tells from 0."""
    if not len(targets):
        return None
    given = shares[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(np.clip(given, np.finfo(np.float64).eps, 1)).mean())


def precision_of(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the average precision of an order of rows by their scores; None where no row is positive."""
    total = int(positive.sum())
    if not total:
        return None
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # equal scores stand at one place
    hits = positive[order].cumsum()[ends]
    return float((np.diff(hits, prepend=0) * (hits / (ends + 1))).sum() / total)


def _area(positive: np.ndarray, scores: np.ndarray) -> float | None:
    there = int(positive.sum())
    rest = len(positive) - there
    if not there or not rest:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2
    return float((ranks[place[positive]].sum() - there * (there + 1) / 2) / (there * rest))


def _mean(measure: Callable[[np.ndarray, np.ndarray], float | None], targets: np.ndarray, shares: np.ndarray) -> float | None:
    if shares.size > MOST_VALUES:
        return None
    found = [value for each in _against_rest(targets, shares) if (value := measure(*each)) is not None]
    return float(np.mean(found)) if found else None


def _against_rest(targets: np.ndarray, shares: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for place in [1] if targets.ndim == 1 and shares.shape[1] == 2 else range(shares.shape[1]):
        yield (targets == place if targets.ndim == 1 else targets[:, place] == 1), shares[:, place]
