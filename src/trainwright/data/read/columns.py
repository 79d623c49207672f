"""The columns of tables that come with types: which are kept, and as what. They are those of Parquet, Arrow and data frames.

Text, numbers, dates, truth values, and lists of words or of numbers that may be classes, stay what they are. A cell may hold
the file of an image, by itself or as the ``datasets`` library writes it ({"bytes": ..., "path": ...}): the column then is
Binary. What that library says of the names of classes is told by ``class_names``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import polars as pl

from trainwright.data.images.headers import Unusable, image_format
from trainwright.watch.events import Note

LOOKED_AT = 20  # rows in which it is looked for what cells hold
MOST_CLASSES = 64  # of a row on average; longer lists of numbers are tokens, pixels or vectors
DESCRIPTION = "huggingface"  # the key under which a schema has the description of the datasets library
ClassNames = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class StoredColumns:
    """How each column that is kept is read, and what a person should know."""

    readers: dict[str, Callable[[pl.Series], pl.Series]]
    notes: list[Note]

    def read(self, frame: pl.DataFrame) -> list[pl.Series]:
        """Return the columns that are kept."""
        return [reader(frame[name]).alias(name) for name, reader in self.readers.items()]  # a name might be a pattern


def stored_columns(sample: pl.DataFrame, names: ClassNames | None = None) -> StoredColumns:
    """Tell from the first rows how the columns are read; ``names`` are those of the classes that are written as numbers."""
    readers: dict[str, Callable[[pl.Series], pl.Series]] = {}
    notes: list[Note] = []
    for column in sample:
        name, kind = column.name, column.dtype
        if names and name in names and (kind.is_integer() or _holds_integers(kind)):
            readers[name] = _named(names[name]) if kind.is_integer() else _lists_named(names[name])
            notes.append(Note("classes of", name, f"named by the data set: {_few(names[name])}"))
        elif reader := _reader(column):
            readers[name] = reader
        else:
            notes.append(Note("column left out", name, f"{kind} is neither text nor number"))
    return StoredColumns(readers, notes)


def class_names(description: Any) -> dict[str, list[str]]:
    """Return the names of the classes of each column, from a description as the datasets library writes it."""
    found: dict[str, list[str]] = {}
    with suppress(ValueError, AttributeError, TypeError):
        features = json.loads(description) if isinstance(description, str | bytes) else description
        features = features.get("info", features).get("features", {})
        for name, feature in features.items():
            feature = inner_feature(feature)
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
                found[name] = [str(each) for each in feature["names"]]
    return found


def inner_feature(feature: Any) -> Any:
    """Return what the lists of a feature hold, of one that is no list itself; described, or as the datasets library has it."""
    if isinstance(feature, list):
        return feature[0] if len(feature) == 1 else feature
    return feature.get("feature", feature) if isinstance(feature, dict) else getattr(feature, "feature", feature)


def _reader(column: pl.Series) -> Callable[[pl.Series], pl.Series] | None:
    kind = column.dtype
    if isinstance(kind, pl.Categorical | pl.Enum):
        return _spelled
    if isinstance(kind, pl.List) and isinstance(kind.inner, pl.String | pl.Categorical | pl.Enum):
        return _words
    if _holds_integers(kind):
        lists = column.head(LOOKED_AT).drop_nulls()
        return _same if lists.list.len().sum() <= MOST_CLASSES * len(lists) else None
    if isinstance(kind, pl.Struct):
        fields = {field.name: field.dtype for field in kind.fields}
        if fields.keys() != {"bytes", "path"}:
            return None
        if _hold_images(column.struct.field("bytes")):
            return _bytes
        return _path if column.struct.field("bytes").null_count() == len(column) else None
    if kind == pl.Binary:
        return _same if _hold_images(column) else None
    return None if kind.is_nested() or kind in (pl.Object, pl.Null) else _same


def _hold_images(column: pl.Series) -> bool:
    """Return whether the first cells are the files of images."""
    cells = column.head(LOOKED_AT).drop_nulls().to_list()
    return column.dtype == pl.Binary and bool(cells) and all(map(_is_image, cells))


def _is_image(cell: bytes) -> bool:
    with suppress(Unusable):
        image_format(io.BytesIO(cell))
        return True
    return False


def _named(names: Sequence[str]) -> Callable[[pl.Series], pl.Series]:
    """Return what makes names of numbers; one below 0 says that there is no label."""
    numbers = dict(enumerate(names))
    return lambda column: column.replace_strict(numbers, default=None, return_dtype=pl.String)


def _lists_named(names: Sequence[str]) -> Callable[[pl.Series], pl.Series]:
    """Return what makes lists of names of lists of numbers."""
    numbers = dict(enumerate(names))
    named = pl.element().replace_strict(numbers, default=None, return_dtype=pl.String).drop_nulls()
    return lambda column: column.alias("column").to_frame().select(pl.col("column").list.eval(named)).to_series()


def _holds_integers(kind: pl.DataType) -> bool:
    """Return whether cells are lists of whole numbers."""
    return isinstance(kind, pl.List) and kind.inner.is_integer()


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _same(column: pl.Series) -> pl.Series:
    return column


def _spelled(column: pl.Series) -> pl.Series:
    return column.cast(pl.String)


def _words(column: pl.Series) -> pl.Series:
    return column.cast(pl.List(pl.String))


def _bytes(column: pl.Series) -> pl.Series:
    return column.struct.field("bytes")


def _path(column: pl.Series) -> pl.Series:
    return column.struct.field("path")


def numbered(columns: list[pl.Series], row: str, before: int = 0) -> pl.DataFrame:
    """Return columns with the numbers of their rows, which count from 1 behind ``before``."""
    height = len(columns[0]) if columns else 0
    return pl.DataFrame([*columns, pl.int_range(before + 1, before + height + 1, dtype=pl.Int64, eager=True).alias(row)])
