"""Whether more rows would help: how the error on validation rows falls with the number of training rows, and where that leads.

Two families describe learning curves well (Viering and Loog 2021, arXiv:2103.10948; power laws since Cortes et al. 1993):

    error(n) = a + b n^-c        error(n) = a + b exp(-c n)        a, b >= 0

Neither is known to be right, and a is hardly told by few points, so three are fitted: both, and the power law that falls to 0.
The interval is that of all fits together: to validation rows drawn again, with the scatter of trainings on as many rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation.intervals import Units
from trainwright.evaluation.threshold import f1

BLOCKS = 400  # of validation rows, drawn as wholes: as many as a bootstrap needs
DRAWS = 400
FAMILIES = ("power", "power to 0", "exponential")
POWERS = np.linspace(0.02, 1.5, 38)
RATES = np.geomspace(0.3, 12.0, 24)  # of the largest number of rows
MISFIT = 0.01  # of an error, by which no curve of a family need be right
SCATTER = 0.01  # of an error, between trainings of which nothing is known


def blocks(terms: np.ndarray, units: Units | None, ordered: bool) -> np.ndarray:
    """Return sums over blocks of rows of what each row adds: float64 (terms, blocks) of (terms, rows).

    Units stay whole. Rows that are ``ordered``, as those of a text, are put together with their neighbours.
    """
    rows = terms.shape[1]
    if ordered:
        codes = np.arange(rows) * min(rows, BLOCKS) // max(rows, 1)
    else:
        own = np.arange(rows) if units is None else units.codes
        many = int(own.max(initial=0)) + 1
        codes = (np.random.default_rng(0).permutation(many) % min(many, BLOCKS))[own]
    return np.stack([np.bincount(codes, term) for term in terms])


def error_of(kind: str, sums: np.ndarray) -> np.ndarray:
    """Return the error by sums of shape (terms, ...): of classes the share of wrong answers, of labels 1 less micro F1, of
    numbers RMSE, of tokens the loss."""
    rows = np.maximum(sums[0], 1)
    if kind == "labels":
        return np.asarray(1 - f1(*sums[1:]))
    means: np.ndarray = sums[1] / rows
    return np.sqrt(means) if kind == "number" else means


def scatter(errors: list[list[float]]) -> float:
    """Return the relative deviation of trainings on as many rows, from the errors of each size."""
    several = [np.array(each) / np.mean(each) for each in errors if len(each) > 1 and np.mean(each) > 0]
    freedom = sum(len(each) - 1 for each in several)
    squares = sum(float(((each - 1) ** 2).sum()) for each in several)
    return max(np.sqrt(squares / freedom), SCATTER) if freedom else 5 * SCATTER


def extrapolate(kind: str, rows: np.ndarray, trainings: list[list[np.ndarray]], wanted: np.ndarray) -> dict[str, Any]:
    """Return the errors to expect of trainings on ``wanted`` rows.

    ``rows`` are the sizes, from the smallest on; of each ``trainings`` has the blocks of every training, (terms, blocks).

    Returns:
        ``errors`` of each of the ``wanted`` sizes, (middle, low, high): the middle of all fits, and the ends between which
        95 % of them lie; ``now``, the same at the last of ``rows``; ``gains``, how much lower the middle is there than now, and
        the ends of how much lower each fit is; ``known``, the errors of each size that was trained on; ``scatter``.
    """
    draw = np.random.default_rng(0)
    errors = [[float(error_of(kind, each.sum(axis=1))) for each in size] for size in trainings]
    apart, many = scatter(errors), trainings[0][0].shape[1]
    counts = draw.multinomial(many, np.full(many, 1 / many), DRAWS).T.astype(np.float64)  # (blocks, draws)
    repeats = np.array([len(size) for size in trainings])
    drawn = np.stack([np.mean([error_of(kind, each @ counts) for each in size], axis=0) for size in trainings])
    noise = draw.standard_normal(drawn.shape) * (apart / np.sqrt(repeats))[:, None]
    drawn = np.maximum(drawn * (1 + noise), 0.0)
    middle = np.array([[np.mean(size)] for size in errors])
    weights = 1 / (np.maximum(middle[:, 0], 1e-9) ** 2 * (apart**2 / repeats + MISFIT**2))
    scale = rows[-1]
    sizes = np.append(wanted, scale) / scale
    fits = np.concatenate([_fitted(family, rows / scale, drawn, weights, sizes) for family in FAMILIES], axis=1)
    gains = fits[-1] - fits[:-1]
    fits = np.maximum(fits * (1 + apart * draw.standard_normal(gains.shape[1])), 0.0)
    *ahead, now = _ends(fits)
    less = [now[0] - middle for middle, _, _ in ahead]
    gained = [[one, min(low, one), max(high, one)] for one, (_, low, high) in zip(less, _ends(gains), strict=True)]
    known = [[float(one), *np.quantile(each, [0.025, 0.975]).tolist()] for (one,), each in zip(middle, drawn, strict=True)]
    return {"errors": ahead, "now": now, "gains": gained, "known": known, "scatter": float(apart)}


def _ends(values: np.ndarray) -> list[list[float]]:
    """Return (middle, low, high) of each row, between which 95 % of its values lie."""
    return np.quantile(values, [0.5, 0.025, 0.975], axis=1).T.tolist()  # type: ignore[no-any-return]


def _fitted(family: str, rows: np.ndarray, errors: np.ndarray, weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return what the best curve of a family says of each size, for each column of ``errors``: (wanted, columns)."""
    shapes = RATES if family == "exponential" else POWERS

    def basis(sizes: np.ndarray) -> np.ndarray:
        """Return how the curve falls: (shapes, sizes)."""
        if family == "exponential":
            return np.asarray(np.exp(-shapes[:, None] * sizes))
        return np.asarray(sizes ** -shapes[:, None])

    falls = basis(rows)
    level, steep = _two(falls, errors, weights, free=family != "power to 0")
    missed = ((level[..., None] + steep[..., None] * falls[:, None] - errors.T) ** 2 * weights).sum(axis=-1)
    best = missed.argmin(axis=0)
    columns = np.arange(errors.shape[1])
    return np.asarray(level[best, columns] + steep[best, columns] * basis(wanted)[best].T)


def _two(falls: np.ndarray, errors: np.ndarray, weights: np.ndarray, free: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return level and steepness, neither below 0, of the best curve of each shape: (shapes, columns) both."""
    total, sums, squares = weights.sum(), falls @ weights, falls**2 @ weights
    high, across = weights @ errors, (falls * weights) @ errors
    alone = across / squares[:, None]
    if not free:
        return np.zeros_like(alone), np.maximum(alone, 0.0)
    below = total * squares - sums**2
    steep = (total * across - sums[:, None] * high) / np.maximum(below, 1e-12)[:, None]
    level = (high - sums[:, None] * steep) / total
    flat, rising = steep < 0, level < 0
    level = np.where(flat, high / total, np.where(rising, 0.0, level))
    return level, np.where(flat, 0.0, np.where(rising, np.maximum(alone, 0.0), steep))
