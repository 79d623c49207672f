"""A file to a Table: the only door through which text files enter.

Promises: every record of the file is either a row of ``Table.frame`` or an entry of ``Table.rejected`` with its number
and the reason (blank lines are neither); values are kept as they are, without stripping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from trainwright.data.files.content import FileContent, load, require
from trainwright.data.files.folders import entries
from trainwright.data.files.virtual import InArchive, as_path
from trainwright.data.read import text_folder
from trainwright.data.read.csv_strict import first_lines
from trainwright.data.read.formats import FORMATS, Part, Sniffed, magics
from trainwright.data.read.image_folders import images_in
from trainwright.data.read.layout import text_classes, text_splits, unwrap
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.data.read.shards import open_shards
from trainwright.data.read.sniff import sniff_loaded
from trainwright.data.read.table_files import find_tables
from trainwright.data.tables.table import Rejected, Table, TableStream
from trainwright.errors import error
from trainwright.watch.events import Note


def read_table(path: Path | Table, options: ReadOptions = DERIVED) -> Table:
    """Read the file or folder at ``path`` as one table; what is a table already is it. Raise what ``open_table`` raises."""
    return path if isinstance(path, Table) else open_table(path, options).whole()


def open_table(path: Path, options: ReadOptions = DERIVED) -> TableStream:
    """Read the file or folder at ``path``, whatever its format (see ``sniff``): a large file in parts.

    Raise E101 to E119, for everything that keeps the file as a whole from being read, E172, E190 and E191; a bad record does
    not, unless no good one is left (E111). A JSON document, a compressed Parquet file and a folder are one part.
    """
    path = as_path(path)
    require(path)
    if path.is_dir():
        stream = _folder(path, options)
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


def open_files(path: Path, files: Sequence[Path], options: ReadOptions = DERIVED) -> TableStream:
    """Read the files that hold the table of ``path``: one, or several as one. Raise what ``open_table`` raises, and E184."""
    if len(files) == 1:
        return open_table(files[0], options)
    return open_shards(path, files, lambda file: open_table(file, options))


def _folder(path: Path, options: ReadOptions) -> TableStream:
    """Read the tables in a folder, of several splits those to be measured on; or its texts."""
    path = unwrap(path)
    found = find_tables(path)
    if found is None:
        if isinstance(path, InArchive) and not text_classes(path) and not text_splits(path):
            raise error("E186", path=path, found=", ".join(each.name for each in entries(path)[:5]) or "nothing")
        if images_in(path):
            raise error("E141", path=path)
        return TableStream(text_folder.read(path, options))
    part = next(part for part in ("test", "valid", "train") if part in found.splits)
    stream = open_files(path, found.splits[part], options)
    notes = [*found.notes, *([Note("read", part, "of the splits there")] if len(found.splits) > 1 else [])]
    return replace(stream, head=replace(stream.head, notes=[*notes, *stream.head.notes]))


def _file(loaded: FileContent, sniffed: Sniffed) -> TableStream:
    content = loaded if loaded.magic else loaded.in_utf8(sniffed.encoding)
    reader = next(each.reader for each in FORMATS if each.name == sniffed.format)
    parts, file = reader.open_parts(content, sniffed), str(loaded.path)

    def table(part: Part) -> Table:
        frame, bad = part
        rejected = [Rejected(file, number, reason) for number, reason in bad]
        return Table(frame, file, rejected, sniffed.notes, sniffed.has_header, sniffed.encoding, sniffed.ragged)

    reading = parts()
    return TableStream(table(next(reading)), lambda: map(table, islice(parts(), 1, None)))
