"""A hash table from keys to their places in a sorted array: one access, where a binary search misses the cache at each step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, odd
SEARCH_COST = 16  # a binary search takes as long as adding so many keys to the table


def hash_bits(keys: np.ndarray, bits: int) -> np.ndarray:
    """Return a multiplicative hash of int64 keys, below 2**bits: uint64."""
    found: np.ndarray = (keys.view(np.uint64) * FACTOR) >> np.uint64(64 - bits)
    return found


@dataclass(frozen=True)
class Lookup:
    """The places of ``known``, which are distinct int64, sorted."""

    known: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the place of each key in ``known``, or -1: int64."""
        if not len(self.known):
            return np.full(len(keys), -1, np.int64)
        if len(keys) * SEARCH_COST < len(self.known):
            places = np.searchsorted(self.known, keys)
            places[places == len(self.known)] = 0
            return np.where(self.known[places] == keys, places, -1)
        table, slots = self._table, self._slots(keys)
        found: np.ndarray = table[slots]
        wrong = np.flatnonzero((found >= 0) & (self.known[found] != keys))
        while len(wrong):
            slots[wrong] = (slots[wrong] + 1) & (len(table) - 1)
            found[wrong] = table[slots[wrong]]
            wrong = wrong[(found[wrong] >= 0) & (self.known[found[wrong]] != keys[wrong])]
        return found.astype(np.int64)

    @property
    def _bits(self) -> int:
        return (2 * len(self.known)).bit_length()

    def _slots(self, keys: np.ndarray) -> np.ndarray:
        return hash_bits(keys, self._bits).astype(np.int64)

    @cached_property
    def _table(self) -> np.ndarray:
        """Return the table: each place in the slot of its key's hash, or in the next free one; less than half are taken.

        Threads that need it at the same time each build it, which takes no longer than to wait for one of them.
        """
        table = np.full(1 << self._bits, -1, np.int32)
        places, slots = np.arange(len(self.known), dtype=np.int32), self._slots(self.known)
        while len(places):
            free = table[slots] < 0
            table[slots[free]] = places[free]
            left = table[slots] != places
            places, slots = places[left], (slots[left] + 1) & (len(table) - 1)
        return table
