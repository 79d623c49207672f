"""How far a score could be off by chance.

Rows of one group, or of equal content, tell less than as many others: where a data set has such ``Units``, intervals are over
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Any

import numpy as np

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
DRAWS = 2000
MOST = 1000  # that are drawn from; more rows are put together at random into so many groups
FEWEST = 5  # units; the smallest and the largest of fewer hold the truth less than 19 times in 20


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
        variance = many / (many - 1) * float(((hits - share * sizes) ** 2).sum()) / rows**2
        effective = share * (1 - share) / max(variance, 1e-12) * (Z95 / student(many - 1)) ** 2
    return min(max(effective, alike), float(rows))


def wilson(correct: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927, JASA 22:209): stays inside [0, 1], sound for few rows too."""
    if not rows:
        return 0.0, 1.0
    share, z2 = correct / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 * sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows)) / (1 + z2 / rows)
    # The ends are exact where nothing, or everything, is right; rounding must not move them.
    return (max(0.0, middle - half) if correct else 0.0), (min(1.0, middle + half) if correct < rows else 1.0)


def bootstrap(
    terms: np.ndarray, statistics: Callable[[np.ndarray], np.ndarray], units: Units | None = None
) -> list[tuple[float, float] | None]:
    """Return the 95 % intervals of statistics of sums over rows, by drawing as many rows again and again, with replacement.

    With ``units`` these are drawn, each with all its rows; fewer than ``FEWEST`` of them cannot tell how they vary.

    Percentiles of ``DRAWS`` draws, somewhat further out than 2.5 and 97.5 %, which makes up for few rows (the expanded
    percentile interval of Hesterberg 2015, The American Statistician 69:371). More than ``MOST`` rows are first summed in
    groups of random rows, and groups are drawn: sums of groups vary as sums of rows do, and the cost stays that of few rows.

    ``terms``, float64 (terms, rows), is what each row adds to each sum; ``statistics`` takes sums of shape (terms, draws) and
    gives shape (statistics, draws), not finite where undefined. An interval is None where there are too few rows to tell, or
    too few draws with a value.
    """
    draw = np.random.default_rng(0)
    if units is not None:
        terms = np.stack([np.bincount(units.codes, term) for term in terms])
    if terms.shape[1] > MOST:
        groups = draw.permutation(terms.shape[1]) % MOST
        terms = np.stack([np.bincount(groups, term, MOST) for term in terms])
    drawn = terms.shape[1]
    if drawn < (2 if units is None else FEWEST):
        sums = terms.sum(axis=1, keepdims=True) if drawn else np.zeros((len(terms), 1))
        return [None] * len(statistics(sums))
    picks = draw.integers(0, drawn, (DRAWS, drawn))
    found = statistics(np.stack([term[picks].sum(axis=1) for term in terms]))
    outside = 0.5 * erfc(sqrt(drawn / (drawn - 1)) * student(drawn - 1) / sqrt(2))  # of a normal distribution
    return [_ends(values[np.isfinite(values)], outside) for values in found]


def by_influence(
    value: float, influence: np.ndarray, units: Units | None = None, fewest: int = FEWEST
) -> tuple[float, float] | None:
    """Return the 95 % interval of a score from 0 to 1, from how it changes with the weight of each row, float64 (rows,).

    It is the delta method (the infinitesimal jackknife of Jaeckel 1972; of ROC AUC that of DeLong et al. 1988, Biometrics
    44:837) on the scale of log odds, with Student's t for few rows. With ``units`` the changes of their rows are added up
    first. None where there are fewer than ``FEWEST``, or of a class whose score is a part of this one: it has ``fewest`` rows;
    and where no row changes it, as when every class is all right or all wrong.
    """
    if value in (0.0, 1.0):
        return at_an_end(value, len(influence), units)
    changes = influence if units is None else np.bincount(units.codes, influence)
    many = len(changes)
    spread = sqrt(many / max(many - 1, 1) * float((changes**2).sum())) / (value * (1 - value))
    if min(many, fewest) < FEWEST or spread < 1e-12:
        return None
    middle, half = log(value / (1 - value)), student(many - 1) * spread
    return tuple(1 / (1 + exp(min(-end, 700.0))) for end in (middle - half, middle + half))  # type: ignore[return-value]


def at_an_end(value: float, rows: int, units: Units | None) -> tuple[float, float]:
    """Return the interval of a score that is 1, or 0: that of so many rows of which all are right, or none.

    Rows that are all alike in this say nothing of how others vary.
    """
    return proportion(np.full(rows, value == 1), units)


def _ends(values: np.ndarray, outside: float) -> tuple[float, float] | None:
    if len(values) < DRAWS / 2:
        return None
    low, high = np.quantile(values, [outside, 1 - outside])
    return float(low), float(high)


def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher; within 0.5 % from 4 degrees on."""
    z, n = Z95, freedom
    return float(
        z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )  # fmt: skip
