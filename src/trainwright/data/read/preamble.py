"""Where the rows of delimited text begin: behind what stands above the header, and which fields of theirs say nothing."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from trainwright.data.read.csv_strict import long_fields
from trainwright.data.read.formats import Sample
from trainwright.data.tables.column_names import KNOWN, plain
from trainwright.data.tables.profile import NUMBER

SAMPLE_RECORDS = 200
MOST_ABOVE = 50  # lines above a header
AGREE = 0.9  # of the records, to be taken for rows of as many fields
FEWEST = 3  # records that must agree, to say what of those above them is no record
_ENDS = re.compile(r"\r\n|\r|\n")
_EXCEL = re.compile(r'\ufeff?"?sep=([^\w"])"?[\r\n]', re.IGNORECASE)


@dataclass(frozen=True)
class Start:
    """How a delimiter cuts the start of a file: ``records``, those with anything in them, from the first that counts on.

    ``above`` are the lines before it, ``shown`` those with anything in them, and ``spare`` as in ``Sniffed``; a field that is
    spare is cut off.
    """

    records: list[list[str]]
    above: int = 0
    shown: list[str] = field(default_factory=list)
    spare: int = 0

    @property
    def width(self) -> int:
        """Return how many fields the first record has."""
        return len(self.records[0])

    @cached_property
    def share(self) -> float:
        """Return the part of the records with as many fields as the first."""
        return sum(len(record) == self.width for record in self.records) / len(self.records)


def excel_mark(sample: Sample) -> str:
    """Return the delimiter that a first line such as ``sep=;`` names, as Excel writes it, or an empty string."""
    found = _EXCEL.match(sample.text)
    return found[1] if found and found[1].isascii() else ""


def start_of(sample: Sample, delimiter: str) -> Start:
    """Return where the rows begin. Only what is certainly no record is passed over."""
    numbered = _records(sample, delimiter)
    lines = [line for line, _ in numbered]
    records = [record for _, record in numbered]
    first = 1 if len(records) > 1 and excel_mark(sample) else 0
    headless = sample.options.binding.get("header") == "no"
    first += _above(records[first:], headless)
    if not first:
        return _without_spare(Start(records), headless)
    above = lines[first] - 1
    shown = [line.strip() for line in _ENDS.split(sample.text[: 1 << 16].removeprefix("\ufeff"))[:above]]
    return _without_spare(Start(records[first:], above, list(filter(None, shown))), headless)


def _records(sample: Sample, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the first records with anything in them, and the lines they begin in; the last one is left out where the sample
    was cut inside it."""
    records: list[tuple[int, list[str]]] = []
    with long_fields():
        reader = csv.reader(io.StringIO(sample.text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
        line = 1
        for record in reader:
            if record:
                records.append((line, record))
            line = reader.line_num + 1
            if len(records) > SAMPLE_RECORDS:
                return records
    return records[:-1] if sample.cut and len(records) > 1 else records


def _above(records: list[list[str]], headless: bool) -> int:
    """Return how many of the first records are titles, comments or the like, as all that follow agree on more fields."""
    width = Counter(map(len, records)).most_common(1)[0][0]
    if width < 2:
        return 0
    count = 0
    while count < min(len(records), MOST_ABOVE) and _is_above(records, count, width):
        count += 1
    rest = records[count:]
    if not count or len(rest) < FEWEST:
        return 0
    found = _without_spare(Start(rest), headless)
    if found.share < AGREE or found.width + found.spare != width:
        return 0
    titles = [[cell for cell in record if cell.strip()] for record in records[:count] if not record[0].startswith("#")]
    like_names = any(len(title) > 1 or plain(title[0]) in KNOWN for title in titles if title)
    if like_names and not (width > 2 and _names_columns(rest[:20])):
        return 0  # a header that lacks names has fewer fields, too
    if width == 2 and titles and not any(plain(name) in KNOWN for name in rest[0]):
        spare = not headless and all(not record[-1].strip() for record in rest)  # a delimiter at the end of every row
        return 0 if spare or len(rest) <= 10 or not any(" " in title[0] for title in titles if title) else count
    return count


def _is_above(records: list[list[str]], place: int, width: int) -> bool:
    """Return whether a record is a comment, or has next to nothing where the others have ``width`` fields."""
    record = records[place]
    filled = [cell for cell in record if cell.strip()]
    below = [each for each in records[place + 1 : place + 20] if any(cell.strip() for cell in each)]
    if record[0].lstrip().startswith("#"):
        return len(record) != width or _names_columns(below)
    if len(record) < width:
        return len(filled) <= 1 or len(record) <= width - 2
    # a spreadsheet writes a title with all its delimiters
    title = len(record) == width > 2 and filled in ([], record[:1]) and not re.match(NUMBER, record[0])
    return title and _names_columns(below)


def _names_columns(records: list[list[str]]) -> bool:
    """Return whether the first of these certainly is a header: words alone, all of them there, and numbers below or names
    that are usual."""
    if len(records) < 2 or len(set(records[0])) < len(records[0]):
        return False
    head, body = records[0], [record for record in records[1:] if record != records[0]]
    if any(not cell.strip() or re.match(NUMBER, cell) or cell.startswith("#") for cell in head):
        return False
    numbers = any(all(len(row) > place and re.match(NUMBER, row[place]) for row in body) for place in range(len(head)))
    return numbers or any(plain(cell) in KNOWN for cell in head)


def _without_spare(start: Start, headless: bool) -> Start:
    """Cut off the field that a delimiter at the end of every row adds, or one at the end of the header."""
    head, body = start.records[0], start.records[1:]
    if headless or not body:
        return start
    longer = [record for record in body if len(record) == start.width + 1]
    if len(longer) >= AGREE * len(body) and not any(record[-1] for record in longer):
        cut = [record[:-1] if len(record) == start.width + 1 else record for record in body]
        return Start([head, *cut], start.above, start.shown, 1)
    shorter = sum(len(record) == start.width - 1 for record in body)
    if start.width > 1 and not head[-1] and shorter >= AGREE * len(body):
        return Start([head[:-1], *body], start.above, start.shown, -1)
    return start
