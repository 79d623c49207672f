"""The formats of files that hold a table: a format is a module that reads it, and its entry in ``FORMATS``.

The module has ``open_parts(content, sniffed)``, which returns a function that yields (frame, [(record number, reason), ...])
for each part of the file, anew whenever it is called, the frame with the column ``ROW``. The content of a text format is in
UTF-8. The module of a text format also has ``sniff(sample)``: what the start of a file is found to be, or None.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any

from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.errors import nearest
from trainwright.watch.events import Note

if TYPE_CHECKING:
    import polars as pl

Part = tuple["pl.DataFrame", list[tuple[int, str]]]
LONGEST_NAME, TEXT = 255, ".txt"
OpenedParts = Callable[[], Iterator[Part]]


@dataclass(frozen=True)
class Format:
    """A format; its module is imported when a file is read. ``magic`` are the first bytes of a binary one."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    magic: bytes = b""

    @property
    def reader(self) -> Any:
        """Return the module."""
        return importlib.import_module(self.module)


FORMATS = [
    Format("parquet", (".parquet", ".pq"), "trainwright.data.read.parquet", b"PAR1"),
    Format("arrow", (".arrow", ".feather", ".ipc"), "trainwright.data.read.arrow", b"ARROW1"),
    Format("arrow stream", (".arrows",), "trainwright.data.read.arrow", b"\xff\xff\xff\xff"),
    Format("workbook", (".xlsx", ".xlsm", ".xlsb", ".ods"), "trainwright.data.read.excel", b"PK\x03\x04"),
    Format("old workbook", (".xls",), "trainwright.data.read.excel", b"\xd0\xcf\x11\xe0"),
    Format("fasttext", (), "trainwright.data.read.fasttext"),
    Format("jsonl", (".jsonl", ".ndjson"), "trainwright.data.read.json_lines"),
    Format("json", (".json",), "trainwright.data.read.json_document"),
    Format("csv", (".csv", ".tsv"), "trainwright.data.read.delimited"),  # last: what no other is sure of
]
# files that are not read, though a word that ends so names one
DOCUMENTS = (".md", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".html", ".htm", ".xml", ".log", ".db", ".npy", ".npz", ".pkl")


def by_suffix(suffix: str) -> str:
    """Return the name of the format whose files end so, or an empty string."""
    return next((each.name for each in FORMATS if suffix in each.suffixes), "")


def names_file(word: str) -> bool:
    """Return whether a word can only be meant as the name of a file: it leads through folders, or has an ending that is known.

    Several words are the name of one where it ends so and is nearly that of a file which is there.
    """
    one = not any(letter.isspace() for letter in word)
    if one and (os.sep in word or word.startswith("~")):
        return True
    ends = _ending_known(word) or Path(word).suffix.lower() in DOCUMENTS
    return ends and (one or bool(nearest_file(word)))


def _ending_known(name: str) -> bool:
    """Return whether a name ends as those of data, texts, archives or pictures do."""
    suffix = Path(name).suffix.lower()
    if not suffix or len(name) > LONGEST_NAME:
        return False
    from trainwright.data.files import virtual  # the prediction of a text has no use for these
    from trainwright.data.files.content import COMPRESSIONS
    from trainwright.data.images.headers import SUFFIXES

    return suffix[1:] in COMPRESSIONS or suffix in (TEXT, *virtual.SUFFIXES, *SUFFIXES) or by_suffix(suffix) != ""


def nearest_file(word: str) -> str:
    """Return a hint with the file whose name is nearest to one that is not there; empty for none."""
    with suppress(OSError, ValueError, RuntimeError):
        place = Path(word).expanduser()
        return nearest(place.name, [entry.name for entry in place.parent.iterdir()])
    return ""


def meant_file(word: str) -> str:
    """Return a hint with the file that one word, without blanks, is nearly the name of; empty for none.

    It has the stem of the word (``new`` or ``new.cvs`` for new.csv), or a name near to it, with an ending near to the word's.
    """
    if not word or any(letter.isspace() for letter in word) or len(word) > LONGEST_NAME:
        return ""
    there = list[str]()
    with suppress(OSError):
        there = sorted(entry.name for entry in Path().iterdir() if _ending_known(entry.name))
    same = [name for name in there if name.startswith(f"{Path(word).stem}.")]
    if same:
        return f"Did you mean '{same[0]}'?"
    suffix = Path(word).suffix
    return nearest(word, there) if suffix and nearest(suffix, {Path(name).suffix for name in there}) else ""


def magics() -> list[bytes]:
    """Return the first bytes of every binary format."""
    return [each.magic for each in FORMATS if each.magic]


@dataclass(frozen=True)
class Sample:
    """The start of a text file. Where it is ``cut`` there is more, so that the last record may not be whole."""

    text: str
    cut: bool
    suffix: str
    path: Path
    options: ReadOptions = DERIVED

    @cached_property
    def lines(self) -> list[str]:
        """Return the first lines that are not blank."""
        return [line for line in self.text[: 1 << 16].splitlines() if line.strip()][:50]

    @cached_property
    def start(self) -> str:
        """Return the text without what is blank before it."""
        return self.text.lstrip("\ufeff \t\r\n")


@dataclass(frozen=True)
class Sniffed:
    """What a path holds: the name of one of ``FORMATS``, or ``folder``. A binary format has no encoding.

    Of delimited text: how many lines stand ``above`` the header, and how many fields more than the header every row has, all
    empty (``spare``; below 0 it is the header that has one); ``ragged``: how many fields a row with one label has, where
    further labels may follow, else 0.
    """

    format: str
    encoding: str = "utf-8"
    delimiter: str = ""
    has_header: bool = True
    notes: list[Note] = field(default_factory=list)
    above: int = 0
    spare: int = 0
    ragged: int = 0


def recognized(format: str, why: str, has_header: bool = True) -> Sniffed:
    """Return what a file is found to be, and the reason as a note."""
    return Sniffed(format, has_header=has_header, notes=[Note("format", format, why)])


def parse_lines(
    lines: Sequence[str], first: int, parse: Callable[[str], Any]
) -> tuple[list[Any], list[int], list[tuple[int, str]]]:
    """Return what ``parse`` makes of each line that is not blank, the numbers of those lines from ``first`` on, and (number,
    reason) for each line of which ``parse`` gives a text: why it cannot be used."""
    found: list[Any] = []
    numbers: list[int] = []
    rejected: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        value = parse(line)
        if isinstance(value, str):
            rejected.append((number, intern(value)))  # millions may have the same
        else:
            found.append(value)
            numbers.append(number)
    return found, numbers, rejected
