"""Rows that a person gives in Python or on the command line, as a frame that ``cast_columns`` reads like that of a file.

Promises: a row that lacks a column is refused, never taken for one with a missing value, which is None or NaN.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from trainwright.data.tables.dtypes import Feature
from trainwright.errors import error, nearest

KNOWN = "a row is a dictionary, or a text such as 'age=63 sex=2'; a frame is one of polars or pandas"


def to_frame(given: Any, features: Sequence[Feature]) -> pl.DataFrame:
    """Return a frame of the features from one of polars or pandas, or from dictionaries and ``age=63 sex=2`` texts.

    Raise E247 for a column that is not there, E262 for a word that is no ``column=value``, E320 for anything else.
    """
    if isinstance(given, pl.DataFrame):
        return given
    if not isinstance(given, pl.LazyFrame) and hasattr(given, "columns") and hasattr(given, "to_dict"):
        # a frame of pandas, which need not be installed
        given = [{str(name): value for name, value in row.items()} for row in given.to_dict("records")]
    if not isinstance(given, Iterable) or isinstance(given, pl.LazyFrame):
        raise error("E320", name="rows", value=type(given).__name__, problem=KNOWN)
    names = [feature.name for feature in features]
    rows = [_row(row, names) for row in given]
    for place, row in enumerate(rows, start=1):
        if lacking := [name for name in names if name not in row]:
            known = [str(name) for name in row]
            facts = {"file": f"row {place}", "column": lacking[0], "columns": ", ".join(known)}
            raise error("E247", **facts, hint=nearest(lacking[0], known))
    return pl.DataFrame([_column(feature, [_plain(row[feature.name]) for row in rows]) for feature in features])


def _row(given: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str):
        raise error("E320", name="rows", value=given, problem=KNOWN)
    try:
        words = shlex.split(given)
    except ValueError:  # a quote that is not closed
        words = given.split()
    row = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise error("E262", word=word, hint=nearest(word, names))
        row[name] = value
    return row


def _plain(value: Any) -> Any:
    """Return a value as Python's own; None where it is missing."""
    value = value.item() if hasattr(value, "item") else value  # a scalar of numpy
    same = value == value  # NaN is not, and for the NA of pandas nobody knows
    return value if isinstance(same, bool) and same else None


def _column(feature: Feature, values: list[Any]) -> pl.Series:
    """Return values of one kind as they are, others as text."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if feature.kind != "category":
        if kinds == {bool}:
            return pl.Series(feature.name, values, dtype=pl.Boolean)
        if kinds <= {int, float} and kinds:
            return pl.Series(feature.name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
        if kinds and all(issubclass(kind, dt.date) for kind in kinds):
            return pl.Series(feature.name, [None if value is None else _moment(value) for value in values])
    texts = [None if value is None else _written(value, feature) for value in values]
    return pl.Series(feature.name, texts, dtype=pl.String)


def _moment(value: dt.date) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)  # the hour on the wall, as in training
    return dt.datetime.combine(value, dt.time())


def _written(value: Any, feature: Feature) -> str:
    """Return a value as the column's text would have it."""
    text = str(value)
    if isinstance(value, float) and feature.format == "comma":
        return text.replace(".", ",")
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # bytes that are no UTF-8
