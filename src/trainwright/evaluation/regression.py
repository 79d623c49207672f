"""How far predicted numbers are from the actual ones, in the unit of the target, as sums over counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units, bootstrap, facts
from trainwright.watch import metrics

NAMES = ("rmse", "mae", "r2")  # those with an interval
MOST_POINTS = 2000
MEAN = "mean of the training targets"


def rmse(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the root of the mean squared error."""
    return _of_all_rows(actual, predicted)[0]


def mae(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the mean absolute error."""
    return _of_all_rows(actual, predicted)[1]


def r2(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the coefficient of determination; None where all actual values are equal."""
    return _of_all_rows(actual, predicted)[2]


def scores(actual: np.ndarray, predicted: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return rows, their units where these are not rows, and the metrics with their 95 % intervals (``bootstrap``).

    None stands where one is not defined.
    """
    names = metrics.computed("number")
    ends = zip(NAMES, bootstrap(_terms(actual, predicted), _statistics, units), strict=True)
    found = {"n": len(actual), **facts(units), **dict.fromkeys(names), **metrics.compute(names, actual, predicted)}
    return found | {f"{name}_interval": each for name, each in ends}


def mean_baseline(value: float, actual: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return the scores of always answering ``value``, the mean of the training targets.

    Only RMSE has an interval: R2 of a mean is 0 at best.
    """
    return {"name": MEAN, "value": value, **brief_scores(actual, np.full(len(actual), value), units)}


def brief_scores(actual: np.ndarray, predicted: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return what is told of a model that is only compared with."""
    found = scores(actual, predicted, units)
    return {name: found[name] for name in (*NAMES, "n", "rmse_interval")}


def points(actual: np.ndarray, predicted: np.ndarray) -> list[list[float]]:
    """Return (actual, predicted) of ``MOST_POINTS`` rows at most, evenly taken; to seven digits, what float32 holds."""
    taken = np.unique(np.linspace(0, len(actual) - 1, min(len(actual), MOST_POINTS)).round().astype(np.int64))
    pairs = zip(actual[taken].tolist(), predicted[taken].tolist(), strict=True)
    return [[float(f"{one:.7g}"), float(f"{other:.7g}")] for one, other in pairs]


def _of_all_rows(actual: np.ndarray, predicted: np.ndarray) -> list[float | None]:
    found = _statistics(_terms(actual, predicted).sum(axis=1, keepdims=True))[:, 0].tolist()
    return [None if math.isnan(value) else value for value in found]


def _terms(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return what each row adds to the sums: 1, squared and absolute error, distance from the mean and its square."""
    error, around = predicted - actual, actual - (actual.mean() if len(actual) else 0.0)
    return np.stack([np.ones(len(actual)), error**2, np.abs(error), around, around**2])


def _statistics(sums: np.ndarray) -> np.ndarray:
    """Return RMSE, MAE and R2 (the coefficient of determination) of sums: NaN where there is nothing to divide by."""
    rows, squared, absolute, around, spread = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        total = spread - around**2 / rows
        explained = np.where(total > 1e-12 * spread, 1 - squared / total, np.nan)
        return np.stack([np.sqrt(squared / rows), absolute / rows, explained])
