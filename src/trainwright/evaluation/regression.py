"""How far predicted numbers are from the actual ones, in the unit of the target, as sums over counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation.intervals import bootstrap

NAMES = ("rmse", "mae", "r2")
MOST_POINTS = 2000


def measures(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """``rmse``, ``mae`` and ``r2``; those that are defined: there is no ``r2`` where all actual values are equal."""
    found = zip(NAMES, _statistics(_terms(actual, predicted).sum(axis=1, keepdims=True))[:, 0].tolist(), strict=True)
    return {name: value for name, value in found if not np.isnan(value)}


def scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """The measures with their 95 % intervals (``bootstrap``) and ``n``; None where one is not defined."""
    found = measures(actual, predicted)
    intervals = bootstrap(_terms(actual, predicted), _statistics)
    ends = {f"{name}_interval": each for name, each in zip(NAMES, intervals, strict=True)}
    return {"n": len(actual)} | {name: found.get(name) for name in NAMES} | ends


def mean_baseline(value: float, actual: np.ndarray) -> dict[str, Any]:
    """Always answering ``value``, the mean of the training targets. Only RMSE has an interval: R2 of a mean is 0 at best."""
    found = scores(actual, np.full(len(actual), value))
    kept = {name: found[name] for name in (*NAMES, "n", "rmse_interval")}
    return {"name": "mean of the training targets", "value": value, **kept}


def points(actual: np.ndarray, predicted: np.ndarray) -> list[list[float]]:
    """(actual, predicted) of ``MOST_POINTS`` rows at most, evenly taken; to seven digits, which is what float32 holds."""
    taken = np.unique(np.linspace(0, len(actual) - 1, min(len(actual), MOST_POINTS)).round().astype(np.int64))
    pairs = zip(actual[taken].tolist(), predicted[taken].tolist(), strict=True)
    return [[float(f"{one:.7g}"), float(f"{other:.7g}")] for one, other in pairs]


def _terms(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """What each row adds to the sums: 1, squared and absolute error, distance from the mean and its square."""
    error, around = predicted - actual, actual - (actual.mean() if len(actual) else 0.0)
    return np.stack([np.ones(len(actual)), error**2, np.abs(error), around, around**2])


def _statistics(sums: np.ndarray) -> np.ndarray:
    """RMSE, MAE and R2 (the coefficient of determination) of sums: NaN where there is nothing to divide by."""
    rows, squared, absolute, around, spread = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        total = spread - around**2 / rows
        r2 = np.where(total > 1e-12 * spread, 1 - squared / total, np.nan)
        return np.stack([np.sqrt(squared / rows), absolute / rows, r2])
