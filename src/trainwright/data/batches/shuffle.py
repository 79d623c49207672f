"""The row order of each epoch and the random seed of each step: pure functions of the seed, without any state."""

from __future__ import annotations

import numpy as np

MASK = (1 << 64) - 1


def epoch_order(rows: int, seed: int | None, epoch: int) -> np.ndarray:
    """Return the order of ``rows`` rows in ``epoch``: int64, shape (rows,); as they come where the seed is None.

    Philox is counter-based (Salmon et al. 2011).
    """
    if seed is None:
        return np.arange(rows)
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(rows)


def step_seed(seed: int, step: int) -> int:
    """Return the seed of all random numbers in ``step`` (dropout), below 2**63: splitmix64 of both (Steele et al. 2014)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + step + 1) * 0x9E3779B97F4A7C15 & MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & MASK
    return (mixed ^ (mixed >> 31)) >> 1


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of the random numbers at the start of ``epoch``, below 2**63; no step has the same."""
    return step_seed(seed, -1 - epoch)
