"""Columns of numbers without doubt or exception, told and turned into numbers for a whole table at once.

Promises: what is told is what ``dtypes.read`` tells of such a column, and the values are those of ``dtypes.convert``; of every
other column nothing is told. It is for wide tables: of one column after another each look takes a fraction of a millisecond,
and a table of genes has 20,000 columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trainwright.data.tables.dtypes import HEAD_ROWS, ColumnType, Feature, convert
from trainwright.data.tables.numbers import COMMA, LARGEST, LONGER

_PLAIN = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"  # no code, unit or blank, and never too large


def told(columns: Sequence[pl.Series]) -> list[ColumnType | None]:
    """Return of each column of text that it holds plain numbers, with the decimal mark; None where there is more to be told."""
    places = [place for place, column in enumerate(columns) if column.dtype == pl.String]
    found: list[ColumnType | None] = [None] * len(columns)
    if not places:
        return found
    every, head = pl.all(), pl.all().drop_nulls().head(HEAD_ROWS)
    looks = (
        every.str.contains(_PLAIN).all() & every.is_not_null().any(),
        every.str.contains(".", literal=True).any(),
        (~every.str.contains(COMMA)).any(),
        head.str.contains(LONGER).any() & (head.str.replace(r"^[^.]*", "").str.len_chars().n_unique() > 1),
    )
    frame = side_by_side([columns[place] for place in places])
    for place, plain, fraction, pointed, twice in zip(places, *(frame.select(look).row(0) for look in looks), strict=True):
        if plain and not twice and (pointed or not fraction):
            found[place] = ColumnType("number", "point" if pointed else "either")
    return found


def convert_all(columns: Sequence[pl.Series], features: Sequence[Feature]) -> list[tuple[pl.Series, pl.Series]]:
    """Return what ``convert`` does of each column and its feature."""
    places = [place for place, pair in enumerate(zip(columns, features, strict=True)) if _castable(*pair)]
    frame = side_by_side([columns[place] for place in places])
    cast = frame.select(pl.all().cast(pl.Float64, strict=False))
    good = cast.select((pl.all().abs() <= LARGEST).all()).row(0) if places else ()
    none_bad = pl.repeat(False, len(columns[0]) if columns else 0, dtype=pl.Boolean, eager=True)
    done = {
        place: (values.alias(columns[place].name), none_bad)
        for place, before, values, finite in zip(places, frame, cast, good, strict=True)
        if finite and before.null_count() == values.null_count()
    }
    return [done.get(place) or convert(*pair) for place, pair in enumerate(zip(columns, features, strict=True))]


def _castable(column: pl.Series, feature: Feature) -> bool:
    """Return whether numbers may be had by a cast alone."""
    kind = column.dtype
    return feature.kind == "number" and (kind.is_numeric() or (kind == pl.String and feature.format.split()[:1] == ["point"]))


def side_by_side(columns: Sequence[pl.Series]) -> pl.DataFrame:
    """Return columns as a frame, under numbers for names, which are no patterns and are never the same."""
    return pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
