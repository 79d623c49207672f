"""Count the keys of n-grams, of which a large corpus has more than fit in memory.

The keys are partitioned by their hash, and the partitions sorted one by one: the counts are those of sorting all at once, and
the time grows linearly with the number of keys.
"""

from __future__ import annotations

import numpy as np

from trainwright.data.files.spool import IN_MEMORY, Spool, parallel_map
from trainwright.data.text.lookup import hash_bits

SORTED_KEYS = 1 << 23  # keys that are sorted at a time


class Counter:
    """A counter of int64 keys that come in parts."""

    def __init__(self, most: int) -> None:
        """Prepare for at most ``most`` keys."""
        self._bits = max((most - 1) // SORTED_KEYS, 0).bit_length()
        self._partitions = [Spool(np.int64, IN_MEMORY * 2 >> self._bits) for _ in range(1 << self._bits)]

    def split(self, keys: np.ndarray) -> list[np.ndarray]:
        """Split keys by partition. It is apart from ``add`` so that many threads can do it."""
        if not self._bits:
            return [keys]
        partition = hash_bits(keys, self._bits).astype(np.uint16)
        ordered = keys[np.argsort(partition, kind="stable")]
        return np.split(ordered, np.cumsum(np.bincount(partition, minlength=len(self._partitions)))[:-1])

    def add(self, parts: list[np.ndarray]) -> None:
        """Add keys that ``split`` split."""
        for partition, keys in zip(self._partitions, parts, strict=True):
            partition.append(keys)

    def frequent(self, least: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the keys that occurred at least ``least`` times, sorted, and their counts."""

        def count(partition: Spool) -> tuple[np.ndarray, np.ndarray]:
            distinct, counts = run_lengths(np.sort(partition.array()))
            kept = counts >= least
            return distinct[kept], counts[kept]

        parts = list(parallel_map(count, self._partitions))
        keys, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
        if len(parts) == 1:
            return keys, counts
        order = np.argsort(keys)
        return keys[order], counts[order]


def run_lengths(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of a sorted array, and how often each occurs."""
    if not len(ordered):
        return ordered, np.zeros(0, np.int64)
    bounds = np.empty(np.count_nonzero(ordered[1:] != ordered[:-1]) + 2, np.int64)
    bounds[0], bounds[-1] = 0, len(ordered)
    bounds[1:-1] = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return ordered[bounds[:-1]], np.diff(bounds)
