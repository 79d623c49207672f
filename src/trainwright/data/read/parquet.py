"""Parquet: the columns that are text or numbers, a large file by row groups."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.columns import DESCRIPTION, LOOKED_AT, class_names, numbered, stored_columns
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.read.formats import OpenedParts, Part, Sniffed
from trainwright.data.tables.table import ROW
from trainwright.errors import error

PACKED = 4  # bytes that one of a Parquet file may stand for


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    with polars_errors(content.path):
        scan = pl.scan_parquet(content.data or content.path, glob=False, hive_partitioning=False)
        schema = scan.collect_schema()
    refuse_names(list(schema), content.path)
    with polars_errors(content.path):
        metadata = pl.read_parquet_metadata(io.BytesIO(content.data) if content.data else content.path)
        columns = stored_columns(scan.head(LOOKED_AT).collect(), class_names(metadata.get(DESCRIPTION)))
    sniffed.notes.extend(columns.notes)

    def parts() -> Iterator[Part]:
        before = 0
        for frame in row_groups(content, scan):
            yield numbered(columns.read(frame), ROW, before), []
            before += frame.height

    return parts


def row_groups(content: files.FileContent, scan: pl.LazyFrame, kind: str = "a Parquet") -> Iterator[pl.DataFrame]:
    """Yield a file whole, or a large one so many rows at a time that they are about ``HEAD_BYTES``."""
    if content.size <= files.HEAD_BYTES // PACKED or content.data:
        with polars_errors(content.path, kind):
            yield scan.collect()
        return
    with polars_errors(content.path, kind):
        sample = scan.head(1000).collect()
        rows = max(files.PART_BYTES * len(sample) // max(int(sample.estimated_size()), 1), 1)
        shares = max(files.HEAD_BYTES // files.PART_BYTES, 1)
        batches = scan.collect_batches(chunk_size=rows * shares, maintain_order=True)
    while True:
        with polars_errors(content.path, kind):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


@contextmanager
def polars_errors(path: Path, kind: str = "a Parquet") -> Iterator[None]:
    """Raise E115 for what polars cannot read. Standard error goes nowhere: before polars raises a panic, it writes pages there,
    for its own developers."""
    standard = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise error("E115", path=path, kind=kind) from problem
    finally:
        os.dup2(standard, 2)
        os.close(standard)
