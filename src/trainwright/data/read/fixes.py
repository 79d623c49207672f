"""A table of corrected labels: what ``suspects --out`` writes, edited by a person, or any with the columns file, row and label.

A row says which record it is about by ``file`` and ``row`` (empty where a file is a record of its own), and its right
``label``; an empty label leaves the record out. The label that it had is in ``given``, by which it is known again; where that
is empty, it is not checked.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from trainwright.data.read.options import ReadOptions
from trainwright.data.read.tables import read_table
from trainwright.data.tables.spelling import tidy
from trainwright.errors import TrainwrightError, error

NEEDED = ("file", "row", "label")
FORMULAS = "=+-@\t\r\n"  # what a spreadsheet runs begins so


def read(path: Path) -> pl.DataFrame:
    """Return the columns ``file``, ``row`` (Int64), ``label`` and ``given`` (String).

    Raise E492 for a table without the columns, E493 for a row that is no number, and as ``read_table``.
    """
    try:
        table = read_table(path, ReadOptions(header="yes", kept=("header",)))
    except TrainwrightError as problem:
        if problem.code != "E109":
            raise
        return pl.DataFrame(schema={"file": pl.String, "row": pl.Int64, "label": pl.String, "given": pl.String})
    if lacking := [name for name in NEEDED if name not in table.columns]:
        raise error("E492", path=path, missing=lacking, columns=table.columns)
    columns: dict[str, pl.Series] = {
        name: tidy(table.frame[name]) for name in ("row", "label", "given") if name in table.columns
    }
    columns["file"] = table.frame["file"].cast(pl.String).fill_null("")
    bare = {name: _without_mark(each) for name, each in columns.items()}
    rows = bare["row"].cast(pl.Int64, strict=False)
    if rows.null_count() > bare["row"].null_count():
        raise error("E493", path=path, value=bare["row"].filter(rows.is_null() & bare["row"].is_not_null())[0])
    return pl.DataFrame(
        {**bare, "row": rows, "given": bare.get("given", pl.Series([None] * len(rows), dtype=pl.String))}
    ).unique(maintain_order=True)


def _without_mark(cells: pl.Series) -> pl.Series:
    """Return cells without the apostrophe that keeps a spreadsheet from running them."""
    marked = cells.str.contains(f"^'[{FORMULAS}]")
    return cells.zip_with(~marked, cells.str.slice(1)) if marked.any() else cells
