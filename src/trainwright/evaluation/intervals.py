"""How far a score could be off by chance."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, sqrt

import numpy as np

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
DRAWS = 2000
UNITS = 1000  # that are drawn from; more rows are put together at random into so many groups


def wilson(correct: int, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927, JASA 22:209): stays inside [0, 1], sound for few rows too."""
    if not rows:
        return 0.0, 1.0
    share, z2 = correct / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 * sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows)) / (1 + z2 / rows)
    # The ends are exact where nothing, or everything, is right; rounding must not move them.
    return (max(0.0, middle - half) if correct else 0.0), (min(1.0, middle + half) if correct < rows else 1.0)


def bootstrap(terms: np.ndarray, statistics: Callable[[np.ndarray], np.ndarray]) -> list[tuple[float, float] | None]:
    """Return the 95 % intervals of statistics of sums over rows, by drawing as many rows again and again, with replacement.

    Percentiles of ``DRAWS`` draws, somewhat further out than 2.5 and 97.5 %, which makes up for few rows (the expanded
    percentile interval of Hesterberg 2015, The American Statistician 69:371). More than ``UNITS`` rows are first summed in
    groups of random rows, and groups are drawn: sums of groups vary as sums of rows do, and the cost stays that of few rows.

    ``terms``, float64 (terms, rows), is what each row adds to each sum; ``statistics`` takes sums of shape (terms, draws) and
    gives shape (statistics, draws), not finite where undefined. An interval is None where there are too few rows to tell, or
    too few draws with a value.
    """
    draw = np.random.default_rng(0)
    if terms.shape[1] > UNITS:
        groups = draw.permutation(terms.shape[1]) % UNITS
        terms = np.stack([np.bincount(groups, term, UNITS) for term in terms])
    units = terms.shape[1]
    if units < 2:
        sums = terms.sum(axis=1, keepdims=True) if units else np.zeros((len(terms), 1))
        return [None] * len(statistics(sums))
    picks = draw.integers(0, units, (DRAWS, units))
    found = statistics(np.stack([term[picks].sum(axis=1) for term in terms]))
    outside = 0.5 * erfc(sqrt(units / (units - 1)) * _student(units - 1) / sqrt(2))  # of a normal distribution
    return [_ends(values[np.isfinite(values)], outside) for values in found]


def _ends(values: np.ndarray, outside: float) -> tuple[float, float] | None:
    if len(values) < DRAWS / 2:
        return None
    low, high = np.quantile(values, [outside, 1 - outside])
    return float(low), float(high)


def _student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher; within 0.5 % from 4 degrees on."""
    z, n = Z95, freedom
    return float(
        z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )  # fmt: skip
