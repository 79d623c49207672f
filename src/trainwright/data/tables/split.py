"""Train, valid, test: which row goes where, decided by what the row says and not by where it stands.

Equal texts never land in different splits. Rows added later do not move the rows that were there (``content``, ``group``),
but for two cases: beyond 100,000 rows the fractions shrink, which moves some into training, and a class that lacked a text in
some split is given one. The run's seed does not enter, so that runs with different seeds are measured on the same test rows.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from trainwright.errors import error

TRAIN, VALID, TEST = 0, 1, 2
ISO_DATE = r"^\d{4}-\d{2}(-\d{2}([ T]\d{2}:\d{2}.*)?)?$"  # sorts by time when it is sorted as text
NAMES = ("train", "valid", "test")
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Fractions:
    """Parts of the rows for validation and test; 0 where that split is given or not wanted."""

    valid: float
    test: float


def uniform(values: pl.Series) -> np.ndarray:
    """A number in [0, 1) for each string, the same for equal strings on every machine.

    CRC-32 of the UTF-8 bytes, its bits mixed by the finaliser of splitmix64 (Steele et al. 2014, OOPSLA).
    """
    crc32 = zlib.crc32
    raw = np.fromiter((crc32(value.encode()) for value in values.fill_null("").to_list()), np.uint64, len(values))
    with np.errstate(over="ignore"):
        mixed = (raw + np.uint64(1)) * GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53


def split(how: str, position: np.ndarray, labels: pl.Series, fractions: Fractions, key: pl.Series | None = None) -> np.ndarray:
    """The split of each row: uint8 of ``TRAIN``, ``VALID`` and ``TEST``, shape (rows,).

    ``how`` is content, stratified, group:COLUMN or time:COLUMN; ``key`` is that column; ``position`` is ``uniform`` of the
    rows' contents.
    """
    kind = how.partition(":")[0]
    if kind == "time" and key is not None:
        return _by_time(key, fractions)
    if kind == "group" and key is not None:
        position = uniform(key.cast(pl.String))
    if kind == "stratified":
        return _stratified(position, labels, fractions)
    parts = _cut(position, fractions)
    return parts if kind == "group" else _every_class(parts, position, labels, fractions)


def _cut(position: np.ndarray, fractions: Fractions) -> np.ndarray:
    """Below ``test``: the test split; from the other end ``valid`` wide: validation; the rest trains.

    So a fraction that shrinks, as it does for many rows, only moves rows into training, never from test to validation.
    """
    parts = np.full(len(position), TRAIN, np.uint8)
    parts[position >= 1 - fractions.valid] = VALID
    parts[position < fractions.test] = TEST
    return parts


def _stratified(position: np.ndarray, labels: pl.Series, fractions: Fractions) -> np.ndarray:
    """The same shares of every class: rows of a class, in order of position, are cut at the fractions of their count."""
    frame = pl.DataFrame({"position": position, "label": labels, "row": np.arange(len(position))})
    # Equal texts under different labels go with the label seen first, so that they stay together.
    distinct = frame.group_by("position", maintain_order=True).agg(pl.first("label"), pl.len())
    ranked = distinct.sort("position").with_columns(
        share=(pl.col("len").cum_sum().over("label") - pl.col("len") / 2) / pl.col("len").sum().over("label")
    )
    joined = frame.join(ranked.select("position", "share"), on="position", how="left", maintain_order="left")
    return _every_class(_cut(joined["share"].to_numpy(), fractions), position, labels, fractions)


def _by_time(column: pl.Series, fractions: Fractions) -> np.ndarray:
    """The newest rows are the test split, those before them validation; rows of one moment stay together."""
    moments = column
    if column.dtype == pl.String:
        numbers = column.cast(pl.Float64, strict=False)
        moments = numbers if numbers.null_count() == column.null_count() else column
        dated = column.drop_nulls().str.contains(ISO_DATE)
        if moments is column and not dated.all():
            raise error("E220", column=column.name, value=column.drop_nulls().filter(~dated)[0])
    age = moments.rank("min", descending=True).cast(pl.Float64).fill_null(float(len(moments) + 1)).to_numpy()
    share = (age - 1) / max(len(moments), 1)
    parts = np.full(len(moments), TRAIN, np.uint8)
    parts[share < fractions.test + fractions.valid] = VALID
    parts[share < fractions.test] = TEST
    return parts


def _every_class(parts: np.ndarray, position: np.ndarray, labels: pl.Series, fractions: Fractions) -> np.ndarray:
    """Give each class that has enough distinct texts one text in every split, taken from where it has the most."""
    wanted = [TRAIN] + [part for part, share in ((VALID, fractions.valid), (TEST, fractions.test)) if share]
    codes = labels.rank("dense").to_numpy()
    present = np.zeros((int(codes.max()) + 1 if len(codes) else 0, 3), bool)
    present[codes, parts] = True
    for code in np.unique(codes[~present[codes][:, wanted].all(axis=1)]):
        places, first = np.unique(position[codes == code], return_index=True)  # one place for each distinct text
        own = parts[codes == code][first]
        for part in wanted:
            counts = np.bincount(own, minlength=3)
            donor = int(counts.argmax())
            if counts[part] == 0 and counts[donor] > 1:
                taken = int(np.flatnonzero(own == donor)[0])
                own[taken] = part
                parts[position == places[taken]] = part
    return parts
