"""Labels that are probably wrong, as lines for a terminal: given ones in the colour of wrong, likely ones in that of right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.errors import shell_word
from trainwright.watch import words

RIGHT, WRONG = "green", "dark_orange3"
SHOWN = 20  # rows, where no number is said
WIDE, HIGH = 100, 3  # cells and lines of an input

Part = tuple[str, str]  # a text, and its style as rich names it


def lines(found: Mapping[str, Any], whole: bool) -> Iterator[list[Part]]:
    """Yield how many labels are probably wrong, the rows (at most ``SHOWN`` unless the ``whole``), and what to do with them."""
    rows = found["suspects"]
    yield from head(found)
    for number, row in enumerate(rows if whole else rows[:SHOWN], start=1):
        yield from _row(number, row)
    if not whole and len(rows) > SHOWN:
        yield [(f"... and {len(rows) - SHOWN:,} more: --top {len(rows)} shows them, --out FILE writes them", "")]


def head(found: Mapping[str, Any]) -> Iterator[list[Part]]:
    """Yield how many labels are probably wrong, and how far that is to be trusted."""
    yield from ([(said, style)] for said, style in zip(told(found), ("bold", ""), strict=False))


def told(found: Mapping[str, Any]) -> list[str]:
    """Return the same as sentences."""
    estimate = found["wrong"] and found["target"] != "number"
    return [_counted(found), *(["An estimate: rows that are merely hard to tell count too."] if estimate else [])]


def advice(out: str) -> str:
    """Return what to do with the file that they were written to."""
    return f"edit its column label (empty leaves a row out), then: trainwright train DATA --fix {shell_word(out)}"


def _counted(found: Mapping[str, Any]) -> str:
    wrong, rows = found["wrong"], found["rows"]
    if found["target"] == "number":
        far = "lies" if wrong == 1 else "lie"
        return f"{wrong:,} of {rows:,} labels {far} far from what is predicted (more than 5 robust standard deviations)"
    of = f"in {rows:,} rows" if found["target"] == "labels" else f"of {rows:,}"
    are = "is" if wrong == 1 else "are"
    return f"about {words.counted(wrong, 'label')} {of} {are} probably wrong ({words.percent(wrong / max(rows, 1))})"


def _row(number: int, row: Mapping[str, Any]) -> Iterator[list[Part]]:
    label, likely = (short(row[key]) for key in ("label", "likely"))
    sure = f" {words.percent(row['probability'])}" if row["probability"] is not None else ""
    why = f" ({words.clip(row['why'], 60)})"
    yield [(f"{number:>4}  ", ""), (label, WRONG), (" is likely ", ""), (f"{likely}{sure}", RIGHT), (why, "")]
    yield [(f"      {place(row)}", "dim")]
    given = row["input"]
    if isinstance(given, dict):
        given = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    if given is not None and not given.startswith("data:image/"):
        yield from ([(f"      {line}", "")] for line in words.wrap(given, WIDE)[:HIGH])


def place(row: Mapping[str, Any]) -> str:
    """Return where a row is: its split, file and number."""
    return f"{row['split']}: {words.clean(row['file'])}" + (f", row {row['row']}" if row["row"] is not None else "")


def short(label: object) -> str:
    """Return a label, a number or several labels in a few words."""
    return words.number(label) if isinstance(label, float) else words.clip(str(words.several(label)), 40)
