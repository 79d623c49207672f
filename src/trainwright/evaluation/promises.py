"""From which confidence on answers are right as often as somebody asks for, promised from rows that are not those of the test.

Thresholds are tested one after the other, from the surest rows on to all, each by an exact binomial test of "answers from
here on are right less often than that"; the first that fails ends it. Where it begins depends on how many rows there are, not
on what is right, so that a promise is broken for ``RISK`` of all data sets at most: fixed-sequence testing (Angelopoulos et al.
2021, Learn then Test, arXiv:2110.01052).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, lgamma, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from trainwright.evaluation.intervals import Units, effective_rows

RISK = 0.05
USUAL = (0.9, 0.95, 0.97, 0.99)
_STEPS = 50
_SPARED = (16, 8, 4, 2, 1, 0)  # wrong rows that the first test has room for


class Rung(NamedTuple):
    """Of the rows whose confidence is at least ``threshold``: how many count, and how many of these are wrong."""

    threshold: float
    rows: int
    wrong: int


def ladder(confidence: np.ndarray, right: np.ndarray, units: Units | None = None) -> list[Rung]:
    """Return rungs from the surest fiftieth of the rows to all of them, which every confidence reaches.

    Rows that belong together count as the rows that they tell as much as (``effective_rows``), rounded to the careful side.

    ``confidence``, float (rows,), is that of the answer; ``right``, bool (rows,).
    """
    values, many = np.sort(confidence)[::-1], len(confidence)
    if not many:
        return []
    found, cuts = [], -(-many * np.arange(1, _STEPS + 1) // _STEPS) - 1
    for end in np.unique(np.searchsorted(-values, -values[cuts], "right")).tolist():
        threshold = float(values[end - 1])
        some = confidence >= threshold
        counted, wrong = float(end), end - int(right[some].sum())
        if units is not None:
            codes = np.unique(units.codes[some], return_inverse=True)[1]
            counted = effective_rows(right[some], Units(codes))
        rows = floor(counted + 1e-9)
        found.append(Rung(threshold if end < many else 0.0, rows, min(ceil(wrong * counted / end - 1e-9), rows)))
    return found


def threshold(rungs: Sequence[Rung], sure: float) -> float | None:
    """Return the confidence from which on answers are right in ``sure`` of all rows at least, with 95 % confidence.

    The lowest that is found; None where there is none. ``sure`` is above 0 and below 1.
    """
    found = None
    for rung in rungs[_start(rungs, sure) :]:
        if at_most(rung.wrong, rung.rows, 1 - sure) > RISK:
            break
        found = rung.threshold
    return found


def _start(rungs: Sequence[Rung], sure: float) -> int:
    """Return the first rung that is tested: with so many rows that a few wrong ones would do, if half of all are enough for
    that; else so many that it succeeds where none is wrong."""
    first = len(rungs)
    for wrong in _SPARED:
        first = next((place for place, rung in enumerate(rungs) if at_most(wrong, rung.rows, 1 - sure) <= RISK), len(rungs))
        if first < len(rungs) and rungs[first].rows <= rungs[-1].rows / 2:
            break
    return first


def best(rungs: Sequence[Rung]) -> float | None:
    """Return the most that can be promised, in whole per cent from 50 to 99; None where nothing can."""
    return next((percent / 100 for percent in range(99, 49, -1) if threshold(rungs, percent / 100) is not None), None)


def kept(confidence: np.ndarray, right: np.ndarray, units: Units | None, at: float) -> dict[str, Any]:
    """Return what came of a threshold on other rows: the share of them that is answered, how many, the share of these that is
    right, and what it is at least, with 95 % confidence (Clopper and Pearson 1934, Biometrika 26:404); None where none is."""
    some = confidence >= at
    n, hits = int(some.sum()), int(right[some].sum())
    found: dict[str, Any] = {"answered": n / max(len(some), 1), "n": n, "right": hits / n if n else None, "at_least": None}
    if n:
        counted = float(n)
        if units is not None:
            counted = effective_rows(right[some], Units(np.unique(units.codes[some], return_inverse=True)[1]))
        found["at_least"] = lower_end(ceil((n - hits) * counted / n - 1e-9), floor(counted + 1e-9))
    return found


def lower_end(wrong: int, rows: int) -> float:
    """Return the lower 95 % confidence bound of the share that is right."""
    low, high = 0.0, 1 - wrong / max(rows, 1)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(wrong, rows, 1 - middle) <= RISK else (low, middle)
    return low


def at_most(wrong: int, rows: int, share: float) -> float:
    """Return the probability of at most so many wrong of so many rows, each with probability ``share``; 1 from its mean on."""
    if wrong >= rows * share:
        return 1.0
    terms = min(wrong, int(40 * sqrt(rows * share)) + 100)  # those before are nothing
    falling = np.arange(wrong, wrong - terms, -1, dtype=np.float64)
    ratios = np.log(falling / (rows - falling + 1)) + log((1 - share) / share)
    last = (
        lgamma(rows + 1) - lgamma(wrong + 1) - lgamma(rows - wrong + 1) + wrong * log(share) + (rows - wrong) * log(1 - share)
    )
    return float(np.exp(last + np.concatenate([[0.0], ratios.cumsum()])).sum())
