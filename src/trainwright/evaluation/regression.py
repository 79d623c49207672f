"""How far predicted numbers are from the actual ones, in the unit of the target, as sums over counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trainwright.evaluation.intervals import LOG, Units, by_influence, facts, of_mean
from trainwright.watch import metrics

NAMES = ("rmse", "mae", "r2")  # those with an interval
MOST_POINTS = 2000
MEAN = "mean of the training targets"


def rmse(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the root of the mean squared error."""
    return math.sqrt(((predicted - actual) ** 2).mean()) if len(actual) else None


def mae(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the mean absolute error."""
    return float(np.abs(predicted - actual).mean()) if len(actual) else None


def r2(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the coefficient of determination; None where all actual values are equal."""
    around = _squares_around(actual)
    return None if around is None else float(1 - ((predicted - actual) ** 2).sum() / around.sum())


def scores(actual: np.ndarray, predicted: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    """Return rows, their units where these are not rows, and the metrics with their 95 % intervals.

    These are of logarithms: of RMSE, of MAE, and of 1 - R2, the squared error a squared distance from the mean. None stands
    where one is not defined, and for the interval of predictions that are exact.
    """
    names = metrics.computed("number")
    squares, around = (predicted - actual) ** 2, _squares_around(actual)
    of_squares, of_r2 = of_mean(squares, units=units), None
    if around is not None and squares.any():
        rest = float(squares.sum() / around.sum())
        of_r2 = by_influence(rest, (squares - rest * around) / around.sum(), units, scale=LOG)
    return {
        "n": len(actual),
        **facts(units),
        **dict.fromkeys(names),
        **metrics.compute(names, actual, predicted),
        "rmse_interval": of_squares and (math.sqrt(of_squares[0]), math.sqrt(of_squares[1])),
        "mae_interval": of_mean(np.abs(predicted - actual), units=units),
        "r2_interval": of_r2 and (1 - of_r2[1], 1 - of_r2[0]),
    }


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


def _squares_around(actual: np.ndarray) -> np.ndarray | None:
    """Return the square of how far each value is from the mean, float64 (rows,); None where all are equal but for rounding."""
    if not len(actual):
        return None
    around = actual - actual.mean()
    squares: np.ndarray = (around - around.mean()) ** 2
    return squares if squares.sum() > 1e-12 * (around**2).sum() else None
