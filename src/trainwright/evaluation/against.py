"""How much better one model is than another on the same rows, with its 95 % interval: each row is compared with itself.

What both find easy or hard cancels, so that the interval is narrower than the two of their scores would have it. ``Units``,
where rows belong together, are compared as wholes. An interval is None where there are fewer than ``FEWEST`` rows, or units.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np

from trainwright.evaluation.intervals import FEWEST, Units, student
from trainwright.evaluation.threshold import f1

Z99 = 2.5758293035489004  # the 99.5 % quantile of the normal distribution


def of_shares(ours: np.ndarray, theirs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the difference of two accuracies, from which rows each is right about: bool (rows,) twice.

    Half a row is added to each of the four ways in which two answers can be right and wrong (Agresti and Min 2005, Statistics
    in Medicine 24:729), so that two models which agree on all rows are not taken for surely equal.
    """
    changes = ours.astype(np.float64) - theirs
    return _found(float(changes.mean()) if len(changes) else 0.0, _around(changes, units, 1.0))


def of_errors(ours: np.ndarray, theirs: np.ndarray, units: Units | None = None, quantile: float = 0.0) -> dict[str, Any]:
    """Return by what share our RMSE is smaller, from the errors of each row: float64 (rows,) twice; negative: it is larger.

    The interval is that of the logarithm of their ratio, by the delta method; ``quantile`` as in ``_around``.
    """
    mine, other = ours**2, theirs**2
    if not (mine.sum() and other.sum()):
        return _found(1.0 if other.sum() else 0.0, None)
    value = 0.5 * log(mine.sum() / other.sum())
    ends = _around(len(mine) * (mine / mine.sum() - other / other.sum()) / 2, units, quantile=quantile)
    return _found(1 - exp(value), ends and (1 - exp(value + ends[1]), 1 - exp(value + ends[0])))


def of_labels(targets: np.ndarray, ours: np.ndarray, theirs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the difference of two micro F1, from 0 and 1 for every row and label: uint8 and twice bool (rows, labels)."""
    right = targets == 1
    (value, changes), (less, other) = (_f1_changes(right, answers) for answers in (ours, theirs))
    ends = _around(len(targets) * (changes - other), units)
    return _found(value - less, ends and (value - less + ends[0], value - less + ends[1]))


def depends(shares: np.ndarray, targets: np.ndarray, quantile: float, units: Units | None = None) -> bool | None:
    """Return whether answers go with the truth beyond noise: float64 (rows, classes), the truth 0 and 1; None for few rows.

    It is told from how much probability the right class has above what it would have if the same answers were dealt out to
    other rows. That says nothing of how sure they are, nor of how frequent a class is.
    """
    changes = ((shares - shares.mean(axis=0)) * (targets - targets.mean(axis=0))).sum(axis=1) if len(shares) else np.zeros(0)
    ends = _around(changes, units, quantile=quantile)
    return None if ends is None else ends[0] > 0


def _f1_changes(right: np.ndarray, answers: np.ndarray) -> tuple[float, np.ndarray]:
    """Return micro F1, and how it changes with the weight of each row."""
    hits, both = (right & answers).sum(axis=1), answers.sum(axis=1) + right.sum(axis=1)
    value = float(f1(hits.sum(), answers.sum(), right.sum()))
    return value, (2 * hits - value * both) / max(both.sum(), 1)


def _around(changes: np.ndarray, units: Units | None, added: float = 0.0, quantile: float = 0.0) -> tuple[float, float] | None:
    """Return the interval of the mean of ``changes``, float64 (rows,), as if two rows stood beside them whose squares add up to
    ``added`` and which cancel; Student's t unless another ``quantile`` is given."""
    rows, mean = len(changes), changes.mean() if len(changes) else 0.0
    apart = changes - mean if units is None else np.bincount(units.codes, changes - mean)
    many = len(apart)
    if many < FEWEST:
        return None
    middle, counted = changes.sum() / (rows + 2 * added), rows + 2 * added
    spread = sqrt(many / (many - 1) * (float((apart**2).sum()) + added)) / counted
    half = (quantile or student(many - 1)) * spread
    return float(middle - half), float(middle + half)


def _found(value: float, ends: tuple[float, float] | None) -> dict[str, Any]:
    return {"difference": value, "difference_interval": ends}
