"""Two models, or several, on the same rows: how much better one is, and whether chance alone would do as much.

A score is taken apart into a value for each row whose mean is the score: whether it was right; of a score that is no mean, the
score and what the row moves it by (pseudo-values of the infinitesimal jackknife: Jaeckel 1972). What two models have in common
falls out of the difference of these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainwright.evaluation.intervals import FEWEST, Z95, Units, student

if TYPE_CHECKING:
    import polars as pl

EXACT = 1000  # rows on which two models differ; of more the normal distribution tells as much
BLOCK = 256  # tokens of running text that are one unit, as those next to each other are not independent
LOSS = "loss"


@dataclass(frozen=True)
class Difference:
    """How much a score rises from one model to the other, its 95 % interval, and how often chance alone does as much.

    Interval and ``p`` are None where there are too few units to tell.
    """

    value: float
    interval: tuple[float, float] | None
    p: float | None


def row_values(metric: str, rows: pl.DataFrame) -> np.ndarray:
    """Return a value for each row, float64 (rows,), whose mean is the score; ``rows`` are as ``store.predictions`` has them.

    Of a metric that is not known here it is the loss.
    """
    if metric == "accuracy":
        return (rows["truth"] == rows["answer"]).to_numpy().astype(np.float64)
    if metric == "rmse":
        squares = (rows["truth"] - rows["answer"]).to_numpy().astype(np.float64) ** 2
        mean = squares.mean()
        return np.sqrt(mean) + (squares - mean) / (2 * max(np.sqrt(mean), 1e-300))  # type: ignore[no-any-return]
    if metric == "micro_f1":
        hits = rows["truth"].list.set_intersection(rows["answer"]).list.len().to_numpy().astype(np.float64)
        both = (rows["truth"].list.len() + rows["answer"].list.len()).to_numpy().astype(np.float64)
        share = 2 * hits.sum() / max(both.sum(), 1.0)
        return share + (2 * hits - share * both) / max(both.mean(), 1e-300)  # type: ignore[no-any-return]
    losses = rows["loss"].to_numpy().astype(np.float64)
    if metric == "perplexity":
        return np.exp(losses.mean()) * (1 + losses - losses.mean())  # type: ignore[no-any-return]
    return losses


def blocks(rows: int) -> Units:
    """Return the units of running text."""
    return Units(np.arange(rows, dtype=np.int64) // BLOCK)


def difference(metric: str, first: np.ndarray, second: np.ndarray, units: Units | None = None) -> Difference:
    """Return how much the score of the ``second`` model is above that of the first, from their ``row_values`` on the same rows.

    Of accuracy it is McNemar's exact test with the mid-p value, which keeps to its level where the exact one is too careful
    (Fagerland et al. 2013, BMC Medical Research Methodology 13:91), with the interval of Agresti and Min (2005, Statistics in
    Medicine 24:729). Else, and with ``units``, which then are what varies, it is a paired t test.
    """
    changes = second - first
    rows, value = len(changes), float(changes.mean())
    if metric == "accuracy" and units is None:
        gained, lost = int((changes > 0).sum()), int((changes < 0).sum())
        middle, deviation = _agresti_min(gained, lost, rows)
        ends = (max(middle - Z95 * deviation, -1.0), min(middle + Z95 * deviation, 1.0))
        return Difference(value, ends, mcnemar(gained, lost))
    apart = changes - value
    sums = apart if units is None else np.bincount(units.codes, apart)
    many = len(np.unique(units.codes)) if units is not None else rows
    if many < FEWEST:
        return Difference(value, None, None)
    deviation = math.sqrt(many / (many - 1) * float(sums @ sums)) / rows
    half = student(many - 1) * deviation
    return Difference(value, (value - half, value + half), _two_sided(value, deviation, many - 1))


def unpaired(first: float, its: tuple[float, float], second: float, other: tuple[float, float]) -> Difference:
    """Return how much a score is above another of other rows, from the scores and their 95 % intervals (Newcombe 1998,
    Statistics in Medicine 17:873)."""
    value = second - first
    low = value - math.hypot(second - other[0], its[1] - first)
    high = value + math.hypot(other[1] - second, first - its[0])
    return Difference(value, (low, high), _two_sided(value, (high - low) / (2 * Z95), 10**6))


def mcnemar(gained: int, lost: int) -> float:
    """Return the mid-p value of McNemar's test: how often as many of the rows that changed, or more, would change one way."""
    changed, fewer = gained + lost, min(gained, lost)
    if not changed:
        return 1.0
    if changed > EXACT:
        return math.erfc(abs(gained - lost) / math.sqrt(2 * changed))
    there = math.comb(changed, fewer)
    below = sum(math.comb(changed, each) for each in range(fewer))
    return float(min((2 * below + there) / 2**changed, 1.0))


def holm(found: list[float]) -> list[float]:
    """Return p values that hold for all comparisons at once (Holm 1979, Scandinavian Journal of Statistics 6:65)."""
    adjusted, least = [0.0] * len(found), 0.0
    for rank, place in enumerate(sorted(range(len(found)), key=found.__getitem__)):
        least = max(least, min((len(found) - rank) * found[place], 1.0))
        adjusted[place] = least
    return adjusted


def noise(values: np.ndarray) -> float:
    """Return the standard deviation by which models that are equally good differ on rows like these, by chance.

    ``values``: the ``row_values`` of several models on the same rows, shape (models, rows). What a row is to all, and a model
    on all, is left out (the residual of a two-way analysis of variance: Searle et al. 1992, Variance Components).
    """
    models, rows = values.shape
    of_rows, of_models = (values.sum(axis=axis, dtype=np.float64) for axis in (0, 1))
    squares = float((values**2).sum(dtype=np.float64)) + float(of_rows.sum()) ** 2 / (models * rows)
    rest = squares - float(of_rows @ of_rows) / models - float(of_models @ of_models) / rows
    return math.sqrt(max(rest, 0.0) / max((models - 1) * (rows - 1), 1) / rows)


def _agresti_min(gained: int, lost: int, rows: int) -> tuple[float, float]:
    """Return the middle and the standard deviation of a difference of proportions, with half a row more in every cell."""
    more, less, all_of = gained + 0.5, lost + 0.5, rows + 2
    return (more - less) / all_of, math.sqrt(max(more + less - (more - less) ** 2 / all_of, 0.0)) / all_of


def _two_sided(value: float, deviation: float, freedom: int) -> float:
    """Return how often Student's t is as far from 0, by Wallace's normal approximation (1959, Annals of Mathematical Statistics
    30:1121)."""
    if not deviation:
        return 1.0 if not value else 0.0
    t = value / deviation
    z = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.erfc(z / math.sqrt(2))
