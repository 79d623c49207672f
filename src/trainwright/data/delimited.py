"""Delimited text to columns: a fast way over whole columns, and a careful way, record by record, that names bad ones.

Promises: both ways give the same rows. The fast way is taken only when a look at every quote, delimiter and line end
has shown that each record is well formed and has as many fields as the first; so polars never has to guess.

An empty field is null, quoted or not. Blank lines are counted (a spreadsheet shows them) and passed over. A quote
inside a field that does not start with one is a letter like any other.
"""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.encoding import text_fault
from trainwright.data.sniff import long_fields
from trainwright.data.table import MOST_COLUMNS, ROW
from trainwright.errors import error

Positions = np.ndarray[Any, np.dtype[np.int64]]
HEAD = 1 << 20
QUOTE, NEWLINE, RETURN = b'"\n\r'


@dataclass(frozen=True)
class Delimited:
    """The good rows, and (record number, reason) for each of the others."""

    frame: pl.DataFrame
    rejected: list[tuple[int, str]] = field(default_factory=list)
    literal_quotes: bool = False


def read_delimited(data: bytes, delimiter: str, has_header: bool, path: Path) -> Delimited:
    """Read UTF-8 bytes without a byte-order mark; ``path`` is for messages.

    Raises:
        SourceError: a header that cannot be read (E119) or that names a column twice (E110) or ``__row__`` (E116), or a
            first record with more than ``MOST_COLUMNS`` fields (E170).
    """
    data = _trim(data)
    names = _names(_first(data, delimiter, has_header, path), has_header, path)
    count = well_formed_records(data, delimiter, len(names))
    if count and (frame := _fast(data, delimiter, names, has_header, count)) is not None:
        return Delimited(frame)
    if delimiter == "\t" and (count := _literal_records(data)):
        line = data.split(b"\n", 1)[0].decode("utf-8", "surrogateescape")
        names = _names(line.rstrip("\r").split("\t"), has_header, path)
        if (frame := _fast(data, delimiter, names, has_header, count, quote=None)) is not None:
            return Delimited(frame, literal_quotes=True)
    return careful(data, delimiter, names, has_header)


def _trim(data: bytes) -> bytes:
    """``data`` without blank lines at its end, which are no records."""
    return data.rstrip(b"\r\n") if data.endswith((b"\n\n", b"\n\r\n", b"\r\r")) else data


def _first(data: bytes, delimiter: str, has_header: bool, path: Path) -> list[str]:
    """The first record: the header; or, of a file without one, the first that can be read."""
    for part in (data[:HEAD], data):
        # a second record in the head shows that the first one was not cut
        found = list(islice((record for _, record in _records(_lines(part), delimiter) if record), 2))
        if isinstance(found[0], list):
            _refuse_wide(len(found[0]), path)  # before the rest of a wide record is read
        if isinstance(found[0], list) and (len(found) == 2 or len(part) == len(data)):
            return found[0]
    if has_header:
        raise error("E119", path=path, why=found[0], where=f"{path}, first record")
    records = (record for _, record in _records(_lines(data), delimiter) if record and isinstance(record, list))
    if (first := next(records, None)) is None:
        raise error("E111", path=path, count=len(data.splitlines()), why=found[0], where=f"{path}, row 1")
    return first


def _names(first: list[str], has_header: bool, path: Path) -> list[str]:
    if not has_header:
        return [f"column_{place}" for place in range(1, len(first) + 1)]
    if fault := _fault(first, len(first)):
        raise error("E119", path=path, why=fault, where=f"{path}, first record")
    names = [name or f"column_{place}" for place, name in enumerate(first, start=1)]
    refuse_names(names, path)
    return names


def refuse_names(names: list[str], path: Path) -> None:
    """Raise E110 for names that occur twice, E116 for the reserved one and E170 for too many."""
    _refuse_wide(len(names), path)
    if twice := sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []:
        raise error("E110", path=path, names=", ".join(f"'{name}'" for name in twice), where=f"{path}, first record")
    if ROW in names:
        raise error("E116", path=path, name=ROW)


def _refuse_wide(count: int, path: Path) -> None:
    if count > MOST_COLUMNS:
        raise error("E170", path=path, limit=f"{MOST_COLUMNS:,}", where=f"{path}, first record")


# ---- the fast way


def well_formed_records(data: bytes, delimiter: str, width: int) -> int:
    """How many records there are, or 0 unless each has ``width`` fields, every quote its place, every line LF or CR LF.

    NUL bytes and blank lines are left to the careful way too.
    """
    if b"\0" in data or data.startswith(BOM_UTF8):  # polars would drop a mark, even one that is text
        return 0
    content = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(content == QUOTE)
    if not _quotes_fit(content, quotes, ord(delimiter)):
        return 0
    if b"\r" in data:
        returns = _outside(np.flatnonzero(content == RETURN), quotes)
        if len(returns) and (returns[-1] + 1 == len(data) or (content[returns + 1] != NEWLINE).any()):
            return 0
    ends = _outside(np.flatnonzero(content == NEWLINE), quotes)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    delimiters = _outside(np.flatnonzero(content == ord(delimiter)), quotes)
    widths = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    return len(ends) if (widths == width).all() and not _any_blank(content, ends) else 0


def _quotes_fit(content: np.ndarray[Any, np.dtype[np.uint8]], quotes: Positions, delimiter: int) -> bool:
    """Openers follow a delimiter or a line end, closers precede one; the halves of a doubled quote vouch for it."""
    if len(quotes) % 2:
        return False
    if not len(quotes):
        return True
    openers, closers = quotes[0::2], quotes[1::2]
    before = content[openers[1:] - 1] if openers[0] == 0 else content[openers - 1]
    after = content[closers[:-1] + 1] if closers[-1] + 1 == len(content) else content[closers + 1]
    opens = (before == delimiter) | (before == NEWLINE) | (before == QUOTE)
    closes = (after == delimiter) | (after == NEWLINE) | (after == RETURN) | (after == QUOTE)
    return bool(opens.all() and closes.all())


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """The positions that an even number of quotes stands before: those that are not inside a quoted field."""
    return positions[np.searchsorted(quotes, positions) % 2 == 0] if len(quotes) else positions


def _any_blank(content: np.ndarray[Any, np.dtype[np.uint8]], ends: Positions) -> bool:
    lengths = np.diff(ends, prepend=-1) - 1
    ones = ends[lengths == 1]
    return bool((lengths == 0).any() or (content[ones - 1] == RETURN).any())


def _fast(
    data: bytes, delimiter: str, names: list[str], has_header: bool, count: int, quote: str | None = '"'
) -> pl.DataFrame | None:
    """The rows as polars reads them; None where it cannot (bytes that are not UTF-8) or finds other than ``count``."""
    numbers = [str(place) for place in range(len(names))]  # a name might be a pattern to polars
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            schema=dict.fromkeys(numbers, pl.String),
            separator=delimiter,
            quote_char=quote,
            row_index_name=ROW,
            row_index_offset=1,
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.height != count:
        return None
    cells = zip(map(pl.col, numbers), names, strict=True)
    filled = [pl.when(cell != "").then(cell).alias(name) for cell, name in cells]
    return frame.slice(int(has_header)).select(*filled, pl.col(ROW).cast(pl.Int64))


def _literal_records(data: bytes) -> int:
    """The number of lines of tab-separated text whose quotes are letters (usual in research data), or 0.

    So it is when every line has the same number of tabs, and of the fields that touch a quote at either end only the
    smaller part has one at both.
    """
    if (
        b'"' not in data
        or b"\0" in data
        or data.startswith(BOM_UTF8)
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
    ):
        return 0
    try:
        lines = pl.Series([data.removesuffix(b"\n").decode()]).str.split("\n").explode()
    except UnicodeDecodeError:
        return 0
    if lines.str.count_matches("\t").n_unique() != 1 or "\t" not in lines[0]:
        return 0
    return len(lines) if _quotes_are_letters(lines) else 0


def _quotes_are_letters(lines: pl.Series) -> bool:
    fields = lines.filter(lines.str.contains('"', literal=True)).str.strip_chars_end("\r").str.split("\t").explode()
    first, last = fields.str.starts_with('"'), fields.str.ends_with('"') & (fields.str.len_bytes() > 1)
    return int((first | last).sum()) > 2 * int((first & last).sum())


# ---- the careful way


def careful(data: bytes, delimiter: str, names: list[str], has_header: bool) -> Delimited:
    """Read record by record; what is wrong with one is said, and the next one is read."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    rejected: list[tuple[int, str]] = []
    header_due = has_header
    for number, record in _records(_lines(data), delimiter):
        if not record:
            continue
        if header_due:
            header_due = False
            continue
        fault = record if isinstance(record, str) else _fault(record, len(names), has_header)
        if fault:
            rejected.append((number, intern(fault)))  # millions may have the same
        else:
            rows.append(record)  # type: ignore[arg-type]  # a str is its own fault
            numbers.append(number)
    return Delimited(_frame(rows, numbers, names), rejected)


def _frame(rows: list[list[str]], numbers: list[int], names: list[str]) -> pl.DataFrame:
    columns = [pl.Series(name, [row[place] or None for row in rows], dtype=pl.String) for place, name in enumerate(names)]
    return pl.DataFrame([*columns, pl.Series(ROW, numbers, dtype=pl.Int64)])


def _fault(record: list[str], width: int, has_header: bool = True) -> str:
    """Why the record cannot be used, or an empty string."""
    if len(record) != width:
        found = f"{len(record)} field{'s' * (len(record) != 1)}"
        return f"{found} where the {'header' if has_header else 'first record'} has {width}"
    return text_fault("".join(record))


def _lines(data: bytes) -> list[str]:
    """Lines with their ends; CR, LF and CR LF all end one."""
    with io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline="") as text:
        return list(text)


class _Cursor(Iterator[str]):
    """Lines to go back in: after a record that swallowed its successors, reading restarts behind its first line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at = lines, 0

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(record number, fields or what is wrong), from 1; a blank line is a record without fields."""
    cursor = _Cursor(lines)
    reader = csv.reader(cursor, delimiter=delimiter, strict=True)
    number = 0
    while cursor.at < len(lines):
        number += 1
        start = cursor.at
        if lines[start] in ("\n", "\r", "\r\n"):  # a file may have millions
            cursor.at += 1
            yield number, []
            continue
        with long_fields():
            try:
                record: list[str] | str = next(reader)
            except csv.Error as problem:
                record = _explain(problem)
                cursor.at = start + 1
        yield number, record


def _explain(problem: csv.Error) -> str:
    if "unexpected end" in str(problem):
        return 'a field starts with a quote that is never closed; to keep a quote, write ""'
    if "expected after" in str(problem):
        return 'text after a closing quote; to keep a quote inside a quoted field, write ""'
    return f"not readable as delimited text ({problem})"
