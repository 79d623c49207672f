"""Delimited text record by record: what is wrong with one is said, and the next one is read.

After a record that swallowed its successors reading goes on behind its first line. No more lines are held than it takes to
tell: a field has an end within ``MAX_RECORD_BYTES``.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from trainwright.data.files.content import MAX_RECORD_BYTES, FileContent
from trainwright.data.files.encoding import text_fault

BITE = 1 << 20  # bytes


@contextmanager
def long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is global, for the time of one reading."""
    before = csv.field_size_limit(MAX_RECORD_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records_of(content: FileContent, start: int, delimiter: str) -> Iterator[tuple[list[str] | str, int]]:
    """Yield the fields of each record from a byte on, or what is wrong with it, and how many bytes it has.

    A blank line is a record without fields.
    """
    lines = _Lines(content, start)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for first in lines:
        if first in ("\n", "\r", "\r\n"):  # a file may have millions
            record: list[str] | str = []
        else:
            lines.give_back(0)  # for the reader to take
            with long_fields():
                try:
                    record = next(reader)
                except csv.Error as problem:
                    record = _explain(problem)
                    lines.give_back(1)
        yield record, sum(len(line.encode("utf-8", "surrogateescape")) for line in lines.taken)
        lines.taken.clear()


def records_in(data: bytes, delimiter: str) -> Iterator[list[str] | str]:
    """Yield the records of bytes in memory."""
    return (record for record, _ in records_of(FileContent(Path(), data, "", "", len(data)), 0, delimiter))


class _Lines(Iterator[str]):
    """Lines with their ends, which CR, LF and CR LF all are; those taken can be given back."""

    def __init__(self, content: FileContent, start: int) -> None:
        texts = (part.decode("utf-8", "surrogateescape") for part in content.whole_lines(start, BITE))
        self._source = chain.from_iterable(io.StringIO(text, newline="") for text in texts)
        self._back, self.taken = deque[str](), list[str]()

    def __next__(self) -> str:
        self.taken.append(self._back.popleft() if self._back else next(self._source))
        return self.taken[-1]

    def give_back(self, kept: int) -> None:
        """Give back the lines taken, but for so many."""
        self._back.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]


def first_lines(data: bytes) -> str:
    """Return the first lines that are not blank, in short, to be shown."""
    lines = [line.strip() for line in data[:4096].decode("utf-8", "replace").splitlines()]
    shown = [line if len(line) <= 60 else line[:57] + "..." for line in lines if line][:3]
    return ", ".join(map(repr, shown))


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
