"""A folder of texts: one folder of files a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl

from trainwright.data.files.content import load, plain_suffix
from trainwright.data.files.encoding import decode, encoding_of, text_fault
from trainwright.data.files.folders import entries, printable
from trainwright.data.read.formats import Sniffed, recognized
from trainwright.data.read.layout import text_classes, text_splits
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import TrainwrightError, error
from trainwright.watch.events import Note


def sniff(path: Path) -> Sniffed:
    """Return the format of the folder. Raise E112 where it has no classes, and E118 where it is split."""
    if parts := text_splits(path):
        raise error("E118", path=path, parts=", ".join(f"{part.name}/" for part in parts.values()), part=parts["train"])
    classes = text_classes(path)
    if not classes:
        raise error("E112", path=path, found=_described(path))
    named = all(file.suffix.lower() == ".txt" for files in classes.values() for file in files)
    shown = ", ".join(list(classes)[:5]) + (", ..." if len(classes) > 5 else "")
    why = f"one folder of {'.txt files' if named else 'texts'} a class: {shown}"
    return recognized("folder", why, has_header=False)


def read(path: Path, options: ReadOptions = DERIVED) -> Table:
    """Return one row a file; those that cannot be read are named. Raise what ``sniff`` raises, and E190."""
    notes = sniff(path).notes
    options.has_no_use_for(path, "a folder of texts has neither", "delimiter", "header")
    rows: list[tuple[str, str, str, int]] = []
    rejected: list[Rejected] = []
    files = [file for texts in text_classes(path).values() for file in texts]
    named, binding, used = options.encoding, "encoding" in options.binding, "utf-8"
    for number, file in enumerate(files, start=1):
        try:
            label, name = printable(file.parent.name), printable(file.name)
            data = load(file).data
            encoding, why = encoding_of([data], file, named, binding)
            if not encoding.startswith("utf") and used == "utf-8":
                if not named:  # a few words tell little, all files of one make more
                    (named, all_say), binding = encoding_of(_Contents(files), path), False
                    encoding, why = encoding_of([data], file, named, binding)
                    why = all_say if encoding == named else why
                used = encoding
                notes.append(Note("encoding", encoding, f"{name}: {why}"))
            text = decode(data, encoding, file)
            if fault := text_fault(text):
                raise error("E120", path=file, why=fault)
            rows.append((label, text, f"{label}/{name}", number))
        except TrainwrightError as problem:
            rejected.append(Rejected(printable(str(file)), 0, problem.what))
    schema = {"label": pl.String, "text": pl.String, "path": pl.String, ROW: pl.Int64}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), str(path), rejected, notes, False, used)


def _described(path: Path) -> str:
    """Return what lies in a folder, by the ends of the names, as words behind "there"."""
    held = entries(path)
    kinds = Counter("folders" if entry.is_dir() else plain_suffix(entry) or "files without an ending" for entry in held)
    names = [f"{count:,} {kind if kind[0] != '.' else f'{kind} files'}" for kind, count in kinds.most_common(5)]
    examples = ", ".join(printable(entry.name) for entry in held[:3])
    return f"are {', '.join(names)} ({examples}{', ...' if len(held) > 3 else ''})" if held else "is nothing in it"


class _Contents:
    """The bytes of all files that can be read."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[bytes]:
        for file in self._files:
            with suppress(TrainwrightError):
                yield load(file).data + b"\n"
