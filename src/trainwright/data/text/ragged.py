"""Ragged: rows of different lengths as one flat array and offsets, the shape of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np


class Transposed(NamedTuple):
    """Rows from the side of their ids: of each id the rows that it occurs in.

    Attributes:
        rows: int32, shape (tokens,): row numbers, those of one id after those of another.
        weights: float32, shape (tokens,), or None where every token weighs the same.
        begins: int32, shape (ids,): where the rows of each id begin.
        ids: int64, shape (ids,): those that occur, in order.
    """

    rows: np.ndarray
    weights: np.ndarray | None
    begins: np.ndarray
    ids: np.ndarray


@dataclass(frozen=True)
class Ragged:
    """Rows of token ids.

    Attributes:
        values: int32, shape (tokens,): all rows one after the other.
        offsets: int64, shape (rows + 1,): row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
        weights: float32, shape (tokens,), or None where every token weighs the same.
    """

    values: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row: int64, shape (rows,)."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Ragged:
        """The rows of the given numbers, in that order."""
        places, lengths = places_of(self.offsets, rows)
        return Ragged(self.values[places], offsets_of(lengths), None if self.weights is None else self.weights[places])

    def cuts(self, tokens: int) -> Iterator[tuple[int, int]]:
        """First row and the one behind the last, of whole rows with about so many tokens together."""
        places = np.searchsorted(self.offsets, np.arange(tokens, int(self.offsets[-1]), tokens))
        inner = sorted({place for place in places.tolist() if place < len(self)})
        return pairwise([0, *inner, len(self)])

    def transposed(self, size: int) -> Transposed:
        """From the side of the ids, of which there are ``size``."""
        order = order_of(self.values, size)
        rows = np.arange(len(self), dtype=np.int32).repeat(self.lengths).take(order, mode="clip")
        ordered = self.values.take(order, mode="clip")
        begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        weights = None if self.weights is None else self.weights.take(order, mode="clip")
        return Transposed(rows, weights, begins.astype(np.int32), ordered[begins].astype(np.int64))

    def arrays(self) -> dict[str, np.ndarray]:
        """The parts by name, for storing."""
        parts = {"values": self.values, "offsets": self.offsets}
        return parts if self.weights is None else parts | {"weights": self.weights}


def offsets_of(lengths: Any) -> np.ndarray:
    """Return where each of parts of these lengths begins, and where the last one ends: int64, shape (parts + 1,)."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def order_of(ids: np.ndarray, size: int) -> np.ndarray:
    """The order that sorts ids below ``size``, equal ones as they come: int64, shape (tokens,).

    NumPy sorts 16 bits by counting, which takes a fraction of the time of comparing.
    """
    order = ids.astype(np.uint16).argsort(kind="stable")
    return order if size <= 1 << 16 else order[(ids >> 16).astype(np.uint16)[order].argsort(kind="stable")]


def places_of(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the values of the rows of the given numbers are, one row after the other, and how many each row has."""
    lengths = np.diff(offsets)[rows]
    ends = np.cumsum(lengths)
    places = np.repeat(offsets[rows] - ends + lengths, lengths)
    places += np.arange(len(places))
    return places, lengths
