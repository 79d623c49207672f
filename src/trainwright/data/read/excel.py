"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods): the first sheet with a table, by python-calamine, which is an extra.

Rows keep the numbers that a spreadsheet shows. A first row that is all words names the columns; lines of fewer cells above it,
such as a title, are passed over and said. Numbers are numbers, dates dates; what a formula could not work out is missing.
"""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.csv_fast import refuse_names
from trainwright.data.read.formats import OpenedParts, Sniffed, by_suffix
from trainwright.data.read.frames import series
from trainwright.data.tables.table import ROW
from trainwright.errors import error
from trainwright.watch.events import Note

ABOVE = 20  # rows in which the header is looked for
NO_VALUE = ("", "#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")
MARKS = (b"[Content_Types].xml", b"opendocument.spreadsheet", b"\xd0\xcf\x11\xe0")  # in workbooks, whatever they are called
MOST_BYTES = 256 << 20  # of a workbook, all of which is held in memory


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    """Return a function that yields the rows of one sheet, which are one part.

    Raise E187 without the library, E188 for what it cannot read and for workbooks without a table, E110 for names of columns.
    """
    sheets = _sheets(content)
    found = {name: cells for name, cells in sheets.items() if len(cells) > 1}
    if not found:
        raise error("E188", path=content.path, why="no sheet of it holds a table")
    name, cells = next(iter(found.items()))
    others = ", ".join(each for each in sheets if each != name)
    sniffed.notes.append(Note("sheet", name, f"the first with a table; passed over: {others}" if others else "the only one"))
    frame = _frame(cells, content, sniffed)
    return partial(iter, [(frame, [])])


def _sheets(content: files.FileContent) -> dict[str, list[tuple[int, list[Any]]]]:
    """Return the rows of every sheet that have a value, by name, each with its number. Raise E104 for another zip archive."""
    if content.size > MOST_BYTES:
        raise error("E188", path=content.path, why=f"it has more than {MOST_BYTES >> 20} MiB")
    data = content.data or content.path.read_bytes()
    if not by_suffix(content.suffix).endswith("workbook") and not any(mark in data for mark in MARKS):
        raise error("E104", path=content.path, kind="a zip archive, whose name ends in .zip")
    try:
        import python_calamine
    except ImportError as problem:
        raise error("E187", path=content.path) from problem
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        read = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        rows = {name: (sheet.start or (0, 0), sheet.to_python(skip_empty_area=True)) for name, sheet in read.items()}
    except (python_calamine.CalamineError, OSError, ValueError) as problem:
        raise error("E188", path=content.path, why=str(problem)) from problem
    return {
        name: [(start + place, row) for place, row in enumerate(cells, 1) if any(cell not in NO_VALUE for cell in row)]
        for name, ((start, _), cells) in rows.items()
    }


def _frame(cells: list[tuple[int, list[Any]]], content: files.FileContent, sniffed: Sniffed) -> pl.DataFrame:
    """Return the rows below the header as columns, with the number of each."""
    widths = [sum(cell not in NO_VALUE for cell in row) for _, row in cells]
    first = next(place for place, width in enumerate(widths) if width == max(widths[:ABOVE]))
    if first:
        numbers = ", ".join(str(number) for number, _ in cells[:first])
        sniffed.notes.append(Note("passed over", f"rows {numbers}", f"they have fewer cells than row {cells[first][0]}"))
    head, below = cells[first][1], cells[first + 1 :]
    named = all(isinstance(cell, str) for cell in head)
    why = "the first row is words alone" if named else "a cell of the first row is a number or a date"
    sniffed.notes.append(Note("header", "yes" if named else "no", why))
    rows = below if named else cells[first:]
    columns = [[None if row[place] in NO_VALUE else row[place] for _, row in rows] for place in range(len(head))]
    names = [str(cell).strip() if named and cell else f"column_{place}" for place, cell in enumerate(head, 1)]
    kept = [place for place, values in enumerate(columns) if any(value is not None for value in values)]
    refuse_names([names[place] for place in kept], content.path)
    read = [series(names[place], [_whole(value) for value in columns[place]]) for place in kept]
    return pl.DataFrame([*read, pl.Series(ROW, [number for number, _ in rows], dtype=pl.Int64)])


def _whole(value: Any) -> Any:
    """Return a number without a fraction as one: a workbook has none of its own."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
