"""How well probabilities put rows in order, and how much they say: each class or label against the rest.

Targets are class numbers int64 (rows,), or 0 and 1 uint8 (rows, labels); probabilities float32 (rows, classes or labels). Of
two classes the second is the one that is looked for; of more, and of labels, scores are means over those that occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units, by_influence, fewest_units, of_mean

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


def intervals(targets: np.ndarray, shares: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the 95 % intervals of ROC AUC, average precision and log loss; of labels, of the average precision of all pairs
    together in place of the last."""
    if shares.size > MOST_VALUES:
        return {}
    pairs = [(each, fewest_units(each[0].astype(np.int64), units)) for each in _against_rest(targets, shares)]
    found = {}
    for name, score, change in (("roc_auc", _area, _of_area), ("average_precision", precision_of, _of_precision)):
        known = [(value, change(*each), fewest) for each, fewest in pairs if (value := score(*each)) is not None]
        if known:
            values, changes, fewest = zip(*known, strict=True)
            found[f"{name}_interval"] = by_influence(float(np.mean(values)), np.mean(changes, axis=0), units, min(fewest))
    if targets.ndim == 1:
        found["log_loss_interval"] = of_mean(_log_losses(targets, shares), units=units)
    elif (value := micro_average_precision(targets, shares)) is not None:
        changes = _of_precision(targets.ravel() == 1, shares.ravel()).reshape(shares.shape).sum(axis=1)
        found["micro_average_precision_interval"] = by_influence(value, changes, units)
    return found


def _of_area(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return how the area changes with the weight of each row: by how many of the others it stands right to, less the area."""
    there = int(positive.sum())
    rest, area = len(positive) - there, _area(positive, scores) or 0.0
    changes = np.empty(len(positive))
    for some, others, many in ((positive, ~positive, there), (~positive, positive, rest)):
        below = np.sort(scores[others])
        left, right = (np.searchsorted(below, scores[some], side) for side in ("left", "right"))
        share = (left + right) / 2 / len(below)
        changes[some] = ((share if some is positive else 1 - share) - area) / many
    return changes


def _of_precision(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return how average precision changes with the weight of each row.

    A row adds to the precision at its own place, and at those of all rows below it changes how many are counted and are right.
    """
    total = int(positive.sum())
    values, place = np.unique(-scores, return_inverse=True)  # the highest score first
    at = np.bincount(place, positive, len(values))
    hits, counted = at.cumsum(), np.bincount(place, minlength=len(values)).cumsum()
    precision = hits / counted
    more, less = ((at * each / counted)[::-1].cumsum()[::-1] for each in (np.ones(len(values)), precision))
    own = precision - float((at * precision).sum() / total)
    changes: np.ndarray = (positive * (own + more)[place] - less[place]) / total
    return changes


def log_loss(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the mean of -log of the right class's probability, which counts as no less than float64 tells from 0."""
    if not len(targets):
        return None
    return float(_log_losses(targets, shares).mean())


def _log_losses(targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
    given = shares[np.arange(len(targets)), targets].astype(np.float64)
    found: np.ndarray = -np.log(np.clip(given, np.finfo(np.float64).eps, 1))
    return found


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
