"""What is kept of a row's content: numbers that are equal for equal contents.

Of a row of a table one short string is made first, equal for equal rows on every machine, so that they can be kept together.

Writing every number out would take ten times as long as reading it, so the rows' bits are mixed instead. Rows that differ
get the same 64 bits once in about 10**19 pairs; they would only be kept together without need.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from trainwright.data.tables.split import uniform

_ODD, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def content_keys(contents: pl.Series) -> dict[str, pl.Series]:
    """For each string a ``digest`` and a ``position``, and how ``blank`` it is: 2 for nothing, 1 for white space only, else 0.

    Equal strings have both in common; of different ones two in a data set of a billion rows do with a chance of one in 10**10.
    The position is in [0, 1) and the same on every machine (see ``split``); the digest is of one version of polars only.
    """
    blank = (contents.str.len_bytes() == 0).cast(pl.UInt8) + (contents.str.strip_chars().str.len_bytes() == 0).cast(pl.UInt8)
    return {"digest": contents.hash(), "position": pl.Series(uniform(contents)), "blank": blank}


def row_keys(columns: Sequence[pl.Series]) -> pl.Series:
    """A string for each row of columns of Float64, Boolean, Datetime or String; empty where every value is missing."""
    keys = np.zeros(len(columns[0]), np.uint64)
    empty = np.ones(len(keys), bool)
    for column in (each.alias("values") for each in columns):  # a name might be a pattern to polars
        missing = column.is_null().to_numpy()
        empty &= missing
        with np.errstate(over="ignore"):
            keys = (keys ^ np.where(missing, _ODD, _bits(column))) * _ODD
            keys = (keys ^ (keys >> np.uint64(32))) * _MIX
        keys ^= keys >> np.uint64(29)
    texts = pl.Series("content", keys).cast(pl.String)
    return texts.set(pl.Series(empty), "") if empty.any() else texts


def _bits(column: pl.Series) -> np.ndarray:
    """64 bits for each value, anything where it is missing."""
    if column.dtype == pl.Float64:
        return (column.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)  # of -0.0 and 0.0 the same
    if column.dtype == pl.String:
        words = column.drop_nulls().unique()
        numbers = [int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little") for word in words]
        return column.replace_strict(words, pl.Series(numbers, dtype=pl.UInt64), default=0, return_dtype=pl.UInt64).to_numpy()
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)
