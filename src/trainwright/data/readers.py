"""A file to a Table: the only door through which text files enter.

Promises: every record of the file is either a row of ``Table.frame`` or an entry of ``Table.rejected`` with its number
and the reason (blank lines are neither); values are kept as they are, without stripping; the same file gives the same
table everywhere. Whatever is wrong with a file is said as a ``SourceError``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sys import intern

import polars as pl

from trainwright.data.delimited import read_delimited, refuse_names
from trainwright.data.encoding import decode, encoding_of, text_fault
from trainwright.data.folders import class_folders, split_folder
from trainwright.data.load import Loaded, load, require
from trainwright.data.records import parse_document, parse_lines, to_frame
from trainwright.data.sniff import FASTTEXT, Sniffed, sniff, sniff_loaded
from trainwright.data.table import ROW, Rejected, Stream, Table
from trainwright.errors import TrainwrightError, error

__all__ = ["read_table", "split_folder"]

_LABEL = re.compile(rf"(?:^|\s){FASTTEXT}\S")
Parts = tuple[pl.DataFrame, list[tuple[int, str]]]


def read_table(path: Path) -> Table:
    """Read the file or folder at ``path`` as one table. Raises as ``open_table``."""
    return open_table(path).whole()


def open_table(path: Path) -> Stream:
    """Read the file or folder at ``path``, whatever its format (see ``sniff``).

    Raises:
        SourceError: E101 to E119, for everything that keeps the file as a whole from being read; a bad record does
            not, unless no good one is left (E111).
    """
    path = Path(path)
    require(path)
    if path.is_dir():
        table = _folder(path, sniff(path))
    else:
        loaded = load(path)
        table = _file(loaded, sniff_loaded(loaded))
    if not table.frame.height:
        _refuse_empty(table)
    return Stream(table)


def _refuse_empty(table: Table) -> None:
    if not table.rejected:
        raise error("E109", path=table.file)
    first = table.rejected[0]
    where = f"{first.file}, row {first.row}" if first.row else first.file
    raise error("E111", path=table.file, count=len(table.rejected), why=first.reason, where=where)


def _file(loaded: Loaded, sniffed: Sniffed) -> Table:
    notes = list(sniffed.notes)
    if sniffed.format == "csv":
        frame, bad = _csv(loaded, sniffed, notes)
    elif sniffed.format == "parquet":
        frame, bad = _parquet(loaded, notes)
    else:
        text = decode(loaded.data, sniffed.encoding, loaded.path).removeprefix("\ufeff")
        frame, bad = _text(text, sniffed.format, loaded.path)
    file = str(loaded.path)
    rejected = [Rejected(file, number, reason) for number, reason in bad]
    return Table(frame, file, rejected, notes, sniffed.has_header)


def _csv(loaded: Loaded, sniffed: Sniffed, notes: list[tuple[str, str, str]]) -> Parts:
    data = loaded.data
    if sniffed.encoding == "utf-8-sig":
        data = data[3:]
    elif sniffed.encoding != "utf-8":
        data = decode(data, sniffed.encoding, loaded.path).encode()
    read = read_delimited(data, sniffed.delimiter, sniffed.has_header, loaded.path)
    if read.literal_quotes:
        notes.append(("quotes", "letters", "they do not enclose fields, and every line has the same number of tabs"))
    return read.frame, read.rejected


def _text(text: str, kind: str, path: Path) -> Parts:
    if kind == "fasttext":
        return _fasttext(_split_lines(text))
    if kind == "json":
        objects, numbers, bad = parse_document(text, path)
    else:
        objects, numbers, bad = parse_lines(_split_lines(text))
    return to_frame(objects, numbers, path), bad


def _split_lines(text: str) -> list[str]:
    """Lines as an editor shows them; ``str.splitlines`` would also split at form feeds and other rare characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _fasttext(lines: list[str]) -> Parts:
    bad: list[tuple[int, str]] = []
    labels: list[str] = []
    texts: list[str | None] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, start=1):
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
    text = decode(data, encoding_of(data, file)[0], file)
    if fault := text_fault(text):
        raise error("E120", path=file, why=fault)
    return text


def _printable(name: str) -> str:
    """A file name whose bytes are not valid in the system's encoding holds surrogates, which no column can."""
    return name.encode("utf-8", "replace").decode()


def _parquet(loaded: Loaded, notes: list[tuple[str, str, str]]) -> Parts:
    source = io.BytesIO(loaded.data) if loaded.data else loaded.path
    try:
        with _speechless():
            frame = pl.read_parquet(source, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise error("E115", path=loaded.path) from problem
    refuse_names(frame.columns, loaded.path)
    odd = (pl.Binary, pl.Object, pl.Null)
    nested = [name for name, kind in frame.schema.items() if kind.is_nested() or kind in odd]
    notes += [("column left out", name, f"{frame.schema[name]} is neither text nor number") for name in nested]
    texts = [pl.col(pl.Categorical, pl.Enum).cast(pl.String)] if _categories(frame) else []
    kept = [column for column in frame if column.name not in nested]  # by hand, as a name might be a pattern to drop
    frame = pl.DataFrame(kept).with_columns(texts)
    return frame.with_columns(pl.int_range(1, frame.height + 1, dtype=pl.Int64).alias(ROW)), []


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


def _categories(frame: pl.DataFrame) -> bool:
    return any(isinstance(kind, (pl.Categorical, pl.Enum)) for kind in frame.dtypes)
