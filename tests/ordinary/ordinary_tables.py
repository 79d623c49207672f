"""Tables as people write them, with what they mean: encodings, delimiters, quotes, numbers, dates, labels, lines above them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Value = float | bool | str | dt.datetime | None
Cells = tuple[list[str], list[Value]]  # as written, and what is meant
MISSING = ("", "", "", "NA", "n/a", "null", "-")
NAMES = ("{}", "{}", "{} ($)", "Gr\u00f6\u00dfe {}", "^{}.*$", "the {}", "{}.x", "{}/h")
MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True)
class Place:
    """How people of a place write: decimal mark, marks between thousands, order and mark of dates, encodings, words."""

    decimal: str
    thousands: tuple[str, ...]
    order: str
    between: str
    encodings: tuple[str, ...]

    @property
    def name(self) -> str:
        return next(name for name, place in PLACES.items() if place is self)


MONEY = {
    "us": ("${}", "$ {}", "{} USD"), "gb": ("\u00a3{}", "GBP {}"), "de": ("{} \u20ac", "{}\u20ac", "EUR {}"),
    "fr": ("{} \u20ac", "{}\u00a0\u20ac"), "ch": ("CHF {}", "Fr. {}"), "in": ("\u20b9{}", "Rs. {}"), "ru": ("{} \u20bd",),
    "cn": ("\u00a5{}",),
}  # fmt: skip
WORDS = {
    "us": ("red", "green", "dark blue", "white"),
    "gb": ("north", "south", 'the "west"', "east"),
    "de": ("grün", "weiß", "rötlich", "Süßes, übrig"),
    "fr": ("été", "forêt", "à côté", "naïf"),
    "ch": ("Zürich", "Genève", "Bern", "Chur"),
    "in": ("Delhi", "Mumbai", "Goa", "Agra"),
    "ru": ("красный дом", "зелёный лес", "белый снег", "чёрный кот"),
    "cn": ("红色的房子", "绿色的森林", "白色的雪", "黑色的猫"),
}
PLACES = {
    "us": Place(".", (",", ""), "mdy", "/", ("ascii", "utf-8", "cp1252")),
    "gb": Place(".", (",", ""), "dmy", "/", ("utf-8", "utf-8-sig", "utf-16")),
    "de": Place(",", (".", ""), "dmy", ".", ("utf-8", "latin-1", "cp1252", "utf-8-sig")),
    "fr": Place(",", ("\u202f", "\u00a0", " ", ""), "dmy", "/", ("utf-8", "utf-16")),
    "ch": Place(".", ("'", "\u2019", ""), "dmy", ".", ("utf-8",)),
    "in": Place(".", ("lakh",), "dmy", "-", ("utf-8",)),
    "ru": Place(",", ("\u00a0", " ", ""), "dmy", ".", ("utf-8", "cp1251", "koi8-r")),
    "cn": Place(".", (",", ""), "ymd", "-", ("utf-8", "gb18030")),
}


@dataclass
class Column:
    """A column as it is meant: its kind (as ``columns.NAME`` says it), its cells, and their style in a word."""

    kind: str
    style: str
    cells: list[str]
    values: list[Value]


@dataclass
class Made:
    """A table in a file: its bytes, what is meant, and the settings with which nothing is left to be told."""

    content: bytes
    columns: dict[str, Column]
    settings: dict[str, Any]
    styles: list[str] = field(default_factory=list)


def grouped(whole: int, mark: str) -> str:
    if mark == "lakh":
        head, tail = divmod(whole, 1000)
        return f"{grouped2(head)},{tail:03}" if head else str(tail)
    return f"{whole:,}".replace(",", mark)


def grouped2(head: int) -> str:
    front, back = divmod(head, 100)
    return f"{grouped2(front)},{back:02}" if front else str(head)


def numbers(place: Place, draw: random.Random, rows: int) -> Column:
    """Numbers of one size and one style."""
    digits = draw.choice([0, 0, 1, 2, 2, 3])
    size = draw.choice([1, 100, 30_000, 5_000_000])
    mark = draw.choice(place.thousands)
    style = draw.choice(
        ["plain", "plain", "money", "owed", "percent", "unit", "brackets", "minus", "behind", "signed", "exponent", "clock"]
    )
    unit = draw.choice(["kg", "m", "km/h", "m2", "°C", "GB"])
    money = draw.choice(MONEY[place.name])
    percent = draw.choice(["%", " %", "\u00a0%"])
    cells, values = [], list[Value]()
    for _ in range(rows):
        value = round(draw.uniform(0.1 if digits else 1, size + 9), digits)
        below = draw.random() < 0.3 and style in ("plain", "brackets", "minus", "behind", "signed", "owed")
        whole, fraction = int(value), f"{value:.{digits}f}".partition(".")[2]
        text = grouped(whole, mark) + (place.decimal + fraction if digits else "")
        if style == "exponent":
            text = f"{value:.3e}".replace(".", place.decimal)
            value = float(f"{value:.3e}")
        if style == "clock":
            seconds = draw.randrange(4 * 3600)
            text, value = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}", float(seconds)
        if style in ("money", "owed"):
            text = money.format(text)
        if style == "percent":
            text += percent
        if style == "unit":
            text = f"{text} {unit}"
        if below:
            text = {"brackets": f"({text})", "owed": f"({text})", "behind": f"{text}-", "minus": f"\u2212{text}"}.get(
                style, f"-{text}"
            )
        elif style == "signed":
            text = f"+{text}"
        cells.append(text)
        values.append(-value if below else value)
    return Column("number", f"{style} of {digits} digits, thousands {mark!r}", cells, values)


def dates(place: Place, draw: random.Random, rows: int) -> Column:
    """Days, or days with hours, in one style."""
    styles = [
        "own",
        "own",
        "iso",
        "iso T",
        "zoned",
        "named",
        "twelve hours",
        "short year",
        "compact",
        "month",
        "weekday",
        "seconds",
        "am",
    ]
    style = draw.choice(styles)
    cells, values = [], list[Value]()
    most = draw.choice([28, 28, 28, 12])  # where no day is above 12, nobody can tell day and month apart
    for _ in range(rows):
        day = dt.datetime(draw.randint(1995, 2025), draw.randint(1, 12), draw.randint(1, most))
        when = day + dt.timedelta(minutes=draw.randrange(24 * 60))
        parts = {"y": f"{when.year}", "m": f"{when.month:02}", "d": f"{when.day:02}"}
        own = place.between.join(parts[part] for part in place.order)
        texts = {
            "own": (own, day),
            "iso": (f"{day:%Y-%m-%d}", day),
            "iso T": (f"{when:%Y-%m-%dT%H:%M}:00", when),
            "zoned": (f"{when:%Y-%m-%d %H:%M}:00{draw.choice(['Z', '+02:00', '-05:30'])}", when),
            "named": (
                f"{when:%b} {when.day}, {when.year}" if place.order == "mdy" else f"{when.day} {when:%B} {when.year}",
                day,
            ),
            "twelve hours": (f"{own} {when:%I:%M %p}", when),
            "short year": (place.between.join({**parts, "y": f"{when:%y}"}[part] for part in place.order), day),
            "compact": (f"{day:%Y%m%d}", day),
            "month": (f"{day:%Y-%m}", dt.datetime(day.year, day.month, 1)),
            "weekday": (f"{day:%a, %d %b %Y}", day),
            "seconds": (f"{when:%Y-%m-%d %H:%M}:07.123456", when.replace(second=7)),
            "am": (f"{day:%Y-%m-%d} {when.hour % 12 or 12}:{when:%M} {'p' if when.hour > 11 else 'a'}.m.", when),
        }
        text, value = texts[style]
        cells.append(text)
        values.append(value)
    return Column("date", f"{style} up to day {most}", cells, values)


def truths(place: Place, draw: random.Random, rows: int) -> Column:
    pair = draw.choice([("yes", "no"), ("Y", "N"), ("true", "false"), ("TRUE", "FALSE"), ("t", "f"), ("True", "False")])
    values: list[Value] = [draw.random() < 0.5 for _ in range(rows)]
    values[:2] = True, False
    return Column("boolean", "/".join(pair), [pair[0] if value else pair[1] for value in values], values)


ODD: Sequence[tuple[str, Callable[[random.Random], str]]] = (
    ("versions", lambda draw: f"{draw.randrange(3)}.{draw.randrange(13)}.{draw.randrange(15)}"),
    ("ranges", lambda draw: f"{draw.randrange(9)}-{draw.randrange(10, 30)}"),
    ("parts", lambda draw: f"{draw.randrange(1, 9)}E{draw.randrange(10)}"),
    ("quarters", lambda draw: f"{draw.randrange(2019, 2026)} Q{draw.randrange(1, 5)}"),
    ("fractions", lambda draw: f"{draw.randrange(1, 9)}/{draw.randrange(2, 9)}"),
    ("hex", lambda draw: f"{draw.randrange(16**6):06x}"),
    ("flags", lambda draw: draw.choice(["ja", "nein"])),
    ("countries", lambda draw: draw.choice(["NA", "NL", "NO", "DE"])),
    ("sizes", lambda draw: draw.choice(["S", "M", "L", "XL", "38", "40"])),
    ("codes of a letter", lambda draw: f"{draw.choice('ABC')}{draw.randrange(100)}"),
    ("addresses", lambda draw: f"10.0.{draw.randrange(3)}.{draw.randrange(250)}"),
)


def words(place: Place, draw: random.Random, rows: int) -> Column:
    pool = [*WORDS[place.name], "a\nb", "x;y", "x,y", "p|q"][: draw.choice([3, 4, 8])]
    values: list[Value] = [draw.choice(pool) for _ in range(rows)]
    return Column("category", f"{len(pool)} words", [str(value) for value in values], values)


def codes(place: Place, draw: random.Random, rows: int) -> Column:
    pool = [f"{draw.randrange(10**4):05}" for _ in range(8)]
    values: list[Value] = [draw.choice(pool) for _ in range(rows)]
    return Column("category", "codes", [str(value) for value in values], values)


def oddities(place: Place, draw: random.Random, rows: int) -> Column:
    """Words that look like something else, each of which recurs."""
    style, make = draw.choice(ODD)
    pool = sorted({make(draw) for _ in range(8)})
    values: list[Value] = [draw.choice(pool) for _ in range(rows)]
    return Column("category", style, [str(value) for value in values], values)


def labels(place: Place, draw: random.Random, rows: int) -> Column:
    """Classes, of numbers and truths in several spellings which are the same; or amounts."""
    kind = draw.choice(["words", "numbers", "numbers, some with .0", "truths of any case", "amounts"])
    if kind == "amounts":
        return numbers(place, draw, rows)
    if kind == "words":
        values: list[Value] = [draw.choice(WORDS[place.name][:3]) for _ in range(rows)]
        return Column("category", kind, [draw.choice(["", "", " "]) + str(each) for each in values], values)
    if kind == "truths of any case":
        values = [draw.choice(["true", "false"]) for _ in range(rows)]
        return Column("category", kind, [draw.choice([str.lower, str.upper, str.title])(str(each)) for each in values], values)
    ends = ["", ".0"] if "some" in kind else [""]
    values = [draw.choice("012") for _ in range(rows)]
    return Column("category", kind, [f"{each}{draw.choice(ends)}" for each in values], values)


MAKERS: Sequence[Callable[[Place, random.Random, int], Column]] = (
    numbers,
    numbers,
    numbers,
    dates,
    dates,
    truths,
    words,
    codes,
)


def written(rows: Sequence[Sequence[str]], delimiter: str, quotes: str, end: str) -> list[str]:
    """The lines of records, quoted where they must be, or all."""

    def cell(text: str) -> str:
        must = any(mark in text for mark in (delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if must or quotes == "all" else text

    return [delimiter.join(map(cell, row)) + end for row in rows]


@cache
def made(number: int) -> Made:
    """The table of a number."""
    draw = random.Random(f"table {number}")
    place = draw.choice(list(PLACES.values()))
    rows = draw.randint(40, 70)
    columns = {"y": labels(place, draw, rows)}
    for at in range(draw.randint(3, 5)):
        maker = draw.choice(MAKERS)
        name = draw.choice(NAMES).format(f"{maker.__name__.removesuffix('s')}_{at}")
        columns[name] = maker(place, draw, rows)
    for column in [each for key, each in columns.items() if key != "y"]:
        gap = draw.choice(MISSING) if column.kind != "category" else ""
        if draw.random() < 0.3:
            for at in draw.sample(range(2, rows), 4):
                column.cells[at], column.values[at] = gap, None
    delimiter = draw.choice([mark for mark in MARKS if not (mark == "," and place.decimal == ",")])
    end = draw.choice(["\n", "\n", "\r\n", "\r"])
    quotes = draw.choice(["few", "few", "all"])
    order = [key for key in columns if key != "y"] + ["y"] if draw.random() < 0.7 else list(columns)
    records = [order, *([columns[key].cells[at] for key in order] for at in range(rows))]
    lines = written(records, delimiter, quotes, end)
    noise = draw.choice(["none"] * 6 + ["title", "comment", "sep", "blank", "trailing", "repeated", "blank end"])
    lines = _noisy(lines, noise, delimiter, end, draw)
    encoding = draw.choice(place.encodings)
    try:
        content = "".join(lines).encode(encoding)
    except UnicodeEncodeError:  # a sign of money that it lacks
        encoding, content = "utf-8", "".join(lines).encode()
    settings: dict[str, Any] = {
        "delimiter": delimiter,
        "encoding": encoding,
        "decimal": "comma" if place.decimal == "," else "point",
        "dates": place.order,
        "columns": {key: column.kind for key, column in columns.items() if key != "y" or column.kind == "number"},
    }
    styles = [f"{key} ({column.style})" for key, column in columns.items()]
    said = f"{place.name}, {encoding}, {MARKS[delimiter]}, {quotes} quoted, {end!r}, {noise}"
    return Made(content, columns, settings, [said, *styles])


def _noisy(lines: list[str], noise: str, delimiter: str, end: str, draw: random.Random) -> list[str]:
    """The lines of a table with what programs and people put around them."""
    if noise == "trailing":
        return [lines[0], *(line.removesuffix(end) + delimiter + end for line in lines[1:])]
    if noise == "repeated":
        at = len(lines) // 2
        return [*lines[:at], lines[0], *lines[at:]]
    above = {
        "title": [f"Export of the shop{end}", end],
        "comment": [f"# made on Monday{end}"],
        "sep": [f"sep={delimiter}{end}"],
        "blank": [end, end],
    }
    return [*above.get(noise, []), *lines, *([end, end] if noise == "blank end" else [])]
