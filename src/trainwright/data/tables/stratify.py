"""Splits of rows with several labels each: every label in proportion, or at least in every split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl


def iterative(position: np.ndarray, sets: pl.Series, shares: Sequence[float]) -> np.ndarray:
    """Return the split of each row, uint8 (rows,), so that every label has its rows in these proportions as nearly as can be.

    The label with the fewest rows left is dealt out first, each row to the split that lacks most of it (iterative
    stratification: Sechidis, Tsoumakas and Vlahavas 2011, ECML PKDD). Rows of one ``position`` stay together, with the labels
    of the first; the order is that of positions, so that it does not depend on where rows stand.
    """
    _, first, of_row = np.unique(position, return_index=True, return_inverse=True)
    codes, count = _coded(sets)
    labels = [codes[row] for row in first.tolist()]
    rows_of: list[list[int]] = [[] for _ in range(count)]
    for row, each in enumerate(labels):
        for label in each:
            rows_of[label].append(row)
    share = np.array(shares)
    wanted = np.array([share * len(rows) for rows in rows_of]).reshape(count, len(share))
    room, part = share * len(first), np.full(len(first), -1, np.int64)
    left = np.array([len(rows) for rows in rows_of])
    while (left > 0).any():
        label = int(np.where(left > 0, left, len(first) + 1).argmin())
        for row in rows_of[label]:
            if part[row] < 0:
                part[row] = best = _neediest(wanted[label], room)
                room[best] -= 1
                wanted[labels[row], best] -= 1
                left[labels[row]] -= 1
    for row in np.flatnonzero(part < 0).tolist():
        part[row] = best = int(room.argmax())
        room[best] -= 1
    found: np.ndarray = part[of_row].astype(np.uint8)
    return found


def _neediest(wanted: np.ndarray, room: np.ndarray) -> int:
    """Return the split that lacks most rows of a label; of several the one with the most room."""
    equal = np.flatnonzero(wanted == wanted.max())
    return int(equal[room[equal].argmax()])


def _coded(sets: pl.Series) -> tuple[list[list[int]], int]:
    """Return the numbers of the labels of each row, and how many labels there are."""
    names = sets.explode().drop_nulls().unique().sort().to_list()
    number = {name: place for place, name in enumerate(names)}
    return [[number[name] for name in each or ()] for each in sets.to_list()], len(names)
