"""What n-grams need: keys of those within words, counts of more keys than fit in memory, and a table of their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.files.spool import IN_MEMORY, Spool, parallel_map
from trainwright.data.text.ragged import to_offsets

if TYPE_CHECKING:
    import polars as pl

FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, odd
SEARCH_COST = 16  # a binary search takes as long as adding so many keys to the table
SORTED_KEYS = 1 << 23  # keys that are sorted at a time
WORDS = 1 << 16  # that are cut into n-grams at a time
BOUNDARY = "\n"  # before and after each word, so that a beginning and an ending are n-grams of their own


def character_ngrams(words: pl.Series | list[str], lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the n-grams of every word, those of one word side by side: keys, and offsets of shape (words + 1,), both int64.

    A key is a polynomial of the characters modulo 2**64 in an odd ``FACTOR``, so that no bit is lost: exact up to two
    characters, and beyond that two n-grams of a vocabulary of a million share a key with a chance of about one in ten million.
    A word shorter than an n-gram has none.
    """
    if isinstance(words, list):
        sizes = np.array([len(word) + 2 for word in words], np.int64)
    else:
        sizes = words.str.len_chars().to_numpy().astype(np.int64) + 2
    offsets = to_offsets(sum((np.maximum(sizes - length + 1, 0) for length in lengths), np.zeros_like(sizes)))
    found = np.empty(offsets[-1], np.int64)
    for first in range(0, len(words), WORDS):
        part = slice(first, first + WORDS)
        found[offsets[first] : offsets[min(first + WORDS, len(words))]] = _cut(words[part], sizes[part], lengths)
    return found, offsets


def _cut(words: pl.Series | list[str], sizes: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Return the keys of the n-grams of words that are so long, with their boundaries: int64."""
    if isinstance(words, list):
        text = "".join(f"{BOUNDARY}{word}{BOUNDARY}" for word in words)
    else:
        text = (BOUNDARY + words + BOUNDARY).str.join().item()
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    remaining = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(codes))  # characters from here to the end of the word
    keys = np.empty((len(codes), len(lengths)), np.uint64)
    for column, length in enumerate(lengths):
        key = np.full(max(len(codes) - length + 1, 0), length, np.uint64)
        for place in range(length):
            key = key * FACTOR + codes[place : place + len(key)]
        keys[: len(key), column] = key
    found: np.ndarray = keys[remaining[:, None] >= np.array(lengths)].view(np.int64)
    return found


def hash_bits(keys: np.ndarray, bits: int) -> np.ndarray:
    """Return a multiplicative hash of int64 keys, below 2**bits: uint64."""
    return (keys.view(np.uint64) * FACTOR) >> np.uint64(64 - bits)


@dataclass(frozen=True)
class Lookup:
    """A hash table of the places of ``known``, which are distinct int64, sorted: one access instead of a search."""

    known: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the place of each key in ``known``, or -1: int64."""
        if not len(self.known):
            return np.full(len(keys), -1, np.int64)
        if len(keys) * SEARCH_COST < len(self.known):
            places = np.searchsorted(self.known, keys)
            places[places == len(self.known)] = 0
            return np.where(self.known[places] == keys, places, -1)
        table, slots = self._table, _slots(self._table, keys)
        found: np.ndarray = table[slots]
        wrong = np.flatnonzero((found >= 0) & (self.known[found] != keys))
        while len(wrong):
            slots[wrong] = (slots[wrong] + 1) & (len(table) - 1)
            found[wrong] = table[slots[wrong]]
            wrong = wrong[(found[wrong] >= 0) & (self.known[found[wrong]] != keys[wrong])]
        return found.astype(np.int64)

    @cached_property
    def _table(self) -> np.ndarray:
        """Return the table: each place in the slot of its key's hash, or in the next free one; less than half are taken.

        Threads that need it at the same time each build it, which takes no longer than to wait for one of them.
        """
        table = np.full(1 << (2 * len(self.known)).bit_length(), -1, np.int32)
        places, slots = np.arange(len(self.known), dtype=np.int32), _slots(table, self.known)
        while len(places):
            free = table[slots] < 0
            table[slots[free]] = places[free]
            left = table[slots] != places
            places, slots = places[left], (slots[left] + 1) & (len(table) - 1)
        return table


def _slots(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return hash_bits(keys, len(table).bit_length() - 1).astype(np.int64)


class Counter:
    """A counter of int64 keys that come in parts.

    The keys are partitioned by their hash, and the partitions sorted one by one: the time grows linearly with their number.
    """

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
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    return ordered[begins], np.diff(begins, append=len(ordered))
