"""Rows cut into parts, each of which is judged by a model of the others."""

from __future__ import annotations

import numpy as np

from trainwright.evaluation.intervals import Units


def cut(targets: np.ndarray, units: Units | None, count: int, seed: int) -> np.ndarray:
    """Return which of ``count`` parts each row is in, int64 (rows,): units stay whole, rows of equal targets are spread evenly.

    Of numbers, of which few are equal, the parts are drawn at random.
    """
    codes = np.arange(len(targets)) if units is None else units.codes
    _, first, whose = np.unique(codes, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    if targets.dtype.kind != "f":
        _, kinds = np.unique(targets, axis=0, return_inverse=True)
        order = order[np.argsort(kinds.ravel()[first][order], kind="stable")]
    fold = np.empty(len(first), np.int64)
    fold[order] = np.arange(len(first)) % count
    found: np.ndarray = fold[whose.ravel()]
    return found
