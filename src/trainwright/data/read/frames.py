"""Data that a person has in Python, as tables: frames of polars, pandas and Arrow, data sets of the datasets library, columns
in a dictionary, rows as dictionaries; and dictionaries of these by split.

No other library is imported: what an object is, its own methods tell.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from trainwright.data.files.folders import PARTS
from trainwright.data.read.columns import class_names, inner_feature, numbered, stored_columns
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import error
from trainwright.watch.events import Note

NAME = "data"  # what data without a file are called


def by_split(given: Any) -> dict[str, Any]:
    """Return data by split; of those that name none, all as train. Splits of other names are passed over."""
    if not isinstance(given, Mapping) or not given or not all(map(_is_table, given.values())):
        return {"train": given}
    found: dict[str, Any] = {}
    for name, each in given.items():
        if part := PARTS.get(str(name).lower()):
            found.setdefault(part, each)
    return {part: found[part] for part in NAMES if part in found}


def table_of(given: Any, file: str = NAME, empty: bool = False) -> Table:
    """Return data as a table, whose rows count from 1. Raise E276 for what is none, E110, E116 and E170, and E109 for one
    without rows, but where it may be ``empty``."""
    frame, names = _frame(given)
    refuse_names(frame.columns, Path(file))
    if not frame.height and not empty:
        raise error("E109", path=file)
    found = stored_columns(frame, names)
    return Table(numbered(found.read(frame), ROW), file, notes=found.notes)


def labelled(given: Any) -> Table:
    """Return data to be measured on as a table: of several splits the test rows. Raise as ``table_of``."""
    parts = by_split(given)
    return table_of(next(parts[part] for part in ("test", "valid", "train") if part in parts))


def digest(table: Table) -> str:
    """Return a digest of all values of a table."""
    found = hashlib.blake2b(digest_size=16)
    for column in table.frame:
        content = io.BytesIO()
        pl.DataFrame([column.rechunk()]).write_ipc(content, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
        found.update(content.getbuffer())
    return found.hexdigest()


def describe(tables: Mapping[str, Table]) -> Note:
    """Return what is in memory, as a note."""
    rows = ", ".join(f"{part} {table.frame.height:,} rows" for part, table in tables.items())
    return Note("source", rows, "data in memory: to resume or to replay the run, they have to be given again")


def _is_table(given: Any) -> bool:
    """Tell whether a value of a dictionary is a table, and not a column."""
    if isinstance(given, Mapping):
        return True
    if isinstance(given, list | tuple):
        return bool(given) and isinstance(given[0], Mapping)
    return hasattr(given, "columns") or hasattr(given, "column_names")


def _frame(given: Any) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """Return data as a frame, and what is known of the names of classes."""
    if isinstance(given, pl.LazyFrame):
        return given.collect(), {}
    if isinstance(given, pl.DataFrame):
        return given, {}
    if hasattr(given, "with_format") and hasattr(given, "features"):  # a data set of the datasets library
        return _frame(given.with_format("arrow")[:])[0], _classes(given.features)
    if hasattr(given, "iloc") and hasattr(given, "columns"):  # a frame of pandas
        return pl.DataFrame([_of_pandas(str(name), given.iloc[:, place]) for place, name in enumerate(given.columns)]), {}
    if hasattr(given, "__arrow_c_stream__"):
        return pl.DataFrame(given), _described(given)
    if isinstance(given, Mapping):
        return _of_columns({str(name): values for name, values in given.items()}), {}
    if isinstance(given, Sequence) and not isinstance(given, bytes) and all(isinstance(each, Mapping) for each in given):
        names = dict.fromkeys(name for row in given for name in row)
        return _of_columns({str(name): [row.get(name) for row in given] for name in names}), {}
    raise error("E276", why=f"it is a {type(given).__name__}")


def _of_columns(given: Mapping[str, Any]) -> pl.DataFrame:
    """Return a dictionary of columns as a frame. Raise E276 where they are no columns, or not equally long."""
    columns = []
    for name, values in given.items():
        if isinstance(values, str | bytes) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
            raise error("E276", why=f"of the dictionary, {name!r} holds no column: it is a {type(values).__name__}")
        columns.append(series(name, values))
    lengths = {column.name: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        raise error("E276", why=", ".join(f"column {name!r} has {length:,} values" for name, length in lengths.items()))
    return pl.DataFrame(columns)


def series(name: str, values: Any) -> pl.Series:
    """Return the values of a column; NaN is missing, and values of differing types are text."""
    if hasattr(values, "isna"):
        return _of_pandas(name, values)
    if isinstance(values, pl.Series) or hasattr(values, "__array__"):
        found = pl.Series(name, values)
        return found.fill_nan(None) if found.dtype.is_float() else found
    plain = [_plain(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds == {int, float}:
        return pl.Series(name, plain, dtype=pl.Float64)
    if kinds == {dt.date, dt.datetime}:
        times = [dt.datetime.combine(value, dt.time()) if type(value) is dt.date else value for value in plain]
        return pl.Series(name, times, dtype=pl.Datetime("us"))
    with suppress(TypeError, OverflowError, pl.exceptions.PolarsError):
        if len(kinds) < 2 and (found := pl.Series(name, plain)).dtype != pl.Int128:
            return found
    return pl.Series(name, [None if value is None else str(value) for value in plain], dtype=pl.String)


def _of_pandas(name: str, column: Any) -> pl.Series:
    """Return a column of pandas: numbers and times as they are, others value by value; what ``isna`` says is missing."""
    if type(column.dtype).__module__.startswith("numpy") and column.dtype.kind in "biufmM":
        return series(name, column.to_numpy())
    missing = column.isna().tolist()
    return series(name, [None if lacks else value for value, lacks in zip(column.tolist(), missing, strict=True)])


def _plain(value: Any) -> Any:
    """Return a value as Python's own; None where it is missing."""
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    same = value == value  # NaN is not, and for the NA of pandas nobody knows
    return None if (isinstance(same, bool) and not same) or type(same).__name__ == "NAType" else value


def _classes(features: Any) -> dict[str, list[str]]:
    """Return the names of the classes of a data set, also of those that stand in lists."""
    inner = {name: inner_feature(each) for name, each in features.items()}
    return {name: list(map(str, each.names)) for name, each in inner.items() if isinstance(getattr(each, "names", None), list)}


def _described(given: Any) -> dict[str, list[str]]:
    """Return the names of the classes that the schema of an Arrow table tells."""
    metadata = getattr(getattr(given, "schema", None), "metadata", None)
    return class_names(metadata.get(b"huggingface")) if isinstance(metadata, Mapping) else {}
