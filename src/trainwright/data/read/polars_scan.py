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
SAMPLE = 1000  # rows by which it is told how many bytes one takes
VIEW_BYTES = 16  # that a text takes beside its own


def typed_parts(
    content: files.FileContent, sniffed: Sniffed, kind: str, scan: pl.LazyFrame, description: str | bytes | None
) -> OpenedParts:
    """Return a function that yields the rows of a file that has types, and note what is left out of it; ``description`` is what
    the ``datasets`` library says of its columns. Raise E110 and E116 for names of columns, E115 for what cannot be read, and
    E152 for far more than the size of the file.
    """
    with polars_errors(content.path, kind):
        schema = scan.collect_schema()
    refuse_names(list(schema), content.path)
    with polars_errors(content.path, kind):
        sample = scan.head(SAMPLE).collect()
        columns = stored_columns(sample.head(LOOKED_AT), class_names(description))
    sniffed.notes.extend(columns.notes)

    def parts() -> Iterator[Part]:
        before = 0
        for frame in row_groups(content, scan, kind, sample):
            yield numbered(columns.read(frame), ROW, before), []
            before += frame.height

    return parts


def row_groups(content: files.FileContent, scan: pl.LazyFrame, kind: str, sample: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield a file whole, or a large one so many rows at a time that they are about ``HEAD_BYTES``; its first rows are the
    ``sample``. Raise E152."""
    with polars_errors(content.path, kind):
        a_row = max(int(sample.estimated_size()) / max(len(sample), 1), sample.width * VIEW_BYTES, 1)
        reading = scan.collect_batches(chunk_size=int(files.HEAD_BYTES / a_row) or 1, maintain_order=True)
    batches = _checked(content, reading, kind)
    if content.size > files.HEAD_BYTES // PACKED and not content.data:
        yield from batches
    else:
        yield pl.concat([sample.clear(), *batches])


def _checked(content: files.FileContent, batches: Iterator[pl.DataFrame], kind: str) -> Iterator[pl.DataFrame]:
    """Yield the batches. Raise E152 as soon as they are more than the file can mean."""
    held = 0
    while True:
        with polars_errors(content.path, kind):
            batch = next(batches, None)
        if batch is None:
            return
        held += int(batch.estimated_size())
        refuse_bomb(content, held)
        yield batch


def refuse_bomb(content: files.FileContent, held: int) -> None:
    """Raise E152 where a file has ``held`` bytes of values, and its own size says that they are next to none."""
    if held > max(files.SMALL_EXPANSION, files.MAX_EXPANSION * content.size):
        raise error("E152", path=content.path, held=f"{held >> 20:,} MiB", size=f"{content.size:,} bytes")


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
