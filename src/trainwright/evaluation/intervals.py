"""How far a score could be off by chance.

Rows of one group, or of equal content, tell less than as many others: where a data set has such ``Units``, intervals are over
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
FEWEST = 5  # units; fewer cannot tell how they vary


class Scale(NamedTuple):
    """Where a score is taken to, the slope of that, and the way back."""

    to: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]


LOG_ODDS = Scale(  # of scores from 0 to 1
    lambda value: math.log(value / (1 - value)),
    lambda value: 1 / (value * (1 - value)),
    lambda end: 1 / (1 + math.exp(min(-end, 700.0))),
)
LOG = Scale(math.log, lambda value: 1 / value, lambda end: math.exp(min(end, 700.0)))  # of scores above 0
PLAIN = Scale(float, lambda value: 1.0, float)


@dataclass(frozen=True)
class Units:
    """What the rows of a data set are parts of."""

    codes: np.ndarray  # the number of each row's unit, from 0 on; int64, shape (rows,)
    of: str = ""  # the column that says the groups; empty: rows of equal content

    def of_rows(self, rows: np.ndarray) -> Units:
        """Return what some rows, bool (rows,), are parts of."""
        return Units(np.unique(self.codes[rows], return_inverse=True)[1].astype(np.int64), self.of)

    def facts(self) -> dict[str, Any]:
        """Return what a report says beside the number of rows."""
        return {"units": int(self.codes.max()) + 1, "units_of": self.of}


def facts(units: Units | None) -> dict[str, Any]:
    """Return what a report says of the units; nothing where every row is one."""
    return {} if units is None else units.facts()


def proportion(right: np.ndarray, units: Units | None = None) -> tuple[float, float]:
    """Return the 95 % interval of the part of the rows that are ``right``, bool (rows,): ``wilson`` of the effective rows."""
    rows, correct = len(right), int(right.sum())
    if units is None or not rows:
        return wilson(correct, rows)
    effective = effective_rows(right, units)
    return wilson(correct / rows * effective, effective)


def effective_rows(right: np.ndarray, units: Units) -> float:
    """Return as how many independent rows those of ``units`` tell of the part that is ``right``, bool (rows,); of one at least.

    These are the rows divided by the design effect, the variance of the share with units drawn over that with rows
    drawn (Kish 1965, Survey Sampling), less what estimating it from few units costs (Korn and Graubard 1998, Survey
    Methodology 24:193). They are at most the rows, and at least what they were if the rows of each unit were all alike, which
    is what is taken where all rows are right, or none.
    """
    rows, correct = len(right), int(right.sum())
    sizes, hits = np.bincount(units.codes), np.bincount(units.codes, right)
    many, share = len(sizes), correct / rows
    alike = rows**2 / float((sizes.astype(np.float64) ** 2).sum())
    effective = alike
    if many > 1 and 0 < correct < rows:
        deviation, freedom = spread((hits - share * sizes) / rows, sizes)
        effective = share * (1 - share) / max(deviation**2, 1e-12) * (Z95 / student(freedom)) ** 2
    return min(max(effective, alike), float(rows))


def wilson(correct: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927, JASA 22:209): stays inside [0, 1], sound for few rows too."""
    if not rows:
        return 0.0, 1.0
    share, z2 = correct / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows)) / (1 + z2 / rows)
    # The ends are exact where nothing, or everything, is right; rounding must not move them.
    return (max(0.0, middle - half) if correct else 0.0), (min(1.0, middle + half) if correct < rows else 1.0)


def by_influence(
    value: float,
    influence: np.ndarray,
    units: Units | None = None,
    fewest: int = FEWEST,
    scale: Scale = LOG_ODDS,
) -> tuple[float, float] | None:
    """Return the 95 % interval of a score, from how it changes with the weight of each row, float64 (rows,): ``of_changes``.

    With ``units`` the changes of their rows are added up first. None also where a class whose score is a part of this one has
    ``fewest`` units, which are too few. A score at an end of ``LOG_ODDS`` has the interval of so many rows that are all right.
    """
    if scale is LOG_ODDS and value in (0.0, 1.0):
        return at_an_end(value, len(influence), units)
    if fewest < FEWEST:
        return None
    if units is None:
        return of_changes(value, influence, np.ones(len(influence)), scale)
    return of_changes(value, np.bincount(units.codes, influence), np.bincount(units.codes), scale)


def of_changes(value: float, changes: np.ndarray, sizes: np.ndarray, scale: Scale = LOG_ODDS) -> tuple[float, float] | None:
    """Return the 95 % interval of a score, from how it changes with the weight of each unit, float64 (units,), of so many rows.

    It is the delta method (the infinitesimal jackknife of Jaeckel 1972; of ROC AUC that of DeLong et al. 1988, Biometrics
    44:837) on a scale on which the error is more nearly normal, with Student's t of ``spread``. None for fewer than ``FEWEST``
    units, and where none changes it, as when every class is all right or all wrong.
    """
    if len(changes) < FEWEST:
        return None
    deviation, freedom = spread(changes, sizes)
    half = student(freedom) * deviation * scale.slope(value)
    if not 1e-12 < half < np.inf:
        return None
    middle = scale.to(value)
    return scale.back(middle - half), scale.back(middle + half)


def of_mean(values: np.ndarray, weights: np.ndarray | None = None, units: Units | None = None) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean, from a value of each row, float64 (rows,), and what it counts.

    Of values that are all positive, as most losses are, it is on the scale of logarithms.
    """
    counts = np.ones(len(values)) if weights is None else weights
    total = float(counts.sum())
    mean = float((counts * values).sum()) / total if total else math.nan
    if not math.isfinite(mean):
        return None
    scale = LOG if mean > 0 and values.min() >= 0 else PLAIN
    return by_influence(mean, counts * (values - mean) / total, units, scale=scale)


def spread(changes: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Return the standard error of a score, and the degrees of freedom of Student's t, from changes as ``of_changes`` has them.

    A change is that of leaving the unit out, which is the larger the more of the rows are in it (the jackknife; for units of
    equal size the usual estimate). Where a few units make most of the error, as rows of a rare class or with large errors do,
    it is known less well than from so many that are alike, which the kurtosis of the changes tells (Satterthwaite 1946,
    Biometrics Bulletin 2:110). Samples show less kurtosis than there is: that of a normal distribution is corrected for its
    bias, and the result is taken about one standard error higher.
    """
    many = len(changes)
    left = changes / (1 - sizes / sizes.sum())
    squares = float((left**2).sum())
    if not squares:
        return 0.0, many - 1.0
    kurtosis = many * float((left**4).sum()) / squares**2 * (many + 1) / (many - 1)
    beyond = (kurtosis - 1) * (1 + 2 / math.sqrt(many))
    return math.sqrt((many - 1) / many * squares), min(2 * many / beyond, many - 1.0)


def fewest_units(classes: np.ndarray, units: Units | None = None) -> int:
    """Return how many units have rows of the rarest class that occurs, from class numbers, int64 (rows,)."""
    if units is not None:
        many = int(units.codes.max(initial=0)) + 1
        classes = np.unique(classes * many + units.codes) // many
    counts = np.bincount(classes)
    return int(counts[counts > 0].min(initial=len(classes)))


def at_an_end(value: float, rows: int, units: Units | None) -> tuple[float, float]:
    """Return the interval of a score that is 1, or 0: that of so many rows of which all are right, or none.

    Rows that are all alike in this say nothing of how others vary.
    """
    return proportion(np.full(rows, value == 1), units)


def student(freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t, by the normal approximation of Wallace (1959, Annals of Mathematical
    Statistics 30:1121) turned round; within 0.5 % from 4 degrees on, 4 % too large for 2."""
    z = Z95 * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(z * z / freedom))
