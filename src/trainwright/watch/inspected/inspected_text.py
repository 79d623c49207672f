"""What was found in a data set, for a terminal: lines of plain text, of which nothing can command it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.watch import words
from trainwright.watch.inspected.finding import ABOUT, SEVERITIES, Finding, Inspected, place

_SHOWN, _LABEL = 4, 24  # rows of a finding, such as two pairs; cells of a label


def lines(found: Inspected, width: int) -> list[str]:
    """Return all lines, none wider than ``width`` cells: what it is, each finding with rows, cause and what to type."""
    rows = ", ".join(f"{name} {count:,}" for name, count in found.rows.items())
    head = f"{words.clip(found.source, 60)}: {found.task}, {rows} {found.unit}"
    grades = [each.grade for each in found.findings]
    counted = ", ".join(f"{grades.count(grade)} {grade}" for grade in SEVERITIES if grade in grades)
    many = "1 finding" if len(grades) == 1 else f"{len(grades)} findings"
    shown = [*words.wrap(head, width), f"{many}: {counted}" if counted else "nothing was found", ""]
    for each in found.findings:
        shown += _finding(each, width)
    if found.not_found:
        names = ", ".join(ABOUT[name].title for name in found.not_found)
        shown += words.wrap(f"looked for and not found: {names}", width)
    return shown


def _finding(each: Finding, width: int) -> Iterator[str]:
    where = f" [{words.clip(each.where, 40)}]" if each.where else ""
    yield from words.wrap(f"{each.grade.upper():<5} {each.name}{where}  {each.count:,}  {each.what}", width)
    told = [("such as", line) for line in _rows(each)]
    told += [("cause", each.cause)] + ([("do", each.todo)] if each.todo else [])
    before = ""
    for name, text in told:
        for line in words.wrap(text, width - 15):
            yield f"      {name if name != before else '':<8} {line}"
            before = name
    yield ""


def _rows(each: Finding) -> Iterator[str]:
    for row in each.rows[:_SHOWN]:
        yield ": ".join(filter(None, [place(row), _said(row)]))


def _said(row: Mapping[str, Any]) -> str:
    label = f"'{words.clip(words.several(row['label']), _LABEL)}'" if row.get("label") is not None else ""
    given = row.get("input")
    if isinstance(given, Mapping):
        given = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    shown = "" if given is None or str(given).startswith("data:image/") else words.clip(given, 90)
    return " ".join(filter(None, [label, shown]))
