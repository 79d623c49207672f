"""Running text for language models: where it lies, split by split, and what it says.

Promises: files are read in sorted order; the splits of one text are contiguous and in reading order; line ends are
``\\n`` whatever the file has; bytes that are no text become U+FFFD and are counted, with the file and line of the first.

``python-reference`` is the part of Python's language reference that comes with Python as the help of ``help("if")``. Its
source file is parsed, never imported or executed. The text differs a little from one Python version to the next.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from codecs import utf_8_decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainwright.data.files.content import load, plain_suffix, require
from trainwright.data.files.encoding import DAMAGED, LOOKED_AT_BYTES, decode, encoding_of, utf16_side
from trainwright.data.files.folders import entries, part_of, printable, short_name
from trainwright.data.read.formats import by_suffix
from trainwright.data.read.layout import text_classes, text_splits
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.data.read.sniff import SAMPLE, sniff_loaded
from trainwright.data.tables.column_names import KNOWN, plain
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected
from trainwright.errors import TrainwrightError, error
from trainwright.watch.events import Note

TEXT_SUFFIXES = (".txt", ".text", ".md", ".tokens", ".raw")  # the last two as WikiText has them
NOT_GIVEN = ("E101", "E102")  # messages for a file that the system does not give
PUNCTUATION = ",;:"  # in prose white space follows these; in a table a value does


@dataclass
class Corpus:
    """Where the text of each split is: sorted paths by ``train``, ``valid`` and ``test``, as far as they are there."""

    files: dict[str, list[Path]]
    name: str
    notes: list[Note] = field(default_factory=list)


def holds_corpus(path: Path, options: ReadOptions = DERIVED) -> bool:
    """Return whether ``path`` is a file of running text or a folder of such files, told from a sample of one file.

    A table of any format is none, and what has a delimiter or a header, as a person says, is one; neither is a folder with one
    folder of files a class. Raise nothing.
    """
    if {"delimiter", "header"} & options.binding.keys():
        return False
    try:
        if not path.is_dir():
            return _is_prose(path, options)
        by_split = _split_folders(path) or _by_name(_texts(path))
        if not by_split and (text_classes(path) or text_splits(path)):
            return False
        files = by_split["train"] if by_split else _texts(path)
        first = next(filter(_is_given, files), None)
        return bool(files) and (first is None or _is_prose(first, options))
    except (TrainwrightError, OSError, ValueError):
        return False


def find_corpus(path: Path, valid: Path | None = None, test: Path | None = None) -> Corpus:
    """Find the files of each split under ``path``: one file, or a folder of text files (``.txt``, ``.md`` ...).

    Where the names of a folder's files (``ptb.train.txt``) or of its folders (``train/``) say the split, they decide; else all
    files are training text. ``valid`` and ``test``, each a file or a folder, take the place of what is found, and a file of
    theirs is not read as training text.

    Raise E101 and E102 (missing, unreadable), E160 (a folder without text files), E163 (a file in two splits).
    """
    notes: list[Note] = []
    given = {part: each for part, each in (("valid", valid), ("test", test)) if each is not None}
    for each in (path, *given.values()):
        require(each)
    files = _of_folder(path, notes) if path.is_dir() else {"train": [path]}
    files |= {part: _all(each) for part, each in given.items()}
    if path.is_dir():
        held = {file.resolve() for part in given for file in files[part]}
        files["train"] = [file for file in files["train"] if file.resolve() not in held]
        if not files["train"]:
            raise error("E160", path=path)
    _refuse_shared(files)
    return Corpus({part: files[part] for part in NAMES if part in files}, short_name(path), notes)


def read_text(
    files: Sequence[Path], notes: list[Note] | None = None, named: str = "", rejected: list[Rejected] | None = None
) -> str:
    """Return the text of all files in this order, each beginning on a line of its own, with ``\\n`` line ends.

    ``named`` is their encoding, where a person said it. ``notes`` is given the encoding of each file that is not plain UTF-8,
    and what was damaged in it; ``rejected`` those of several files that may not be read, which are left out. Raise E101 to E106
    for a file that cannot be read, E117 and E191 for its encoding, E120 for no text, E161 for nothing but white space in all.
    """
    said = [] if notes is None else notes
    texts, refused = [], []
    for file in files:
        try:
            texts.append(_read(file, said, named))
        except TrainwrightError as problem:
            if rejected is None or problem.code not in NOT_GIVEN:
                raise
            refused.append(problem)
            rejected.append(Rejected(printable(str(file)), 0, problem.what))
    if refused and not texts:
        raise refused[0]
    text = "".join(f"{each}\n" if each and not each.endswith("\n") else each for each in texts[:-1]) + "".join(texts[-1:])
    if not text or text.isspace():
        raise error("E161", files=", ".join(str(file) for file in files[:3]) + (" ..." if len(files) > 3 else ""))
    return text


def cut(text: str, valid_fraction: float, test_fraction: float, where: str = "") -> dict[str, str]:
    """Return ``train``, then ``valid``, then ``test`` as blocks of about these fractions; a fraction of 0 has no entry.

    Each cut is at the line end nearest to its place, as long as that moves it by less than half of the smallest block; where
    there is none, at the nearest space; else right there. Raise E164 where there are fewer characters than splits.
    """
    wanted = {"valid": valid_fraction, "test": test_fraction}
    sizes = {part: int(fraction * len(text)) for part, fraction in wanted.items() if fraction > 0}
    sizes = {"train": len(text) - sum(sizes.values())} | sizes
    if min(sizes.values()) < 1:
        raise error("E164", count=len(text), parts=", ".join(sizes), where=where)
    blocks: dict[str, str] = {}
    start = place = 0
    for part, size in sizes.items():
        place += size
        end = place if place == len(text) else _boundary(text, place, (min(sizes.values()) - 1) // 2)
        blocks[part], start = text[start:end], end
    return blocks


def embedded() -> str:
    """Return the text of ``python-reference``: its topics by name. Raise E162 for a Python that came without it."""
    place = Path(sysconfig.get_path("stdlib")) / "pydoc_data" / "topics.py"
    try:
        for statement in ast.parse(place.read_bytes()).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "topics":
                topics: dict[str, str] = ast.literal_eval(statement.value)
                return "\n\n".join(topics[name].strip("\n") for name in sorted(topics)) + "\n"
    except (OSError, SyntaxError, ValueError, TypeError, AttributeError) as problem:
        raise error("E162", where=str(place)) from problem
    raise error("E162", where=str(place))


def _is_prose(path: Path, options: ReadOptions) -> bool:
    """Return whether the file is readable text in which no table is recognised."""
    if by_suffix(plain_suffix(path)):
        return False
    try:
        loaded = load(path, records=False, at_least=4 * SAMPLE + 1)  # more than the sniffer looks at, so it knows of the rest
        loaded = replace(loaded, data=_whole_characters(loaded.data))
        found = sniff_loaded(loaded, options)
    except TrainwrightError as problem:
        return problem.code == "E108"
    if found.format != "csv":
        return False
    text = loaded.data[: 4 * SAMPLE].decode(found.encoding, "replace").lstrip("\ufeff\r\n")
    return loaded.suffix == ".md" or _only_punctuation(text, found.delimiter)


def _is_given(path: Path) -> bool:
    """Return whether a file can be opened."""
    with suppress(OSError), path.open("rb"):
        return True
    return False


def _only_punctuation(text: str, delimiter: str) -> bool:
    """Return whether what was taken for a delimiter is a mark of prose, under no line of column names."""
    names = [plain(name.strip("\"'")) for name in text.partition("\n")[0].split(delimiter)]
    if len(names) == 1:
        return True
    if delimiter not in PUNCTUATION or sum(name in KNOWN for name in names) > 1:
        return False
    return len(re.findall(re.escape(delimiter) + r"\s", text)) > 0.8 * text.count(delimiter)


def _whole_characters(data: bytes) -> bytes:
    """Return the bytes without the up to three bytes of a UTF-8 character that the sample's end cut."""
    if not utf16_side(data[:LOOKED_AT_BYTES]):
        with suppress(UnicodeDecodeError):
            return data[: utf_8_decode(data)[1]]
    return data


def _read(path: Path, notes: list[Note], named: str) -> str:
    try:
        loaded = load(path, records=False)
    except TrainwrightError as problem:
        if problem.code != "E104":
            raise
        raise error("E120", path=path, why=problem.what.rpartition(": ")[2]) from None
    encoding, why = encoding_of([loaded.data], path, named)
    text = decode(loaded.data, encoding, path)
    if text[:4096].count("\0") > 400:
        raise error("E120", path=path, why="it looks like binary data")
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(Note("encoding", encoding, f"{path.name}: {why}"))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii() and (first := DAMAGED.search(text)):
        line = text.count("\n", 0, first.start()) + 1
        text, count = DAMAGED.subn("\ufffd", text)
        notes.append(Note("damaged bytes", str(count), f"not valid UTF-8, read as U+FFFD; the first in {path}, line {line}"))
    return text


def _of_folder(path: Path, notes: list[Note]) -> dict[str, list[Path]]:
    by_split, why = _split_folders(path), "by the names of its folders"
    if not by_split:
        by_split, why = _by_name(_texts(path)), "by the names of its files"
        if by_split and (others := len(_texts(path)) - sum(map(len, by_split.values()))):
            notes.append(Note("left out", str(others), "text files whose names say no split"))
    if not by_split:
        by_split, why = {"train": _all(path)}, "all files in the order of their names"
    notes.append(Note("files", ", ".join(f"{part} {len(by_split[part])}" for part in NAMES if part in by_split), why))
    return by_split


def _split_folders(path: Path) -> dict[str, list[Path]]:
    """Return texts by split where every folder with texts is named after one, and ``train`` is among them."""
    folders = {entry: _texts(entry) for entry in entries(path) if entry.is_dir()}
    named = [(part_of(folder.name), files) for folder, files in folders.items() if files]
    found = {part: files for part, files in named if part}
    return found if "train" in found and len(found) == len(named) else {}


def _by_name(files: list[Path]) -> dict[str, list[Path]]:
    """Return the files by the split that their names say, or nothing unless some say ``train``."""
    found: dict[str, list[Path]] = {}
    for file in files:
        if part := part_of(file.name):
            found.setdefault(part, []).append(file)
    return found if "train" in found else {}


def _all(path: Path) -> list[Path]:
    files = _texts(path) if path.is_dir() else [path]
    if not files:
        raise error("E160", path=path)
    return files


def _texts(folder: Path) -> list[Path]:
    return [entry for entry in entries(folder) if plain_suffix(entry) in TEXT_SUFFIXES and entry.is_file()]


def _refuse_shared(files: Mapping[str, list[Path]]) -> None:
    """Raise E163 for a file in two splits: a text that is trained on and measured on would measure memory."""
    seen: dict[Path, str] = {}
    for part, paths in files.items():
        for path in paths:
            first = seen.setdefault(path.resolve(), part)
            if first != part:
                raise error("E163", path=path, first=first, second=part)


def _boundary(text: str, at: int, reach: int) -> int:
    """Return the place nearest to ``at``, within ``reach``, that follows a newline; else a space; else ``at`` itself."""
    for mark in "\n ":
        before = text.rfind(mark, max(at - reach - 1, 0), at) + 1
        after = text.find(mark, at, at + reach) + 1
        if found := [place for place in (before, after) if place]:
            return min(found, key=lambda place: abs(place - at))
    return at
