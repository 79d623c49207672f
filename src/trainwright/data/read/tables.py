"""A file to a Table: the only door through which text files enter.

Promises: every record of the file is either a row of ``Table.frame`` or an entry of ``Table.rejected`` with its number
and the reason (blank lines are neither); values are kept as they are, without stripping; the same file gives the same
table everywhere. Whatever is wrong with a file is said as a ``SourceError``.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from sys import intern

import polars as pl

from trainwright.data.files.content import HEAD_BYTES, PART_BYTES, FileContent, SpilledContent, load, require
from trainwright.data.files.encoding import decode, encoding_of, not_decoded, text_fault, texts_of
from trainwright.data.files.folders import class_folders, split_folder
from trainwright.data.files.spool import scratch_errors, scratch_file
from trainwright.data.read.csv_fast import DelimitedFile, refuse_names
from trainwright.data.read.json_records import json_schema, parse_document, parse_lines, to_frame
from trainwright.data.read.sniff import FASTTEXT, Sniffed, sniff, sniff_loaded
from trainwright.data.tables.table import ROW, Rejected, Table, TableStream
from trainwright.errors import TrainwrightError, error
from trainwright.watch.events import Note

__all__ = ["open_table", "read_table", "split_folder"]

_LABEL = re.compile(rf"(?:^|\s){FASTTEXT}\S")
PACKED = 4  # bytes that one of a Parquet file may stand for
Parts = tuple[pl.DataFrame, list[tuple[int, str]]]


def read_table(path: Path) -> Table:
    """Read the file or folder at ``path`` as one table. Raises as ``open_table``."""
    return open_table(path).whole()


def open_table(path: Path) -> TableStream:
    """Read the file or folder at ``path``, whatever its format (see ``sniff``): a large file in parts.

    Lines of CSV, JSON and fastText and Parquet files come in parts; a JSON document, a compressed Parquet file and a folder
    are one.

    Raises:
        SourceError: E101 to E119, for everything that keeps the file as a whole from being read, E172; a bad record does
            not, unless no good one is left (E111).
    """
    path = Path(path)
    require(path)
    if path.is_dir():
        stream = TableStream(_folder(path, sniff(path)))
    else:
        loaded = load(path, streamed=True)
        stream = _file(loaded, sniff_loaded(loaded))
    if not stream.head.frame.height and not any(table.frame.height for table in stream.rest()):
        _refuse_empty(stream)
    return stream


def _refuse_empty(stream: TableStream) -> None:
    rejected = [each for table in stream.tables() for each in table.rejected]
    if not rejected:
        raise error("E109", path=stream.head.file)
    first = rejected[0]
    where = f"{first.file}, row {first.row}" if first.row else first.file
    raise error("E111", path=stream.head.file, count=len(rejected), why=first.reason, where=where)


def _file(loaded: FileContent, sniffed: Sniffed) -> TableStream:
    notes = list(sniffed.notes)
    parts: Callable[[], Iterator[Parts]]
    if sniffed.format == "csv":
        parts = _csv(loaded, sniffed, notes)
    elif sniffed.format == "parquet":
        parts = _parquet(loaded, notes)
    elif sniffed.format == "json":
        objects, numbers, bad = parse_document(_text(b"".join(loaded), sniffed.encoding, loaded.path), loaded.path)
        document = to_frame(objects, numbers, loaded.path, json_schema([objects])), bad
        parts = partial(iter, [document])
    elif sniffed.format == "fasttext":
        content = in_utf8(loaded, sniffed.encoding)
        parts = partial(_fasttext, content)
    else:
        parts = _json_lines(in_utf8(loaded, sniffed.encoding))
    file = str(loaded.path)

    def table(part: Parts) -> Table:
        frame, bad = part
        return Table(frame, file, [Rejected(file, number, reason) for number, reason in bad], notes, sniffed.has_header)

    reading = parts()
    return TableStream(table(next(reading)), lambda: map(table, islice(parts(), 1, None)))


def _csv(loaded: FileContent, sniffed: Sniffed, notes: list[Note]) -> Callable[[], Iterator[Parts]]:
    mark = len(BOM_UTF8) if sniffed.encoding == "utf-8-sig" else 0
    file = DelimitedFile(in_utf8(loaded, sniffed.encoding), sniffed.delimiter, sniffed.has_header, mark)
    if file.literal_quotes:
        notes.append(Note("quotes", "letters", "they do not enclose fields, and every line has the same number of tabs"))

    def parts() -> Iterator[Parts]:
        place, size = file.begin, HEAD_BYTES
        while place == file.begin or not file.ended(place):
            read, place = file.read(place, size)
            size = PART_BYTES
            yield read.frame, read.rejected

    return parts


def in_utf8(loaded: FileContent, encoding: str) -> FileContent:
    """The same in UTF-8, damaged bytes as they are. Raises E117 for UTF-16 that is cut or damaged, and E172."""
    if encoding.startswith("utf-8"):
        return loaded
    if loaded.file is None:
        data = decode(loaded.data, encoding, loaded.path).encode()
        return replace(loaded, data=data, size=len(data))
    file, head, size = scratch_file(), b"", 0
    kept = SpilledContent(file)
    try:
        for text in texts_of(loaded, encoding):
            part = text.encode()
            with scratch_errors():
                file.write(part)
            head += part[: HEAD_BYTES - len(head)]
            size += len(part)
    except UnicodeDecodeError as problem:
        raise not_decoded(problem, encoding, loaded.path) from problem
    with scratch_errors():
        file.flush()
    return replace(loaded, data=head, size=size, file=kept)


def _text(data: bytes, encoding: str, path: Path) -> str:
    return decode(data, encoding, path).removeprefix("\ufeff")


def _json_lines(content: FileContent) -> Callable[[], Iterator[Parts]]:
    """What a column holds is told from all of it, so a large file is gone through twice."""
    if content.size <= HEAD_BYTES:
        seen = None
    else:
        seen = json_schema(parse_lines(lines)[0] for _, lines in _lines(content))

    def parts() -> Iterator[Parts]:
        for before, lines in _lines(content):
            objects, numbers, bad = parse_lines(lines, before + 1)
            yield to_frame(objects, numbers, content.path, seen or json_schema([objects])), bad

    return parts


def _lines(content: FileContent) -> Iterator[tuple[int, list[str]]]:
    """The lines of each part, and how many there are before it. A part ends where a line does."""
    start, size, before = 0, HEAD_BYTES, 0
    while start < content.size:
        data = content.part(start, size)
        if start + len(data) < content.size:
            end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
            if not end:  # a line is longer than a part
                size *= 2
                continue
            data = data[:end]
        lines = _split_lines(_text(data, "utf-8", content.path) if not start else decode(data, "utf-8", content.path))
        start, size = start + len(data), PART_BYTES
        if start < content.size:
            lines.pop()  # what is behind the last line end
        yield before, lines
        before += len(lines)


def _split_lines(text: str) -> list[str]:
    """Lines as an editor shows them; ``str.splitlines`` would also split at form feeds and other rare characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _fasttext(content: FileContent) -> Iterator[Parts]:
    for before, lines in _lines(content):
        yield _fasttext_rows(lines, before + 1)


def _fasttext_rows(lines: list[str], first: int) -> Parts:
    bad: list[tuple[int, str]] = []
    labels: list[str] = []
    texts: list[str | None] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        if fault := _fasttext_fault(line):
            bad.append((number, intern(fault)))  # millions may have the same
        else:
            label, _, text = line.removeprefix(FASTTEXT).replace("\t", " ", 1).partition(" ")
            labels.append(label)
            texts.append(text or None)
            numbers.append(number)
    schema = {"label": pl.String, "text": pl.String, ROW: pl.Int64}
    return pl.DataFrame({"label": labels, "text": texts, ROW: numbers}, schema=schema), bad


def _fasttext_fault(line: str) -> str:
    labels = len(_LABEL.findall(line)) if FASTTEXT in line[1:] else line.startswith(FASTTEXT)
    if labels > 1:
        return f"more than one label ({labels} of them)"
    if not labels or not line.startswith(FASTTEXT):
        return f"no {FASTTEXT} at the start of the line"
    return text_fault(line)


def _folder(path: Path, sniffed: Sniffed) -> Table:
    rows: list[tuple[str, str, str, int]] = []
    rejected: list[Rejected] = []
    files = [file for texts in class_folders(path).values() for file in texts]
    for number, file in enumerate(files, start=1):
        try:
            label, name = _printable(file.parent.name), _printable(file.name)
            rows.append((label, _document(file), f"{label}/{name}", number))
        except TrainwrightError as problem:
            rejected.append(Rejected(_printable(str(file)), 0, problem.what))
    schema = {"label": pl.String, "text": pl.String, "path": pl.String, ROW: pl.Int64}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), str(path), rejected, list(sniffed.notes), False)


def _document(file: Path) -> str:
    """The text of one file.

    Raises:
        SourceError: what ``load`` and ``decode`` refuse, and text with NUL or damaged bytes (E120).
    """
    data = load(file).data
    text = decode(data, encoding_of([data], file)[0], file)
    if fault := text_fault(text):
        raise error("E120", path=file, why=fault)
    return text


def _printable(name: str) -> str:
    """A file name whose bytes are not valid in the system's encoding holds surrogates, which no column can."""
    return name.encode("utf-8", "replace").decode()


def _parquet(loaded: FileContent, notes: list[Note]) -> Callable[[], Iterator[Parts]]:
    source = loaded.data or loaded.path
    with _parquet_errors(loaded.path):
        schema = pl.scan_parquet(source, glob=False, hive_partitioning=False).collect_schema()
    refuse_names(list(schema), loaded.path)
    odd = (pl.Binary, pl.Object, pl.Null)
    nested = [name for name, kind in schema.items() if kind.is_nested() or kind in odd]
    notes += [Note("column left out", name, f"{schema[name]} is neither text nor number") for name in nested]
    kept = [name for name in schema if name not in nested]

    def parts() -> Iterator[Parts]:
        before = 0
        for frame in _row_groups(loaded, source):
            columns = [frame[name] for name in kept]  # by hand, as a name might be a pattern
            spelled = [each.cast(pl.String) if isinstance(each.dtype, (pl.Categorical, pl.Enum)) else each for each in columns]
            numbers = pl.int_range(before + 1, before + frame.height + 1, dtype=pl.Int64, eager=True)
            yield pl.DataFrame([*spelled, numbers.alias(ROW)]), []
            before += frame.height

    return parts


def _row_groups(loaded: FileContent, source: bytes | Path) -> Iterator[pl.DataFrame]:
    """A file whole, or of a large one so many rows at a time that they are about ``PART`` bytes, at first ``HEAD``."""
    if loaded.size <= HEAD_BYTES // PACKED or not isinstance(source, Path):
        with _parquet_errors(loaded.path):
            yield pl.read_parquet(source, glob=False, hive_partitioning=False)
        return
    with _parquet_errors(loaded.path):
        scan = pl.scan_parquet(source, glob=False, hive_partitioning=False)
        sample = scan.head(1000).collect()
        rows = max(PART_BYTES * len(sample) // max(int(sample.estimated_size()), 1), 1)
        batches = scan.collect_batches(chunk_size=rows, maintain_order=True)
    waiting: list[pl.DataFrame] = []
    while True:
        with _parquet_errors(loaded.path):
            batch = next(batches, None)
        if batch is not None:
            waiting.append(batch)
        if len(waiting) == HEAD_BYTES // PART_BYTES or (batch is None and waiting):
            yield pl.concat(waiting)
            waiting = []
        if batch is None:
            return


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    """Raises E115 for what polars cannot read."""
    try:
        with _speechless():
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise error("E115", path=path) from problem


@contextmanager
def _speechless() -> Iterator[None]:
    """Without standard error: before polars raises a panic, it writes pages for its own developers there."""
    standard = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(standard, 2)
        os.close(standard)
