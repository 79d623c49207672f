"""How far from an answer the truth lies: split conformal prediction from rows that are not those of the test.

An answer plus and minus the right one of the sorted absolute errors on n held-out rows holds the truth of a new row of the same
kind with the probability that is asked for, whatever the model and the distribution (Vovk et al. 2005; Lei et al. 2018, JASA
113:1094). Where rows belong together, each unit counts once, for a row of a new unit (Lee et al. 2023, arXiv:2306.06342).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trainwright.evaluation.intervals import Units

USUAL = 0.9
MOST = 1000  # errors that are kept


class Reach(NamedTuple):
    """The truth lies no further than ``error`` from the answer, with at least this probability."""

    share: float
    error: float


def reaches(errors: np.ndarray, units: Units | None = None) -> list[Reach]:
    """Return sorted absolute ``errors``, float (rows,), each with the probability that it holds; of many, some evenly taken."""
    order = np.argsort(errors, kind="stable")
    if units is None:
        shares = np.arange(1, len(errors) + 1) / (len(errors) + 1)
    else:
        sizes = np.bincount(units.codes)
        shares = (1 / sizes[units.codes[order]]).cumsum() / (len(sizes) + 1)
    taken = np.unique(np.linspace(0, max(len(errors) - 1, 0), min(len(errors), MOST)).round().astype(np.int64))
    return [Reach(*each) for each in zip(shares[taken].tolist(), errors[order[taken]].tolist(), strict=True)]


def half_width(found: Sequence[Reach], share: float) -> float | None:
    """Return how far to each side of an answer an interval goes that holds the truth with probability ``share``.

    None where so much cannot be told from so few rows.
    """
    return next((reach.error for reach in found if reach.share >= share - 1e-12), None)
