"""The chosen columns of rows as typed values: the same for training, measuring and predicting, of a file or in Python.

Promises: columns are found by name; a row with a cell that its column cannot hold is left out and named; one that lacks a
column is refused, never taken for one with a missing value, which is None or NaN.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.tables.dtypes import Feature, convert
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.data.tables.plain_numbers import convert_all
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.table import ROW, Rejected
from trainwright.errors import error, help_of, nearest

KNOWN = "a row is a dictionary, or a text such as 'age=63 sex=2'; a frame is one of polars, pandas or Arrow"


def cast_columns(
    frame: pl.DataFrame, chosen: TableSchema, file: str = "the data", need_label: bool = True
) -> tuple[pl.DataFrame, list[Rejected]]:
    """Return the rows that can be used, and the others with the reason. Raise E247 for a column that is not there.

    The result has ``ROW`` (counted from 1 where ``frame`` has none), the features in the order of ``chosen`` as Float64,
    Boolean, Datetime or String, and last the label, as Float64, String or List(String); without it where ``need_label``
    is False.
    """
    rows = frame[ROW] if ROW in frame.columns else pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
    columns = [rows.alias(ROW)]
    reasons: dict[int, str] = {}  # by place: the first thing that is wrong with a row

    def check(what: str, column: pl.Series, bad: pl.Series, feature: Feature) -> None:
        for place in bad.arg_true().to_list() if bad.any() else ():
            reasons.setdefault(place, f"{what}: '{column[place]}' is not {feature.sense}")

    given = [_column(frame, feature.name, file) for feature in chosen.features]
    for feature, column, (values, bad) in zip(chosen.features, given, convert_all(given, chosen.features), strict=True):
        check(f"column '{feature.name}'", column, bad, feature)
        columns.append(values.alias(feature.name))
    if need_label and chosen.labels is not None:
        for name in chosen.labels.columns:
            _column(frame, name, file)
        values = chosen.labels.read(frame)
        for place in values.is_null().arg_true().to_list():
            reasons.setdefault(place, "no labels that can be read")
        columns.append(values.alias(str(chosen.label)))
    elif need_label and chosen.label is not None and chosen.written is not None:
        column = _column(frame, chosen.label, file)
        values, bad = _target(column, chosen.written, chosen.target == "class")
        check("label", column, bad, chosen.written)
        for place in values.is_null().arg_true().to_list():
            reasons.setdefault(place, "no label")
        columns.append(values.alias(chosen.label))
    usable = np.ones(frame.height, bool)
    usable[list(reasons)] = False
    rejected = [Rejected(file, int(rows[place]), reason) for place, reason in sorted(reasons.items())]
    return pl.DataFrame(columns).filter(usable), rejected


def _column(frame: pl.DataFrame, name: str, file: str) -> pl.Series:
    column: pl.Series | None = frame.get_column(name, default=None)
    if column is None:
        known = [column for column in frame.columns if column != ROW]
        raise error("E247", column=name, file=file, columns=list(known), hint=nearest(name, known))
    return column.alias("values")  # its own name might be a pattern to polars


def _target(column: pl.Series, written: Feature, is_class: bool) -> tuple[pl.Series, pl.Series]:
    """Return numbers as Float64; classes as tidy labels."""
    values, bad = convert(column, written)
    if not is_class:
        return values, bad
    text = tidy(column)
    return (text if written.kind == "category" else text.set(values.is_null(), None)), bad


def to_frame(given: Any, features: Sequence[Feature]) -> pl.DataFrame:
    """Return a frame of the features from dictionaries and ``age=63 sex=2`` texts.

    Raise E247 for a column that is not there, E262 for a word that is no ``column=value``, E320 for anything else.
    """
    if not isinstance(given, Iterable):
        raise error("E320", name="rows", value=type(given).__name__, problem=KNOWN, help=help_of("predict"))
    names = [feature.name for feature in features]
    rows = [_row(row, names) for row in given]
    for place, row in enumerate(rows, start=1):
        if lacking := [name for name in names if name not in row]:
            known = [str(name) for name in row]
            facts = {"file": f"row {place}", "column": lacking[0], "columns": ", ".join(known)}
            raise error("E247", **facts, hint=nearest(lacking[0], known))
    return pl.DataFrame([_series(feature, [_plain(row[feature.name]) for row in rows]) for feature in features])


def _row(given: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str):
        raise error("E320", name="rows", value=given, problem=KNOWN, help=help_of("predict"))
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
    """Return a value as Python's own, a span of time as its seconds; None where it is missing."""
    value = value.item() if hasattr(value, "item") else value  # a scalar of numpy
    value = value.total_seconds() if isinstance(value, dt.timedelta) else value
    same = value == value  # NaN is not, and for the NA of pandas nobody knows
    return value if isinstance(same, bool) and same else None


def _series(feature: Feature, values: list[Any]) -> pl.Series:
    """Return values of one kind as they are, others as text."""
    kinds = {type(value) for value in values if value is not None}
    read: Callable[[Any], Any] = partial(_written, feature=feature)
    dtype: pl.DataType = pl.String()
    if feature.kind not in ("category", "text") and kinds:
        if kinds == {bool}:
            read, dtype = bool, pl.Boolean()
        elif kinds <= {int, float}:
            read, dtype = float, pl.Float64()
        elif all(issubclass(kind, dt.date) for kind in kinds):
            read, dtype = _moment, pl.Datetime("us")
    return pl.Series(feature.name, [None if value is None else read(value) for value in values], dtype)


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
