"""Two models, or several, on the same rows: how much better one is, and whether chance alone would do as much.

A score is taken apart into a value for each row whose mean is the score: whether it was right; of a score that is no mean, the
score and what the row moves it by (pseudo-values of the infinitesimal jackknife: Jaeckel 1972). What both find easy or hard
falls out of the difference of these, so that its interval is narrower than the two of their scores would have it. ``Units``,
where rows belong together, are compared as wholes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.evaluation.intervals import FEWEST, Z95, Units, student
from trainwright.evaluation.threshold import f1

if TYPE_CHECKING:
    import polars as pl

EXACT = 1000  # rows on which two models differ; of more the normal distribution tells as much
BLOCK = 256  # tokens of running text that are one unit, as those next to each other are not independent
LOSS = "loss"
Z99 = 2.5758293035489004  # the 99.5 % quantile of the normal distribution


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
        return _of_rmse((rows["truth"] - rows["answer"]).to_numpy().astype(np.float64))
    if metric == "micro_f1":
        hits = rows["truth"].list.set_intersection(rows["answer"])
        return _of_f1(*(each.list.len().to_numpy().astype(np.float64) for each in (hits, rows["answer"], rows["truth"])))
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
    Medicine 24:729): half a row is added to each of the four ways in which two answers can be right and wrong, so that models
    which agree on all rows are not taken for surely equal. Else, and with ``units``, which then are what varies, it is a
    paired t test, of accuracy with the same rows added.
    """
    changes = second - first
    if metric != "accuracy" or units is not None:
        return _mean(changes, units, added=float(metric == "accuracy"))
    gained, lost, counted = int((changes > 0).sum()), int((changes < 0).sum()), len(changes) + 2
    middle, changed = (gained - lost) / counted, gained + lost + 1
    half = Z95 * math.sqrt(max(changed - (gained - lost) ** 2 / counted, 0.0)) / counted
    value = float(changes.mean()) if len(changes) else 0.0
    return Difference(value, (max(middle - half, -1.0), min(middle + half, 1.0)), mcnemar(gained, lost))


def of_shares(ours: np.ndarray, theirs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the difference of two accuracies, from which rows each is right about: bool (rows,) twice."""
    found = difference("accuracy", theirs.astype(np.float64), ours.astype(np.float64), units)
    return _told(found.value, found.interval if len(ours) >= FEWEST else None)


def of_errors(ours: np.ndarray, theirs: np.ndarray, units: Units | None = None, quantile: float = 0.0) -> dict[str, Any]:
    """Return by what share our RMSE is smaller, from the errors of each row: float64 (rows,) twice; negative: it is larger.

    The interval is that of the logarithm of their ratio, by the delta method; ``quantile`` as in ``_mean``.
    """
    if not ((ours**2).sum() and (theirs**2).sum()):
        return _told(1.0 if theirs.any() else 0.0, None)
    mine, other = _of_rmse(ours), _of_rmse(theirs)
    ratio = math.log(mine.mean() / other.mean())
    ends = _mean(ratio + mine / mine.mean() - other / other.mean(), units, quantile=quantile).interval
    return _told(1 - math.exp(ratio), ends and (1 - math.exp(ends[1]), 1 - math.exp(ends[0])))


def of_labels(targets: np.ndarray, ours: np.ndarray, theirs: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the difference of two micro F1, from 0 and 1 for every row and label: uint8 and twice bool (rows, labels)."""
    there = targets == 1
    other, mine = (_of_f1(*(each.sum(axis=1) for each in (there & said, said, there))) for said in (theirs, ours))
    found = difference("micro_f1", other, mine, units)
    return _told(found.value, found.interval)


def depends(shares: np.ndarray, targets: np.ndarray, quantile: float, units: Units | None = None) -> bool | None:
    """Return whether answers go with the truth beyond noise: float64 (rows, classes), the truth 0 and 1; None for few rows.

    It is told from how much probability the right class has above what it would have if the same answers were dealt out to
    other rows. That says nothing of how sure they are, nor of how frequent a class is.
    """
    changes = ((shares - shares.mean(axis=0)) * (targets - targets.mean(axis=0))).sum(axis=1) if len(shares) else np.zeros(0)
    ends = _mean(changes, units, quantile=quantile).interval
    return None if ends is None else ends[0] > 0


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


def _of_rmse(errors: np.ndarray) -> np.ndarray:
    """Return a value for each row, float64 (rows,), whose mean is RMSE."""
    squares = errors**2
    root = math.sqrt(squares.mean())
    return np.asarray(root + (squares - squares.mean()) / (2 * max(root, 1e-300)))


def _of_f1(hits: np.ndarray, said: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return a value for each row, float64 (rows,), whose mean is micro F1, from how many of its labels were said rightly, were
    said, and are there."""
    value, both = float(f1(hits.sum(), said.sum(), there.sum())), said + there
    return np.asarray(value + len(both) * (2 * hits - value * both) / max(both.sum(), 1))


def _mean(changes: np.ndarray, units: Units | None, added: float = 0.0, quantile: float = 0.0) -> Difference:
    """Return the mean of ``changes``, float64 (rows,), and the paired t test of it, as if two rows stood beside them whose
    squares add up to ``added`` and which cancel; by Student's t unless another ``quantile`` is given."""
    rows, value = len(changes), float(changes.mean()) if len(changes) else 0.0
    apart = changes - value
    sums = apart if units is None else np.bincount(units.codes, apart)
    many, counted = len(sums), rows + 2 * added
    if many < FEWEST:
        return Difference(value, None, None)
    middle, deviation = value * rows / counted, math.sqrt(many / (many - 1) * (float(sums @ sums) + added)) / counted
    half = (quantile or student(many - 1)) * deviation
    return Difference(value, (middle - half, middle + half), _two_sided(middle, deviation, many - 1))


def _told(value: float, ends: tuple[float, float] | None) -> dict[str, Any]:
    return {"difference": value, "difference_interval": ends}


def _two_sided(value: float, deviation: float, freedom: int) -> float:
    """Return how often Student's t is as far from 0, by Wallace's normal approximation (1959, Annals of Mathematical Statistics
    30:1121)."""
    if not deviation:
        return 1.0 if not value else 0.0
    t = value / deviation
    z = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.erfc(z / math.sqrt(2))
