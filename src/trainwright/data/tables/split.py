"""Train, valid, test: which row goes where, decided by what the row says and not by where it stands.

Equal texts never land in different splits. Rows added later do not move the rows that were there (``content``, ``group``),
but for two cases: beyond 100,000 rows the fractions shrink, which moves some into training, and a class that lacked a text in
some split, or a split that lacked a group, is given one. The run's seed does not enter, so that runs of different seeds have
the same test rows.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from trainwright.data.tables.column_names import SPLIT_WORDS
from trainwright.data.tables.dates import instants
from trainwright.data.tables.dtypes import UNCLEAR, ColumnType, Feature, How, convert, read
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.stratify import iterative
from trainwright.errors import error

TRAIN, VALID, TEST = 0, 1, 2
NAMES = ("train", "valid", "test")
GOLDEN, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class Fractions:
    """Parts of the rows for validation and test; 0 where that split is given or not wanted."""

    valid: float
    test: float


def uniform(values: pl.Series) -> np.ndarray:
    """Return a number in [0, 1) for each string, the same on every machine.

    It is the CRC-32 of the UTF-8 bytes, its bits mixed by the finaliser of splitmix64 (Steele et al. 2014, OOPSLA).
    """
    crc32 = zlib.crc32
    return mixed(np.fromiter((crc32(value.encode()) for value in values.fill_null("").to_list()), np.uint64, len(values)))


def mixed(raw: np.ndarray) -> np.ndarray:
    """Return a number in [0, 1) for each of uint64, as if they had nothing to do with each other."""
    with np.errstate(over="ignore"):
        bits = (raw + np.uint64(1)) * GOLDEN
        bits = (bits ^ (bits >> np.uint64(30))) * MIX
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53


def content_keys(contents: pl.Series) -> dict[str, pl.Series]:
    """Return the ``digest`` and the ``position`` of each string, and how ``blank`` it is: 2 for "", 1 for white space, else 0.

    The position is in [0, 1) and the same on every machine (see ``split``); the digest is of one version of polars only.
    """
    blank = (contents.str.len_bytes() == 0).cast(pl.UInt8) + (contents.str.strip_chars().str.len_bytes() == 0).cast(pl.UInt8)
    return {"digest": contents.hash(), "position": pl.Series(uniform(contents)), "blank": blank}


def row_keys(columns: Sequence[pl.Series]) -> pl.Series:
    """Return a string for each row of columns of Float64, Boolean, Datetime or String; empty where every value is missing.

    Writing every number out would take ten times as long as reading it, so a row's bits are mixed. Rows that differ get the
    same 64 bits once in about 10**19 pairs; they would only be kept together without need.
    """
    keys = np.zeros(len(columns[0]), np.uint64)
    empty = np.ones(len(keys), bool)
    for column in (each.alias("values") for each in columns):  # a name might be a pattern to polars
        missing = column.is_null().to_numpy()
        empty &= missing
        with np.errstate(over="ignore"):
            keys = (keys ^ np.where(missing, GOLDEN, _bits(column))) * GOLDEN
            keys = (keys ^ (keys >> np.uint64(32))) * MIX
        keys ^= keys >> np.uint64(29)
    texts = pl.Series("content", keys).cast(pl.String)
    return texts.set(pl.Series(empty), "") if empty.any() else texts


def _bits(column: pl.Series) -> np.ndarray:
    """Return 64 bits for each value, any where it is missing."""
    if column.dtype == pl.Float64:
        return (column.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)  # of -0.0 and 0.0 the same
    if column.dtype == pl.String:
        words = column.drop_nulls().unique()
        numbers = [int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little") for word in words]
        return column.replace_strict(words, pl.Series(numbers, dtype=pl.UInt64), default=0, return_dtype=pl.UInt64).to_numpy()
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)


def split(how: str, position: np.ndarray, labels: pl.Series, fractions: Fractions, key: pl.Series | None = None) -> np.ndarray:
    """Return the split of each row: uint8 of ``TRAIN``, ``VALID`` and ``TEST``, shape (rows,).

    ``how`` is content, stratified, group:COLUMN or time:COLUMN; ``key`` is that column, of times as ``time_key`` returns it;
    ``position``: ``uniform`` of the rows. A row without a group is one of its own, one without a time is trained on.
    """
    kind = how.partition(":")[0]
    if kind == "time" and key is not None:
        return _by_time(key, fractions)
    if kind == "group" and key is not None:
        groups = tidy(key)
        position = np.where(groups.is_null().to_numpy(), position, uniform(groups))
    if kind == "stratified":
        return _stratified(position, labels, fractions)
    if kind == "group":  # of all classes together: a group moved for one class might be the last of another
        labels = pl.repeat("", len(position), dtype=pl.String, eager=True)
    return _every_class(_cut(position, fractions), position, labels, fractions)


def _cut(position: np.ndarray, fractions: Fractions) -> np.ndarray:
    """Return the splits of positions: those below ``test`` are tested on, those from the other end on are for validation.

    So a fraction that shrinks, as it does for many rows, only moves rows into training, never from test to validation.
    """
    parts = np.full(len(position), TRAIN, np.uint8)
    parts[position >= 1 - fractions.valid] = VALID
    parts[position < fractions.test] = TEST
    return parts


def _stratified(position: np.ndarray, labels: pl.Series, fractions: Fractions) -> np.ndarray:
    """Split the rows of each class, in order of their position, at the fractions of their count; sets of labels by each."""
    if labels.dtype == pl.List:
        parts = iterative(position, labels, (1 - fractions.valid - fractions.test, fractions.valid, fractions.test))
        return _every_class(parts, position, labels, fractions)
    frame = pl.DataFrame({"position": position, "label": labels, "row": np.arange(len(position))})
    # Equal texts under different labels go with the label seen first, so that they stay together.
    distinct = frame.group_by("position", maintain_order=True).agg(pl.first("label"), pl.len())
    ranked = distinct.sort("position").with_columns(
        share=(pl.col("len").cum_sum().over("label") - pl.col("len") / 2) / pl.col("len").sum().over("label")
    )
    joined = frame.join(ranked.select("position", "share"), on="position", how="left", maintain_order="left")
    return _every_class(_cut(joined["share"].to_numpy(), fractions), position, labels, fractions)


def _by_time(column: pl.Series, fractions: Fractions) -> np.ndarray:
    """Split by age: the newest rows are tested on, those before them for validation; rows of one moment stay together."""
    age = column.rank("min", descending=True).cast(pl.Float64).fill_null(float(len(column) + 1)).to_numpy()
    share = (age - 1) / max(len(column), 1)
    parts = np.full(len(column), TRAIN, np.uint8)
    parts[share < fractions.test + fractions.valid] = VALID
    parts[share < fractions.test] = TEST
    return parts


def time_key(column: pl.Series, name: str, dates: str = "") -> pl.Series:
    """Return when each row was, as numbers that can be compared: of dates the instants; null where nothing can be read.

    ``dates`` is the order of their parts, where it is given. Raise E220 for a column that holds neither numbers nor times, and
    E223 where nothing tells whether day or month comes first.
    """
    found = read(column, How(dates=dates))
    if found.kind == "category":  # numbers with zeros before them sort as well
        found = read(column, How("number"))
        found = found if not found.bad else ColumnType("category", example=found.example)
    if found.kind not in ("number", "date"):
        raise error("E220", column=name, value=found.example or str(column.drop_nulls().first()))
    if found.format.startswith(UNCLEAR):
        raise error("E223", column=name, value=str(column.drop_nulls().first()))
    if found.kind == "number" and column.dtype.is_integer():
        return column  # of which Float64 could not tell all apart
    if found.kind == "number":
        return convert(column, Feature(name, "number", found.format.replace("either", "point")))[0]
    text = column.dtype == pl.String
    return instants(column.str.strip_chars() if text else column, found.format.removesuffix(" time"))


def stated(column: pl.Series) -> pl.Series:
    """Return the number of the split that each value says, UInt8; null for another word, or none."""
    words = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    meant = dict(SPLIT_WORDS)
    if words.is_in(["test", "testing", "holdout"]).any():
        meant |= {"eval": VALID, "evaluation": VALID}
    return words.replace_strict(meant, default=None, return_dtype=pl.UInt8)


def _every_class(parts: np.ndarray, position: np.ndarray, labels: pl.Series, fractions: Fractions) -> np.ndarray:
    """Give each class that has enough distinct texts one text in every split, taken from where it has the most."""
    wanted = [TRAIN] + [part for part, share in ((VALID, fractions.valid), (TEST, fractions.test)) if share]
    rows = np.arange(len(labels))
    if labels.dtype == pl.List:  # a row counts for each of its labels
        pairs = pl.DataFrame({"row": rows, "label": labels}).explode("label").drop_nulls()
        rows, labels = pairs["row"].to_numpy(), pairs["label"]
    codes = labels.rank("dense").to_numpy()
    present = np.zeros((int(codes.max()) + 1 if len(codes) else 0, 3), bool)
    present[codes, parts[rows]] = True
    for code in np.unique(codes[~present[codes][:, wanted].all(axis=1)]):
        of_code = rows[codes == code]
        places, first = np.unique(position[of_code], return_index=True)  # one place for each distinct text
        own = parts[of_code][first]
        for part in wanted:
            counts = np.bincount(own, minlength=3)
            donor = int(counts.argmax())
            if counts[part] == 0 and counts[donor] > 1:
                taken = int(np.flatnonzero(own == donor)[0])
                own[taken] = part
                parts[position == places[taken]] = part
    return parts
