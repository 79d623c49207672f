"""Parquet: the columns that are text, numbers or lists of words, a large file by row groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.read.formats import OpenedParts, Part, Sniffed
from trainwright.data.tables.table import ROW
from trainwright.errors import error
from trainwright.watch.events import Note

PACKED = 4  # bytes that one of a Parquet file may stand for


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    with _parquet_errors(content.path):
        scan = pl.scan_parquet(content.data or content.path, glob=False, hive_partitioning=False)
        schema = scan.collect_schema()
    refuse_names(list(schema), content.path)
    odd = (pl.Binary, pl.Object, pl.Null)
    nested = [name for name, kind in schema.items() if kind in odd or (kind.is_nested() and not _is_words(kind))]
    sniffed.notes.extend(Note("column left out", name, f"{schema[name]} is neither text nor number") for name in nested)
    kept = [name for name in schema if name not in nested]

    def parts() -> Iterator[Part]:
        before = 0
        for frame in _row_groups(content, scan):
            columns = [frame[name] for name in kept]  # by hand, as a name might be a pattern
            spelled = [_spelled(each) for each in columns]
            numbers = pl.int_range(before + 1, before + frame.height + 1, dtype=pl.Int64, eager=True)
            yield pl.DataFrame([*spelled, numbers.alias(ROW)]), []
            before += frame.height

    return parts


def _spelled(column: pl.Series) -> pl.Series:
    """Return words that are kept as numbers as words."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    return column.cast(pl.String) if isinstance(column.dtype, (pl.Categorical, pl.Enum)) else column


def _is_words(kind: pl.DataType) -> bool:
    """Return whether values are lists of words, such as the labels of a row."""
    return isinstance(kind, pl.List) and isinstance(kind.inner, pl.String | pl.Categorical | pl.Enum)


def _row_groups(content: files.FileContent, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield a file whole, or a large one so many rows at a time that they are about ``HEAD_BYTES``."""
    if content.size <= files.HEAD_BYTES // PACKED or content.data:
        with _parquet_errors(content.path):
            yield scan.collect()
        return
    with _parquet_errors(content.path):
        sample = scan.head(1000).collect()
        rows = max(files.PART_BYTES * len(sample) // max(int(sample.estimated_size()), 1), 1)
        shares = max(files.HEAD_BYTES // files.PART_BYTES, 1)
        batches = scan.collect_batches(chunk_size=rows * shares, maintain_order=True)
    while True:
        with _parquet_errors(content.path):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    """Raise E115 for what polars cannot read. Standard error goes nowhere: before polars raises a panic, it writes pages there,
    for its own developers."""
    standard = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise error("E115", path=path) from problem
    finally:
        os.dup2(standard, 2)
        os.close(standard)
