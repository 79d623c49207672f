"""Files that polars reads, lazily: a large one some rows at a time, and what it raises for one that it cannot read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.columns import LOOKED_AT, class_names, numbered, stored_columns
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.read.formats import OpenedParts, Part, Sniffed
from trainwright.data.tables.table import ROW
from trainwright.errors import error

PACKED = 4  # bytes that one of a file may stand for


def typed_parts(
    content: files.FileContent, sniffed: Sniffed, kind: str, scan: pl.LazyFrame, description: str | bytes | None
) -> OpenedParts:
    """Return a function that yields the rows of a file that has types, and note what is left out of it; ``description`` is what
    the ``datasets`` library says of its columns. Raise E110 and E116 for names of columns, E115 for what cannot be read.
    """
    with polars_errors(content.path, kind):
        schema = scan.collect_schema()
    refuse_names(list(schema), content.path)
    with polars_errors(content.path, kind):
        columns = stored_columns(scan.head(LOOKED_AT).collect(), class_names(description))
    sniffed.notes.extend(columns.notes)

    def parts() -> Iterator[Part]:
        before = 0
        for frame in row_groups(content, scan, kind):
            yield numbered(columns.read(frame), ROW, before), []
            before += frame.height

    return parts


def row_groups(content: files.FileContent, scan: pl.LazyFrame, kind: str) -> Iterator[pl.DataFrame]:
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
def polars_errors(path: Path, kind: str) -> Iterator[None]:
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
