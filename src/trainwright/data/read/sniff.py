"""Look at a path and say what it holds, and why.

The content decides; the extension is evidence where the content leaves a choice. Promises: the same bytes give the same
answer on every platform, every answer comes with its reason, and nothing is read that ``load`` would refuse.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trainwright.data.files.content import MAX_RECORD_BYTES, FileContent, binary_kind, load, require
from trainwright.data.files.encoding import encoding_of
from trainwright.data.files.folders import class_folders, split_folder
from trainwright.data.images.headers import SUFFIXES
from trainwright.data.tables.column_names import KNOWN, plain
from trainwright.errors import error
from trainwright.watch.events import Note

SAMPLE = 1 << 18  # characters looked at for format, delimiter and header; the encoding is told from the whole file
SAMPLE_RECORDS = 200
DELIMITERS = "\t,;|^~:"  # where two fit equally well, the one that prose has less often wins
NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", "^": "caret", "~": "tilde", ":": "colon"}
FASTTEXT = "__label__"
IMAGE_SUFFIXES = tuple(sorted(SUFFIXES))
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_NAME = re.compile(r"[^\W\d][\w.\-/()#%]{0,39}")


@dataclass(frozen=True)
class Sniffed:
    """What a path holds.

    Attributes:
        format: ``csv`` (any delimiter), ``jsonl``, ``json``, ``parquet``, ``fasttext`` or ``folder``.
        compression: ``""``, ``gz`` or ``zst``.
        encoding: a name that ``bytes.decode`` knows; empty for Parquet. See ``encoding.encoding_of``.
        delimiter: of csv; else empty.
        has_header: whether the first record names the columns; False for csv and fastText without names.
        notes: (what, value, why), for printing.
    """

    format: str
    compression: str = ""
    encoding: str = "utf-8"
    delimiter: str = ""
    has_header: bool = True
    notes: list[Note] = field(default_factory=list)


def sniff(path: Path) -> Sniffed:
    """Say what ``path`` holds.

    Raises:
        SourceError: nothing there or not readable (E101-E107), no format recognised (E108), a folder without classes
            (E112) or one that is already split (E118), an encoding that is not supported (E117).
    """
    path = Path(path)
    require(path)
    return _folder(path) if path.is_dir() else sniff_loaded(load(path, streamed=True))


def _folder(path: Path) -> Sniffed:
    if parts := split_folder(path):
        raise error("E118", path=path, parts=", ".join(f"{part.name}/" for part in parts.values()), part=parts["train"])
    classes = class_folders(path)
    if not classes:
        raise error("E112", path=path)
    why = f"one folder of .txt files a class: {', '.join(list(classes)[:5])}{', ...' if len(classes) > 5 else ''}"
    return Sniffed("folder", has_header=False, notes=[Note("format", "folder", why)])


def sniff_loaded(loaded: FileContent) -> Sniffed:
    """``sniff`` for a file that is already in memory."""
    notes: list[Note] = []
    if loaded.compression:
        notes.append(Note("compression", loaded.compression, "by its first bytes"))
    if loaded.parquet:
        notes.append(Note("format", "parquet", "its first bytes are PAR1"))
        return Sniffed("parquet", loaded.compression, "", notes=notes)
    encoding, why = encoding_of(loaded, loaded.path)
    notes.append(Note("encoding", encoding, why))
    sample, cut = _sample(loaded, encoding)
    kind, why = _format(sample, loaded.suffix)
    if kind != "csv":
        notes.append(Note("format", kind, why))
        return Sniffed(kind, loaded.compression, encoding, has_header=kind != "fasttext", notes=notes)
    delimiter, delimiter_why = _delimiter(sample, cut, loaded)
    has_header, header_why = _header(_records(sample, delimiter, cut))
    notes += [
        Note("format", "csv", delimiter_why),
        Note("delimiter", NAMES[delimiter], delimiter_why),
        Note("header", "yes" if has_header else "no", header_why),
    ]
    return Sniffed("csv", loaded.compression, encoding, delimiter, has_header, notes)


def _sample(loaded: FileContent, encoding: str) -> tuple[str, bool]:
    """The start of the text and whether it was cut (then its last record is not whole)."""
    head = loaded.data[: 4 * SAMPLE]  # 4 bytes a character at most; even, so no UTF-16 unit is cut
    text = head.decode(encoding, "replace")
    if not text.strip("\r\n\t \ufeff\x00"):
        raise error("E103" if loaded.size <= len(head) else "E108", path=loaded.path)
    start = text[:4096]
    if kind := binary_kind(start.encode("utf-8", "replace")) or ("binary data" if start.count("\0") > 400 else ""):
        raise error("E104", path=loaded.path, kind=kind)
    return text[:SAMPLE], loaded.size > len(head) or len(text) > SAMPLE


def _format(sample: str, suffix: str) -> tuple[str, str]:
    lines = [line for line in sample[: 1 << 16].splitlines() if line.strip()][:50]
    labelled = sum(line.startswith(FASTTEXT) for line in lines)
    if labelled * 2 >= len(lines) and labelled:
        return "fasttext", f"{labelled} of its first {len(lines)} lines start with {FASTTEXT}"
    first = sample.lstrip("\ufeff \t\r\n")
    if first.startswith("{"):
        return _object(lines, suffix)
    if first.startswith("[") and (suffix in (".json", ".jsonl", ".ndjson") or re.match(r"\[\s*[{\]]", first)):
        return "json", "it starts with ["
    if suffix in (".jsonl", ".ndjson") and sum(_is_object(line) for line in lines) * 2 >= len(lines):
        return "jsonl", "by its extension, and most lines are JSON objects"
    return "csv", ""


def _object(lines: list[str], suffix: str) -> tuple[str, str]:
    """A file that starts with ``{``: one object a line, or one object over the whole file."""
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl", "by its extension, and it starts with {"
    if sum(_is_object(line) for line in lines) * 2 >= len(lines) and (len(lines) > 1 or suffix != ".json"):
        return "jsonl", "every line is a JSON object"
    return "json", "it starts with {"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


@contextmanager
def long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is global, for the time of one reading."""
    before = csv.field_size_limit(MAX_RECORD_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(sample: str, delimiter: str, cut: bool) -> list[list[str]]:
    """The first records with anything in them; the last one is left out where the sample was cut inside it."""
    records: list[list[str]] = []
    with long_fields():
        for record in csv.reader(io.StringIO(sample.removeprefix("\ufeff"), newline=""), delimiter=delimiter):
            if record:
                records.append(record)
            if len(records) > SAMPLE_RECORDS:
                return records
    return records[:-1] if cut and len(records) > 1 else records


def _delimiter(sample: str, cut: bool, loaded: FileContent) -> tuple[str, str]:
    best: tuple[float, ...] = ()
    chosen, why = "", ""
    wanted = {".csv": ",", ".tsv": "\t"}.get(loaded.suffix, "")
    for place, delimiter in enumerate(DELIMITERS):
        records = _records(sample, delimiter, cut)
        width = len(records[0])
        if width < 2:
            continue
        share = sum(len(record) == width for record in records) / len(records)
        known = sum(plain(name) in KNOWN for name in records[0])
        if not _plausible(delimiter, share, known, len(records), loaded.suffix):
            continue
        beside_quotes = sample.count(f'"{delimiter}') + sample.count(f'{delimiter}"') > len(records) / 2
        # many a .csv is not comma-separated; a .tsv is what it says
        is_tsv = loaded.suffix == ".tsv" and delimiter == "\t"
        score = (min(known, 2), is_tsv, round(share, 1), beside_quotes, -place)
        if not best or score > best:
            best, chosen = score, delimiter
            why = f"{width} fields in {share:.0%} of the first {len(records)} records"
    if chosen:
        return chosen, why
    if loaded.suffix in (".csv", ".tsv"):
        return wanted, "by its extension; a single column"
    if plain(sample.split("\n", 1)[0]) in KNOWN:
        return ",", "a single column under a usual name"
    raise error("E108", path=loaded.path)


def _plausible(delimiter: str, share: float, known: int, count: int, suffix: str) -> bool:
    """Prose has commas and colons too: without a table's extension or column names, every record must agree."""
    if known > 1:
        return True
    if delimiter == ":":
        return share == 1 and count > 1
    if suffix in (".csv", ".tsv"):
        return share >= 0.5 or delimiter == {".csv": ",", ".tsv": "\t"}[suffix]
    return share >= 0.9 and count > 1


def _header(records: list[list[str]]) -> tuple[bool, str]:
    """Whether the first record names the columns, and the sign that decided."""
    head, body = records[0], [record for record in records[1:] if len(record) == len(records[0])]
    columns = [[record[place] for record in body] for place in range(len(head))]
    return (
        _usual_name(head, columns)
        or _number_above(head)
        or _image_above(head)
        or _value_again(head, columns)
        or _above_numbers(head, columns)
        or _not_among_few(head, columns)
        or _looks_like_names(head, columns)
    )


def _usual_name(head: Sequence[str], columns: list[list[str]]) -> tuple[bool, str] | None:
    known = [plain(name) in KNOWN for name in head]
    for name, is_known, column in zip(head, known, columns, strict=True):
        if is_known and (all(known) or name not in column):
            return True, f"'{name}' is a usual column name"
    return None


def _number_above(head: Sequence[str]) -> tuple[bool, str] | None:
    found = next((cell for cell in head if _NUMBER.fullmatch(cell)), None)
    return None if found is None else (False, f"'{found}' in the first record is a number, not a name")


def _image_above(head: Sequence[str]) -> tuple[bool, str] | None:
    found = next((cell for cell in head if cell.strip().lower().endswith(IMAGE_SUFFIXES)), None)
    return None if found is None else (False, f"'{_brief(found)}' in the first record is an image file, not a name")


def _value_again(head: Sequence[str], columns: list[list[str]]) -> tuple[bool, str] | None:
    for place, (cell, column) in enumerate(zip(head, columns, strict=True), start=1):
        if cell and cell in column:
            return False, f"'{_brief(cell)}' of the first record is found again in column {place}"
    return None


def _above_numbers(head: Sequence[str], columns: list[list[str]]) -> tuple[bool, str] | None:
    for name, column in zip(head, columns, strict=True):
        filled = [cell for cell in column if cell]
        if name and filled and sum(bool(_NUMBER.fullmatch(cell)) for cell in filled) >= 0.9 * len(filled):
            return True, f"'{_brief(name)}' stands above numbers"
    return None


def _not_among_few(head: Sequence[str], columns: list[list[str]]) -> tuple[bool, str] | None:
    for name, column in zip(head, columns, strict=True):
        values = set(column)
        if name and len(column) >= 20 and len(values) <= len(column) // 5:
            return True, f"'{_brief(name)}' is not among the {len(values)} values that recur below it"
    return None


def _looks_like_names(head: Sequence[str], columns: list[list[str]]) -> tuple[bool, str]:
    if all(_name_like(name, column) for name, column in zip(head, columns, strict=True)) and columns[0]:
        return True, "the first record looks like names: short, distinct words"
    return False, "the first record looks like the others"


def _name_like(name: str, column: list[str]) -> bool:
    """One word; or up to three that are much shorter than what stands below them."""
    words = name.split()
    if not 1 <= len(words) <= 3 or not all(_NAME.fullmatch(word) for word in words):
        return not name
    return len(words) == 1 or sum(map(len, column)) > 3 * len(name) * len(column)


def _brief(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
