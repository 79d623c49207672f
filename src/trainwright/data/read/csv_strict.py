"""Delimited text record by record: what is wrong with one is said, and the next one is read.

After a record that swallowed its successors reading goes on behind its first line. No more lines are held than it takes to
tell: a field has an end within ``MAX_RECORD_BYTES``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager

from trainwright.data.files.content import MAX_RECORD_BYTES, FileContent
from trainwright.data.files.encoding import text_fault

BITE = 1 << 20  # bytes
FORGET = 10_000  # lines


@contextmanager
def long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is global, for the time of one reading."""
    before = csv.field_size_limit(MAX_RECORD_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class Records(Iterator[list[str] | str]):
    """The fields of each record from a byte on, or what is wrong with it; a blank line is a record without fields.

    ``read`` counts the bytes of the records that were given.
    """

    def __init__(self, content: FileContent, start: int, delimiter: str) -> None:
        self._cursor = _Cursor(_lines(content, start))
        self._reader = csv.reader(self._cursor, delimiter=delimiter, strict=True)
        self.read = 0

    def __next__(self) -> list[str] | str:
        cursor = self._cursor
        cursor.forget()
        start, first = cursor.at, next(cursor)
        if first in ("\n", "\r", "\r\n"):  # a file may have millions
            record: list[str] | str = []
        else:
            cursor.at = start
            with long_fields():
                try:
                    record = next(self._reader)
                except csv.Error as problem:
                    record = _explain(problem)
                    cursor.at = start + 1
        self.read += sum(len(line.encode("utf-8", "surrogateescape")) for line in cursor.lines[start : cursor.at])
        return record


def records_of(data: bytes, delimiter: str) -> Iterator[list[str] | str]:
    """Yield the records of bytes in memory."""
    from pathlib import Path

    return Records(FileContent(Path(), data, "", "", len(data)), 0, delimiter)


class _Cursor(Iterator[str]):
    """Lines to go back in, which are read when they are asked for."""

    def __init__(self, source: Iterator[str]) -> None:
        self.source, self.lines, self.at = source, list[str](), 0

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            self.lines.append(next(self.source))
        self.at += 1
        return self.lines[self.at - 1]

    def forget(self) -> None:
        """Let go of lines that are behind."""
        if self.at > FORGET:
            del self.lines[: self.at]
            self.at = 0


def _lines(content: FileContent, start: int) -> Iterator[str]:
    """Yield lines with their ends; CR, LF and CR LF all end one."""
    for part in content.whole_lines(start, BITE):
        yield from io.StringIO(part.decode("utf-8", "surrogateescape"), newline="")


def fault_of(record: list[str] | str, width: int, has_header: bool = True) -> str:
    """Return why the record cannot be used, or an empty string; a record that is its own fault comes as text."""
    if isinstance(record, str):
        return record
    if len(record) != width:
        found = f"{len(record)} field{'s' * (len(record) != 1)}"
        return f"{found} where the {'header' if has_header else 'first record'} has {width}"
    return text_fault("".join(record))


def _explain(problem: csv.Error) -> str:
    if "unexpected end" in str(problem):
        return 'a field starts with a quote that is never closed; to keep a quote, write ""'
    if "expected after" in str(problem):
        return 'text after a closing quote; to keep a quote inside a quoted field, write ""'
    return f"not readable as delimited text ({problem})"
