"""A file to a Table: the only door through which text files enter.

Promises: every record of the file is either a row of ``Table.frame`` or an entry of ``Table.rejected`` with its number
and the reason (blank lines are neither); values are kept as they are, without stripping.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from trainwright.data.files.content import FileContent, load, require
from trainwright.data.read import text_folder
from trainwright.data.read.csv_strict import first_lines
from trainwright.data.read.formats import FORMATS, Part, Sniffed, magics
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.data.read.sniff import sniff_loaded
from trainwright.data.tables.table import Rejected, Table, TableStream
from trainwright.errors import error


def read_table(path: Path, options: ReadOptions = DERIVED) -> Table:
    """Read the file or folder at ``path`` as one table. Raise what ``open_table`` raises."""
    return open_table(path, options).whole()


def open_table(path: Path, options: ReadOptions = DERIVED) -> TableStream:
    """Read the file or folder at ``path``, whatever its format (see ``sniff``): a large file in parts.

    Raise E101 to E119, for everything that keeps the file as a whole from being read, E172, E190 and E191; a bad record does
    not, unless no good one is left (E111). A JSON document, a compressed Parquet file and a folder are one part.
    """
    path = Path(path)
    require(path)
    if path.is_dir():
        stream = TableStream(text_folder.read(path, options))
    else:
        loaded = load(path, streamed=True, magics=magics())
        stream = _file(loaded, sniff_loaded(loaded, options))
    if not stream.head.frame.height and not any(table.frame.height for table in stream.rest()):
        rejected = [each for table in stream.tables() for each in table.rejected]
        if not rejected:
            raise error("E109", path=stream.head.file)
        first = rejected[0]
        where = f"{first.file}, row {first.row}" if first.row else first.file
        lines = "" if path.is_dir() else first_lines(loaded.data)
        raise error("E111", path=stream.head.file, count=len(rejected), why=first.reason, where=where, lines=lines)
    return stream


def _file(loaded: FileContent, sniffed: Sniffed) -> TableStream:
    content = loaded if loaded.magic else loaded.in_utf8(sniffed.encoding)
    reader = next(each.reader for each in FORMATS if each.name == sniffed.format)
    parts, file = reader.open_parts(content, sniffed), str(loaded.path)

    def table(part: Part) -> Table:
        frame, bad = part
        rejected = [Rejected(file, number, reason) for number, reason in bad]
        return Table(frame, file, rejected, sniffed.notes, sniffed.has_header, sniffed.encoding)

    reading = parts()
    return TableStream(table(next(reading)), lambda: map(table, islice(parts(), 1, None)))
