"""Parquet: the columns that are text, numbers or lists of words, a large file by row groups."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.columns import DESCRIPTION, LOOKED_AT, class_names, numbered, stored_columns
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.read.formats import OpenedParts, Part, Sniffed
from trainwright.data.read.polars_scan import polars_errors, row_groups
from trainwright.data.tables.table import ROW

KIND = "a Parquet"  # file, in messages


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    with polars_errors(content.path, KIND):
        scan = pl.scan_parquet(content.data or content.path, glob=False, hive_partitioning=False)
        schema = scan.collect_schema()
    refuse_names(list(schema), content.path)
    with polars_errors(content.path, KIND):
        metadata = pl.read_parquet_metadata(io.BytesIO(content.data) if content.data else content.path)
        columns = stored_columns(scan.head(LOOKED_AT).collect(), class_names(metadata.get(DESCRIPTION)))
    sniffed.notes.extend(columns.notes)

    def parts() -> Iterator[Part]:
        before = 0
        for frame in row_groups(content, scan, KIND):
            yield numbered(columns.read(frame), ROW, before), []
            before += frame.height

    return parts
