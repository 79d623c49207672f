"""Delimited text (CSV, TSV and the like): which delimiter, whether its first record names the columns, and its rows."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from trainwright.data.files import content as files
from trainwright.data.images.headers import SUFFIXES
from trainwright.data.read.csv_fast import DelimitedFile
from trainwright.data.read.formats import OpenedParts, Part, Sample, Sniffed, by_suffix
from trainwright.data.read.options import DELIMITERS
from trainwright.data.read.preamble import AGREE, Start, excel_mark, start_of
from trainwright.data.read.ragged import labelled_width
from trainwright.data.tables.column_names import KNOWN, plain
from trainwright.data.tables.profile import NUMBER
from trainwright.errors import error
from trainwright.watch.events import Note

# Where two delimiters fit equally well, the one that prose has less often wins: the first. A space is never guessed.
GUESSED = [mark for mark in DELIMITERS if mark != " "]
_NAME = re.compile(r"[^\W\d][\w.\-/()#%]{0,39}")


def sniff(sample: Sample) -> Sniffed:
    """Return the delimiter, and whether there is a header. Raise E108 where no delimiter is found."""
    said = excel_mark(sample)
    delimiter, why = _delimiter(sample, said)
    start = start_of(sample, delimiter)
    has_header, header_why = _header(sample, start)
    notes = [
        Note("format", "csv", why),
        Note("delimiter", DELIMITERS.get(delimiter, delimiter), why),
        Note("header", "yes" if has_header else "no", header_why),
    ]
    if start.shown:
        rows = "row 1" if start.above == 1 else f"rows 1-{start.above}"
        notes.append(Note("passed over", rows, f"above the header: {', '.join(map(repr, map(_brief, start.shown)))}"))
    if start.spare:
        who = "every row" if start.spare > 0 else "the header"
        notes.append(Note("passed over", "an empty field", f"{who} has one more, behind a delimiter at its end"))
    ragged = 0 if start.spare else labelled_width(start.records, has_header, sample.options)
    if wide := sum(len(record) > ragged for record in start.records) if ragged else 0:
        why = f"{wide} of the first {len(start.records)} rows have more than {ragged} fields: further labels"
        notes.append(Note("further labels", f"behind column {ragged}", f"{why}; if not, write target=class"))
    return Sniffed("csv", "utf-8", delimiter, has_header, notes, start.above, start.spare, ragged)


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    mark = len(BOM_UTF8) if content.data.startswith(BOM_UTF8) else 0
    file = DelimitedFile(content, sniffed.delimiter, sniffed.has_header, mark, sniffed.above, sniffed.spare, sniffed.ragged)
    if file.literal_quotes:
        why = "they do not enclose fields, and every line has the same number of tabs"
        sniffed.notes.append(Note("quotes", "letters", why))

    def parts() -> Iterator[Part]:
        place, size = file.begin, files.HEAD_BYTES
        while place.byte < content.size:
            read, place = file.read(place, size)
            size = files.PART_BYTES
            yield read

    return parts


def _header(sample: Sample, start: Start) -> tuple[bool, str]:
    """Return whether the first record names the columns, and why: as given, as its names prove, as in training, by signs."""
    options = sample.options
    if options.header != "auto":
        if "header" in options.binding:
            return options.header == "yes", "as given"
        if not all(plain(name) in KNOWN for name in start.records[0]):
            return options.header == "yes", "as in training"
    first = start.records[0]
    return next(_signs([first, *(record for record in start.records[1:] if record != first)]))  # files put one behind another


def _delimiter(sample: Sample, said: str) -> tuple[str, str]:
    """Return the delimiter, and why: as given, as its first line says, as in training, by how the records agree."""
    options = sample.options
    if "delimiter" in options.binding:
        return options.delimiter, "as given"
    if said:
        return said, f"its first line says so: sep={said}"
    if options.delimiter and (found := start_of(sample, options.delimiter)).width > 1 and found.share >= AGREE:
        return options.delimiter, f"as in training; {found.width} fields in {found.share:.0%} of the first records"
    best: tuple[float, ...] = ()
    chosen, why = "", ""
    wanted = _wanted(sample.suffix)
    for place, delimiter in enumerate(GUESSED):
        start = start_of(sample, delimiter)
        if start.width < 2:
            continue
        count = len(start.records)
        known = sum(plain(name) in KNOWN for name in start.records[0])
        if not _plausible(delimiter, start.share, known, count, wanted):
            continue
        beside_quotes = sample.text.count(f'"{delimiter}') + sample.text.count(f'{delimiter}"') > count / 2
        # many a .csv is not comma-separated; a .tsv is what it says
        is_tsv = wanted == delimiter == "\t"
        from_the_top = not start.above and start.share >= 0.5  # a wrong delimiter makes a title of many a header
        score = (from_the_top, min(known, 2), is_tsv, round(start.share, 1), beside_quotes, -place)
        if not best or score > best:
            best, chosen = score, delimiter
            why = f"{start.width} fields in {start.share:.0%} of the first {count} records"
    if chosen:
        return chosen, why
    if options.delimiter:
        return options.delimiter, "as in training"
    if wanted:
        return wanted, "by its extension; a single column"
    first = sample.text.removeprefix("\ufeff").lstrip("\r\n").splitlines()[0]
    if plain(first) in KNOWN:
        return ",", "a single column under a usual name"
    raise error("E108", path=sample.path, found=f"its first line is {_brief(first)!r}")


def _wanted(suffix: str) -> str:
    """Return the delimiter that a file's name promises, or an empty string."""
    if by_suffix(suffix) != "csv":
        return ""
    return "\t" if suffix == ".tsv" else ","


def _plausible(delimiter: str, share: float, known: int, count: int, wanted: str) -> bool:
    """Return whether records may be parted so. Prose has commas too: without other signs every record must agree."""
    if known > 1:
        return True
    if delimiter == ":":
        return share == 1 and count > 1
    if wanted:
        return share >= 0.5 or delimiter == wanted
    return share >= AGREE and count > 1


def _signs(records: list[list[str]]) -> Iterator[tuple[bool, str]]:
    """Yield the signs that the first record names the columns, or does not; the first that there is decides."""
    head, body = records[0], [record for record in records[1:] if len(record) == len(records[0])]
    columns = [(cell, [record[place] for record in body]) for place, cell in enumerate(head)]  # with what stands below
    known = [plain(name) in KNOWN for name, _ in columns]
    for is_known, (name, below) in zip(known, columns, strict=True):
        if is_known and (all(known) or name not in below):
            yield True, f"'{name}' is a usual column name"
    for cell, _ in columns:
        if re.match(NUMBER, cell):
            yield False, f"'{cell}' in the first record is a number, not a name"
    for cell, _ in columns:
        if cell.strip().lower().endswith(tuple(SUFFIXES)):
            yield False, f"'{_brief(cell)}' in the first record is an image file, not a name"
    for place, (cell, below) in enumerate(columns, start=1):
        if cell and cell in below:
            yield False, f"'{_brief(cell)}' of the first record is found again in column {place}"
    for name, below in columns:
        filled = [cell for cell in below if cell]
        if name and filled and sum(bool(re.match(NUMBER, cell)) for cell in filled) >= 0.9 * len(filled):
            yield True, f"'{_brief(name)}' stands above numbers"
    for name, below in columns:
        if name and len(below) >= 20 and len(set(below)) <= len(below) // 5:
            yield True, f"'{_brief(name)}' is not among the {len(set(below))} values that recur below it"
    if all(_name_like(name, below) for name, below in columns) and columns[0][1]:
        yield True, "the first record looks like names: short, distinct words"
    yield False, "the first record looks like the others"


def _name_like(name: str, column: list[str]) -> bool:
    """Return whether a name is one word, or up to three that are much shorter than what stands below them."""
    words = name.split()
    if not 1 <= len(words) <= 3 or not all(_NAME.fullmatch(word) for word in words):
        return not name
    return len(words) == 1 or sum(map(len, column)) > 3 * len(name) * len(column)


def _brief(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
