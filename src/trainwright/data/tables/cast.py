"""The chosen columns of a frame as typed values: the same for training, measuring and predicting.

Promises: columns are found by name; a row with a cell that its column cannot hold is left out and named.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from trainwright.data.tables.dtypes import SENSE, Feature, convert, stripped
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.data.tables.table import ROW, Rejected
from trainwright.errors import error, nearest


def cast_columns(
    frame: pl.DataFrame, chosen: TableSchema, file: str = "the data", need_label: bool = True
) -> tuple[pl.DataFrame, list[Rejected]]:
    """Return the rows that can be used, and the others with the reason. Raise E247 for a column that is not there.

    The result has ``ROW`` (counted from 1 where ``frame`` has none), the features in the order of ``chosen`` as Float64,
    Boolean, Datetime or String, and last the label, as Float64 or as String; without it where ``need_label`` is False.
    """
    rows = frame[ROW] if ROW in frame.columns else pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
    columns = [rows.alias(ROW)]
    reasons: dict[int, str] = {}  # by place: the first thing that is wrong with a row

    def check(what: str, column: pl.Series, bad: pl.Series, feature: Feature) -> None:
        wanted = SENSE[feature.kind] + (" with a decimal comma" if feature.format == "comma" else "")
        for place in bad.arg_true().to_list():
            reasons.setdefault(place, f"{what}: '{column[place]}' is not {wanted}")

    for feature in chosen.features:
        column = _column(frame, feature.name, file)
        values, bad = convert(column, feature)
        check(f"column '{feature.name}'", column, bad, feature)
        columns.append(values.alias(feature.name))
    if need_label and chosen.label is not None and chosen.written is not None:
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
    if name not in frame.columns:
        known = [column for column in frame.columns if column != ROW]
        raise error("E247", column=name, file=file, columns=", ".join(known), hint=nearest(name, known))
    return frame[name].alias("values")  # its own name might be a pattern to polars


def _target(column: pl.Series, written: Feature, is_class: bool) -> tuple[pl.Series, pl.Series]:
    """Return numbers as Float64; classes as String, spelled the same whether a file has 1 or 1.0, Yes or yes."""
    values, bad = convert(column, written)
    if not is_class or written.kind == "category":
        return values, bad
    text = stripped(column)
    text = text.str.to_lowercase() if written.kind == "boolean" else text.str.replace(r"^([+-]?\d+)\.0*$", "$1")
    return text.set(values.is_null(), None), bad
