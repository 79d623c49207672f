"""Fingerprints of rows, by which a run knows again what it has seen: 48 bits of what a model sees of a row, 16 of its label.

Of n rows that differ from m others none is taken for one of them but with a chance of about n m / 2**48. They are the same on
every machine and with every version of the libraries.
"""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl

_LABEL = np.uint64(0xFFFF)


def packed(contents: np.ndarray, labels: pl.Series) -> np.ndarray:
    """Return the fingerprints of rows from 64 mixed bits of their content, uint64 (rows,), and their labels."""
    found: np.ndarray = contents & ~_LABEL | _of_labels(labels)
    return found


def without_label(fingerprints: np.ndarray) -> np.ndarray:
    """Return what fingerprints say of the content alone."""
    return fingerprints & ~_LABEL


def of_hex(digests: pl.Series) -> np.ndarray:
    """Return the first 64 bits of digests in hexadecimal: uint64 (rows,)."""
    halves = [digests.str.slice(at, 8).str.to_integer(base=16, dtype=pl.Int64).cast(pl.UInt64).to_numpy() for at in (0, 8)]
    return halves[0] << np.uint64(32) | halves[1]  # type: ignore[no-any-return]


def of_keys(keys: pl.Series) -> np.ndarray:
    """Return what ``split.row_keys`` wrote as numbers: uint64 (rows,)."""
    return keys.cast(pl.UInt64, strict=False).fill_null(0).to_numpy()


def _of_labels(labels: pl.Series) -> np.ndarray:
    """Return 16 bits for each label: a name, a number, or the names of a set in whatever order."""
    if labels.dtype == pl.List:
        labels = labels.list.sort().list.join("\0")
    words = labels.cast(pl.String)
    distinct = words.unique()
    numbers = pl.Series([zlib.crc32(word.encode()) & int(_LABEL) for word in distinct], dtype=pl.UInt64)
    return words.replace_strict(distinct, numbers, return_dtype=pl.UInt64).to_numpy()
