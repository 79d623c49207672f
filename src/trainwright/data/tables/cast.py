"""The chosen columns of a frame as typed values: the same for training, measuring and predicting.

Promises: columns are found by name; a row with a cell that its column cannot hold is left out and named.
"""

from __future__ import annotations

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
    faults = _Faults(rows)
    for feature in chosen.features:
        column = _column(frame, feature.name, file)
        values, bad = convert(column, feature)
        faults.add(bad, column, f"column '{feature.name}'", _wanted(feature))
        columns.append(values.alias(feature.name))
    if need_label and chosen.label is not None and chosen.written is not None:
        column = _column(frame, chosen.label, file)
        values, bad = _target(column, chosen.written, chosen.target == "class")
        faults.add(bad, column, "label", _wanted(chosen.written))
        faults.add(values.is_null(), None, "no label", "")
        columns.append(values.alias(chosen.label))
    rejected = [Rejected(file, int(rows[place]), reason) for place, reason in sorted(faults.reasons.items())]
    return pl.DataFrame(columns).filter(~faults.bad), rejected


def _column(frame: pl.DataFrame, name: str, file: str) -> pl.Series:
    if name not in frame.columns:
        known = [column for column in frame.columns if column != ROW]
        raise error("E247", column=name, file=file, columns=", ".join(known), hint=nearest(name, known))
    return frame[name].alias("values")  # its own name might be a pattern to polars


def _wanted(feature: Feature) -> str:
    return SENSE[feature.kind] + (" with a decimal comma" if feature.format == "comma" else "")


def _target(column: pl.Series, written: Feature, is_class: bool) -> tuple[pl.Series, pl.Series]:
    """Return numbers as Float64; classes as String, spelled the same whether a file has 1 or 1.0, Yes or yes."""
    values, bad = convert(column, written)
    if not is_class or written.kind == "category":
        return values, bad
    text = stripped(column)
    text = text.str.to_lowercase() if written.kind == "boolean" else text.str.replace(r"^([+-]?\d+)\.0*$", "$1")
    return text.set(values.is_null(), None), bad


class _Faults:
    """The rows that cannot be used: the first thing that is wrong with each."""

    def __init__(self, rows: pl.Series) -> None:
        self.reasons, self.bad = dict[int, str](), rows.is_null() & False

    def add(self, bad: pl.Series, column: pl.Series | None, what: str, wanted: str) -> None:
        """Note the rows where ``bad`` is true, with the cell of ``column`` that is not what is wanted."""
        for place in (bad & ~self.bad).arg_true().to_list():
            self.reasons[place] = what if column is None else f"{what}: '{column[place]}' is not {wanted}"
        self.bad = self.bad | bad
