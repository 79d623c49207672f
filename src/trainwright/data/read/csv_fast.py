"""Delimited text to columns: a fast way over whole columns, and a careful way, record by record, that names bad ones.

Promises: both ways give the same rows. The fast way is taken only when a look at every quote, delimiter and line end
has shown that each record is well formed and has as many fields as the first; so polars never has to guess.

A large file is read in parts, each from where a record begins: one that is well formed is cut at its last line end outside
quotes, any other is gone through with care. So neither the number of the parts nor their size makes a difference.

An empty field is null, quoted or not. Blank lines are counted (a spreadsheet shows them) and passed over. A quote
inside a field that does not start with one is a letter like any other.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.files.content import FileContent
from trainwright.data.read.csv_strict import fault_of, first_lines, records_in, records_of
from trainwright.data.read.formats import Part
from trainwright.data.read.ragged import MARK, labels_of
from trainwright.data.tables.table import MOST_COLUMNS, ROW
from trainwright.errors import error

Positions = np.ndarray[Any, np.dtype[np.int64]]
START = 1 << 20  # bytes in which the first record is looked for at first
QUOTE, NEWLINE, RETURN = b'"\n\r'
REPEATED = "it is the header once more"


@dataclass(frozen=True)
class Place:
    """Where a part begins: its first byte, the records before it, and whether the header is still to come."""

    byte: int
    records: int
    header: bool


class DelimitedFile:
    """A file of UTF-8, read in parts from ``begin`` on. With ``literal_quotes`` quotes are letters like any other."""

    def __init__(
        self,
        content: FileContent,
        delimiter: str,
        has_header: bool,
        mark: int = 0,
        above: int = 0,
        spare: int = 0,
        ragged: int = 0,
    ) -> None:
        """Find the names behind ``mark`` bytes of a byte-order mark and the lines ``above`` them; the others as in ``Sniffed``.

        Raise E119 for a header that cannot be read, E110 where it names a column twice, E116 for ``__row__``, and E170 for more
        than ``MOST_COLUMNS`` fields.
        """
        self._content, self._delimiter, self._has_header, self._ragged = content, delimiter, has_header, ragged
        head = content.data[mark:]
        start = mark + _lines_end(head, above)
        head = content.data[start:]
        first = _first(_trim(head), delimiter, has_header, content.path)
        self.begin = Place(start, above, has_header)
        if spare and has_header:  # so the header is not as wide as the rows
            self.begin = _behind_header(content, self.begin, delimiter)
        self._name(first, spare)
        self.literal_quotes = delimiter == "\t" and self._quotes_are_letters()
        if self.literal_quotes:
            line = head.split(b"\n", 1)[0].decode("utf-8", "surrogateescape")
            self._name(line.rstrip("\r").split("\t"), spare)

    def _name(self, first: list[str], spare: int) -> None:
        """Take the first record for the names, or for the width of the rows."""
        self._header = first if self._has_header and len(first) > 1 else []
        named = first[:-1] if spare < 0 else first
        if self._ragged:
            named = (first + [""] * self._ragged)[: self._ragged]
        self._names = _names(named, self._has_header, self._content.path)
        self._width = len(self._names) + max(spare, 0)

    def read(self, place: Place, size: int) -> tuple[Part, Place]:
        """Return the good rows of about ``size`` bytes from ``place`` on and the others' faults, and the place behind them."""
        data = self._content.part(place.byte, size)
        whole = place.byte + len(data) >= self._content.size
        kept = data if whole else data[: _last_end(data, 0 if self.literal_quotes else QUOTE)]
        end = place.byte + len(kept)
        if self.literal_quotes and not kept:  # a line is longer
            return self.read(place, 2 * size)
        if self.literal_quotes and not kept.strip(b"\r\n"):
            return (_frame([], [], self._names), []), replace(place, byte=end)
        frame = self._fast(_trim(kept) if whole or self.literal_quotes else kept, place.records)
        if frame is None:
            return self.careful(place, len(data))
        read, header = frame.height, int(place.header)
        return self._without_headers(frame.slice(header)), Place(end, place.records + read, False)

    def _without_headers(self, frame: pl.DataFrame) -> Part:
        """Return the rows, and as bad ones those that are the header once more: files that were put one behind another."""
        again = pl.repeat(bool(self._header), frame.height, eager=True)
        for place, cell in enumerate(self._header[: len(self._names)]):
            if not again.any():
                return frame, []
            column = frame.to_series(place).alias("cells")  # its own name might be a pattern to polars
            again &= (column.is_in([cell, f"\ufeff{cell}"]) if cell else column.is_null()).fill_null(False)
        return frame.filter(~again), [(row, REPEATED) for row in frame[ROW].filter(again)]

    def _fault(self, record: list[str] | str) -> str:
        """Return why a record cannot be used, or an empty string; a field that is spare is taken off it, and further labels
        are put into its last column."""
        if self._width > len(self._names) and len(record) == self._width and not record[-1] and isinstance(record, list):
            record.pop()
        if self._ragged and len(record) > self._ragged and isinstance(record, list):
            record[self._ragged - 1 :] = [MARK.join(labels_of(record, self._ragged))]
        if self._header and isinstance(record, list) and [record[0].removeprefix("\ufeff"), *record[1:]] == self._header:
            return REPEATED
        return fault_of(record, len(self._names), self._has_header)

    def _fast(self, data: bytes, before: int) -> pl.DataFrame | None:
        """Return the rows as polars reads them, the header among them, numbered behind the records ``before``.

        Return None where a closer look is needed, or polars cannot read them or finds another number of them.
        """
        if self.literal_quotes:
            count, quote = data.count(b"\n") + (not data.endswith(b"\n")), None
        else:
            count, quote = well_formed_records(data, self._delimiter, self._width), '"'
        if not count:
            return None
        numbers = [str(place) for place in range(self._width)]  # a name might be a pattern to polars
        try:
            frame = pl.read_csv(
                data,
                has_header=False,
                schema=dict.fromkeys(numbers, pl.String),
                separator=self._delimiter,
                quote_char=quote,
                row_index_name=ROW,
                row_index_offset=before + 1,
            )
        except pl.exceptions.PolarsError:
            return None
        spare = numbers[len(self._names) :]
        if frame.height != count or not all((frame[each].fill_null("") == "").all() for each in spare):
            return None
        cells = zip(map(pl.col, numbers), self._names, strict=False)
        filled = [pl.when(cell != "").then(cell).alias(name) for cell, name in cells]
        return frame.select(*filled, pl.col(ROW).cast(pl.Int64))

    def careful(self, place: Place, size: int) -> tuple[Part, Place]:
        """Return what ``read`` returns, record by record, however they are formed."""
        rows: list[list[str]] = []
        numbers: list[int] = []
        rejected: list[tuple[int, str]] = []
        end, number, header_due = place.byte, place.records, place.header
        for record, length in records_of(self._content, place.byte, self._delimiter):
            end, number = end + length, number + 1
            if record and header_due:
                header_due = False
            elif record and (fault := self._fault(record)):
                rejected.append((number, intern(fault)))  # millions may have the same
            elif record:
                rows.append(record)  # type: ignore[arg-type]  # a str is its own fault
                numbers.append(number)
            if end - place.byte >= size:
                break
        frame = _frame(rows, numbers, self._names)
        return (frame, rejected), Place(end, number, header_due)

    def _quotes_are_letters(self) -> bool:
        """Return whether some part is not well formed with quotes that enclose fields, while all are lines of the same tabs."""
        if not any(b'"' in part for part in self._content):
            return False
        fits, widths, touching, both, blank = True, set[int](), 0, 0, False
        for kept in self._content.whole_lines(self.begin.byte):
            part = _trim(kept)
            if not kept.strip(b"\r\n"):
                blank = True
                continue
            if blank or (found := _literal(part)) is None:  # blank lines are at the end of the file alone
                return False
            blank = len(part) < len(kept)
            fits = fits and well_formed_records(part, "\t", self._width) > 0
            widths |= found[0]
            touching, both = touching + found[1], both + found[2]
        return not fits and len(widths) == 1 and widths != {0} and touching > 2 * both


def _lines_end(data: bytes, count: int) -> int:
    """Return how many bytes so many lines have, with their ends."""
    if not count:
        return 0
    ends = islice(re.finditer(rb"\r\n|\r|\n", data), count)
    return max((end.end() for end in ends), default=0)


def _behind_header(content: FileContent, place: Place, delimiter: str) -> Place:
    """Return the place behind the first record, which blank lines may stand before."""
    byte, records = place.byte, place.records
    for record, length in records_of(content, place.byte, delimiter):
        byte, records = byte + length, records + 1
        if record:
            break
    return Place(byte, records, False)


def _trim(data: bytes) -> bytes:
    """Return ``data`` without blank lines at its end, which are no records."""
    return data.rstrip(b"\r\n") if data.endswith((b"\n\n", b"\n\r\n", b"\r\r")) else data


def _last_end(data: bytes, quote: int) -> int:
    """Return how many bytes there are up to the last line end that an even number of quotes stands before; 0 where none is."""
    end = data.rfind(b"\n")
    odd = quote and data.count(quote, 0, end) % 2
    while odd and end > 0:
        before = data.rfind(b"\n", 0, end)
        odd ^= data.count(quote, max(before, 0), end) % 2
        end = before
    return end + 1


def _first(data: bytes, delimiter: str, has_header: bool, path: Path) -> list[str]:
    """Return the first record: the header; or, of a file without one, the first that can be read."""
    for part in (data[:START], data):
        # a second record in the head shows that the first one was not cut
        found = list(islice(filter(None, records_in(part, delimiter)), 2))
        if isinstance(found[0], list):
            _refuse_wide(len(found[0]), path)  # before the rest of a wide record is read
        if isinstance(found[0], list) and (len(found) == 2 or len(part) == len(data)):
            return found[0]
    if has_header:
        raise error("E119", path=path, why=found[0], lines=first_lines(data), where=f"{path}, first record")
    records = (record for record in records_in(data, delimiter) if record and isinstance(record, list))
    if (first := next(records, None)) is None:
        lines, count = first_lines(data), len(data.splitlines())
        raise error("E111", path=path, count=count, why=found[0], lines=lines, where=f"{path}, row 1")
    return first


def _names(first: list[str], has_header: bool, path: Path) -> list[str]:
    if not has_header:
        return [f"column_{place}" for place in range(1, len(first) + 1)]
    if fault := fault_of(first, len(first)):
        raise error("E119", path=path, why=fault, lines=repr(",".join(first)[:60]), where=f"{path}, first record")
    names = [name or f"column_{place}" for place, name in enumerate(first, start=1)]
    refuse_names(names, path)
    return names


def refuse_names(names: list[str], path: Path) -> None:
    """Raise E110 for names that occur twice, E116 for the reserved one and E170 for too many."""
    _refuse_wide(len(names), path)
    if twice := sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []:
        raise error("E110", path=path, names=[f"'{name}'" for name in twice], where=f"{path}, first record")
    if ROW in names:
        raise error("E116", path=path, name=ROW)


def _refuse_wide(count: int, path: Path) -> None:
    if count > MOST_COLUMNS:
        raise error("E170", path=path, limit=f"{MOST_COLUMNS:,}", where=f"{path}, first record")


# ---- the fast way


def well_formed_records(data: bytes, delimiter: str, width: int) -> int:
    """Count the records; 0 unless each has ``width`` fields, every quote its place, every line LF or CR LF.

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
    """Return whether opening quotes follow a delimiter or a line end, and closing ones precede one."""
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
    """Return the positions that an even number of quotes stands before: those that are not inside a quoted field."""
    return positions[np.searchsorted(quotes, positions) % 2 == 0] if len(quotes) else positions


def _any_blank(content: np.ndarray[Any, np.dtype[np.uint8]], ends: Positions) -> bool:
    lengths = np.diff(ends, prepend=-1) - 1
    ones = ends[lengths == 1]
    return bool((lengths == 0).any() or (content[ones - 1] == RETURN).any())


def _literal(data: bytes) -> tuple[set[int], int, int] | None:
    """Return the numbers of tabs of whole lines, how many fields touch a quote, and how many at both ends.

    Quotes are letters (usual in research data) when every line has the same number of tabs, and of the fields that touch a
    quote at either end only the smaller part has one at both. Return None for what no line of such a file has.
    """
    if b"\0" in data or data.startswith(BOM_UTF8) or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    try:
        lines = pl.Series([data.removesuffix(b"\n").decode()]).str.split("\n").explode()
    except UnicodeDecodeError:
        return None
    fields = lines.filter(lines.str.contains('"', literal=True)).str.strip_chars_end("\r").str.split("\t").explode()
    first, last = fields.str.starts_with('"'), fields.str.ends_with('"') & (fields.str.len_bytes() > 1)
    return set(lines.str.count_matches("\t").unique().to_list()), int((first | last).sum()), int((first & last).sum())


def _frame(rows: list[list[str]], numbers: list[int], names: list[str]) -> pl.DataFrame:
    columns = [pl.Series(name, [row[place] or None for row in rows], dtype=pl.String) for place, name in enumerate(names)]
    return pl.DataFrame([*columns, pl.Series(ROW, numbers, dtype=pl.Int64)])
