"""Character n-grams within words: each distinct word is split once, however often it occurs in the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.text.lookup import FACTOR
from trainwright.data.text.ragged import to_offsets

if TYPE_CHECKING:
    import polars as pl

BOUNDARY = "\n"  # before and after each word, so that a beginning and an ending are n-grams of their own


def character_ngrams(words: pl.Series | list[str], lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the n-grams of every word, those of one word side by side: keys, and offsets of shape (words + 1,), both int64.

    A key is a polynomial of the characters modulo 2**64 in an odd ``FACTOR``, so that no bit is lost: exact up to two
    characters, and beyond that two n-grams of a vocabulary of a million share a key with a chance of about one in ten million.
    A word shorter than an n-gram has none.
    """
    if isinstance(words, list):
        text = "".join(f"{BOUNDARY}{word}{BOUNDARY}" for word in words)
        sizes = np.array([len(word) + 2 for word in words], np.int64)
    else:
        text = (BOUNDARY + words + BOUNDARY).str.join().item() if len(words) else ""
        sizes = words.str.len_chars().to_numpy().astype(np.int64) + 2
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    remaining = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(codes))  # characters from here to the end of the word
    keys = np.empty((len(codes), len(lengths)), np.uint64)
    for column, length in enumerate(lengths):
        key = np.full(max(len(codes) - length + 1, 0), length, np.uint64)
        for place in range(length):
            key = key * FACTOR + codes[place : place + len(key)]
        keys[: len(key), column] = key
    found: np.ndarray = keys[remaining[:, None] >= np.array(lengths)].view(np.int64)
    return found, to_offsets(sum((np.maximum(sizes - length + 1, 0) for length in lengths), np.zeros_like(sizes)))
