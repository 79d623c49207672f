"""Which of several models is the best, told from what each of them made wrong on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainwright.evaluation.intervals import Units

BEHIND = 2.5  # standard errors of a difference, beyond which a model is not measured any further
NOISE = 0.5  # standard errors, within which the cheaper of two models is as good


def difference(errors: np.ndarray, others: np.ndarray, units: Units | None = None) -> tuple[float, float]:
    """Return by how much the mean of ``errors`` is above that of ``others``, and the standard error of that.

    Both are float64 (rows,), of the same rows; rows of a unit count together.
    """
    each = errors - others
    mean = float(each.mean())
    sums = each - mean if units is None else np.bincount(units.codes, each - mean)
    count = len(sums)
    return mean, float(np.sqrt((sums**2).sum() * count / max(count - 1, 1)) / len(each)) if count > 1 else float("inf")


def best(errors: Sequence[np.ndarray], units: Units | None) -> int:
    """Return the place of the model with the smallest mean error; of those within ``NOISE`` of it the first."""
    lead = int(np.argmin([each.mean() for each in errors]))
    for place, each in enumerate(errors):
        more, spread = difference(each, errors[lead], units)
        if more <= NOISE * spread:
            return place
    return lead


def hopeless(errors: np.ndarray, leading: np.ndarray, units: Units | None) -> bool:
    """Return whether a model is so far behind the leading one that more rows need not be asked."""
    more, spread = difference(errors, leading, units)
    return more > BEHIND * spread
