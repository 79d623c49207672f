"""Numbers and foreign text in words: how a loss, a share, a count or somebody's label is written everywhere.

What comes out of ``clean`` is one line, and holds no control character, escape sequence or direction override.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

ELLIPSIS = "\u2026"
STAR = "\u2605"
_UNKNOWN = "\ufffd"
_SMALL, _LARGE = 1e-4, 1e7  # numbers beyond are written with an exponent
# Marks of our own that an old terminal or a latin-1 pipe cannot show, each with a stand-in of the same width.
_PLAIN_MARKS = str.maketrans({ELLIPSIS: "~", STAR: "*", "\u2501": "#", "\u2500": "-", _UNKNOWN: "?"})


def loss(value: float) -> str:
    """Write a loss with four decimals, or four significant digits where four decimals would hide them."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1 or size == 0:
        return f"{value:.4f}" if size < 10_000 else f"{value:.3e}"
    return f"{value:#.4g}"


def percent(share: float) -> str:
    """Write a share in [0, 1] as ``91.23 %``."""
    return f"{100 * share:.2f} %"


def interval(bounds: Sequence[float] | None) -> str:
    """Write ``95 % interval 90.10 to 92.25 %``, or nothing where there is none."""
    return f"95 % interval {100 * bounds[0]:.2f} to {percent(bounds[1])}" if bounds else ""


def number(value: float, digits: int = 4) -> str:
    """Write a measured number with ``digits`` significant digits: ``53.10``, ``1.235e+09``; whole ones are not rounded away."""
    if value == 0 or not math.isfinite(value):
        return str(value) if value else "0"
    if not _SMALL <= abs(value) < _LARGE:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def fixed(value: float, decimals: int) -> str:
    """Write a number with so many decimals; ``0`` without a sign where it is rounded to nothing."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def bounds(ends: Sequence[float]) -> tuple[str, str]:
    """Write both ends of an interval with the digits that its width is worth."""
    low, high = ends
    size = max(abs(low), abs(high))
    if low == high:
        return number(low), number(high)
    decimals = 1 - math.floor(math.log10(abs(high - low)))
    if _SMALL <= size < _LARGE:
        decimals = min(max(0, decimals), 12)
        return fixed(low, decimals), fixed(high, decimals)
    digits = min(max(1, decimals + math.floor(math.log10(size))), 12)
    return f"{low:.{digits}e}", f"{high:.{digits}e}"


def between(ends: Sequence[float] | None) -> str:
    """Write ``95 % interval 49.0 to 57.2``, or nothing where there is none."""
    return "95 % interval {} to {}".format(*bounds(ends)) if ends else ""


def several(value: object) -> object:
    """Return a set of labels in words; anything else as it is."""
    return (", ".join(map(str, value)) or "no label") if isinstance(value, list) else value


def count(value: float) -> str:
    """Write a whole number with thousands separators."""
    return f"{round(value):,}"


def counted(number: int, noun: str) -> str:
    """Write how many of something: ``1 row``, ``1,200 rows``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def rate(value: float) -> str:
    """Write how many a second: whole above 100, three significant digits below, so that slow training shows too."""
    return count(value) if value >= 100 or value == 0 else f"{value:.3g}"


def amount(value: int, unit: str) -> str:
    """Write ``120,000 rows``; bytes as megabytes."""
    return f"{value / 1e6:,.1f} MB" if unit == "bytes" else f"{value:,} {unit}"


def seconds(value: float) -> str:
    """Write a measured time, as exact as it is worth knowing: ``0.012 s``, ``3.4 s``, ``2:05``, ``1:02:05``."""
    if value < 1:
        return f"{value:.3f} s"
    return f"{value:.1f} s" if value < 60 else clock(value)


def clock(value: float) -> str:
    """Write a time to wait or gone by: ``0:12``, ``1:02:05``."""
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def clean(text: object) -> str:
    """Return ``text`` as one harmless line: white space as spaces, control characters as a mark, invisible ones left out."""
    line = str(text)
    return line if line.isprintable() else "".join(map(_harmless, line))


def _harmless(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    # Cf: direction overrides, joiners, soft hyphens. They take no room, so dropping them leaves no hole.
    return "" if unicodedata.category(character) == "Cf" else _UNKNOWN


def width(text: str) -> int:
    """Return how many terminal cells ``text`` takes: East Asian characters two, combining marks none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: object, cells: int) -> str:
    """Clean ``text`` and cut it to at most ``cells`` terminal cells with an ellipsis."""
    line = clean(text)
    return line if width(line) <= cells else line[: _fitting(line, cells - 1)].rstrip() + ELLIPSIS


def _fitting(line: str, cells: int) -> int:
    """Return how many characters of ``line`` fit into ``cells``."""
    used = 0
    for place, character in enumerate(line):
        used += _cells(character)
        if used > cells:
            return place
    return len(line)


def pad(text: str, cells: int) -> str:
    """Fill ``text`` up with spaces to ``cells`` terminal cells; a negative number puts the spaces in front."""
    spaces = " " * (abs(cells) - width(text))
    return text + spaces if cells > 0 else spaces + text


def wrap(text: object, cells: int) -> list[str]:
    """Clean ``text`` and break it into lines of at most ``cells`` (2 or more) terminal cells, broken at spaces where it can."""
    lines = [""]
    for word in clean(text).split():
        longer = f"{lines[-1]} {word}".lstrip()
        if width(longer) <= cells:
            lines[-1] = longer
            continue
        while width(word) > cells:
            fits = _fitting(word, cells)
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    return [line for line in lines if line] or [""]


def table(rows: Iterable[Sequence[str]], left: int = 1, gap: int = 3) -> list[str]:
    """Return ``rows`` in aligned columns: the first ``left`` ones flush left, the others (numbers) flush right."""
    rows = list(rows)
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    sides = [cells if place < left else -cells for place, cells in enumerate(widths)]
    return ["  " + (" " * gap).join(map(pad, row, sides)).rstrip() for row in rows]


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def markdown(text: object) -> str:
    """Return a text as words of Markdown: cleaned, and nothing in it is a mark of it or of HTML."""
    return clean(text).translate(_MARKS)


def shown(text: str, encoding: str | None = None) -> str:
    """Return a text of several lines as a screen of ``encoding`` may show it.

    Whatever is in it by data, nothing is a command to a terminal. All that goes to one comes through here.
    """
    lines = text if text.isprintable() else "".join(x if x in ("\n", "\t") else clean(x) for x in re.split("([\n\t])", text))
    return encodable(lines, encoding)


def encodable(text: str, encoding: str | None) -> str:
    """Return ``text`` with plain marks where a stream of ``encoding`` could not take it as it is."""
    name = encoding or "utf-8"  # None: a stream of text in memory
    try:
        text.encode(name)
    except UnicodeEncodeError:
        return text.translate(_PLAIN_MARKS).encode(name, "replace").decode(name)
    return text
