"""Parquet: the columns that are text, numbers or lists of words, a large file by row groups."""

from __future__ import annotations

import io

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.columns import DESCRIPTION
from trainwright.data.read.formats import OpenedParts, Sniffed
from trainwright.data.read.polars_scan import polars_errors, refuse_bomb, typed_parts
from trainwright.store.parquet_footer import bytes_held

KIND = "a Parquet"  # file, in messages


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    """Return a function that yields the rows. Raise as ``typed_parts``, and E152 before anything is decoded."""
    with polars_errors(content.path, KIND), io.BytesIO(content.data) if content.data else content.path.open("rb") as file:
        held = bytes_held(file)
    refuse_bomb(content, held)
    with polars_errors(content.path, KIND):
        scan = pl.scan_parquet(content.data or content.path, glob=False, hive_partitioning=False)
        metadata = pl.read_parquet_metadata(io.BytesIO(content.data) if content.data else content.path)
    return typed_parts(content, sniffed, KIND, scan, metadata.get(DESCRIPTION))
