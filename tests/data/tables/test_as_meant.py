"""Columns that are written in many ways: each is read as it was meant, or it is said that it can mean two things."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from random import Random

import polars as pl
import pytest

from trainwright.data.tables.dtypes import UNCLEAR, ColumnType, Feature, convert, read

MARKS = [(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ","), ("\u00a0", ","), (" ", ".")]
AMOUNTS = ["{}"] * 6 + ["${}", "{} \u20ac", "{}%", "{} kg", "\u20ac {}", "{}km"]
NEGATIVE = ["-{}", "\u2212{}", "({})"]
DATES = [
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "%d-%m-%y", "%d-%b-%y",
    "%d %B %Y", "%b %d, %Y", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%d-%m-%Y", "%a, %d %b %Y %H:%M:%S",
    "%Y-%m", "%b %Y", "%m/%Y", "%d%b%Y",
]  # fmt: skip


def amounts(draw: Random) -> tuple[list[str], list[float]]:
    """Cells, and the numbers that they mean."""
    digits, most = draw.choice([0, 0, 1, 2, 3]), draw.choice([10, 1000, 10**5, 10**7])
    thousands, mark = draw.choice(MARKS)
    form = draw.choice(AMOUNTS)
    values = [
        round(draw.uniform(-most if draw.random() < 0.2 else 0, most), digits) for _ in range(draw.choice([2, 3, 5, 30, 200]))
    ]
    cells = []
    for value in values:
        spelled = f"{abs(value):,.{digits}f}".replace(",", "\0").replace(".", mark).replace("\0", thousands)
        cells.append((draw.choice(NEGATIVE) if value < 0 else "{}").format(form.format(spelled)))
    return cells, values


def moments(draw: Random) -> tuple[list[str], list[dt.datetime]]:
    """Cells, and the moments that they mean."""
    begin = dt.datetime(draw.choice([1975, 1999, 2010, 2023]), draw.randint(1, 12), draw.randint(1, 28))
    form, span = draw.choice(DATES), draw.choice([5, 40, 400, 8000])
    count = draw.choice([2, 3, 5, 30, 200])
    drawn = [begin + dt.timedelta(days=draw.randint(0, span), minutes=draw.randint(0, 1439)) for _ in range(count)]
    cells = [moment.strftime(form) for moment in drawn]
    return cells, [dt.datetime.strptime(cell, form) for cell in cells]


def doubted(found: ColumnType) -> bool:
    """Whether it is said that the values can mean two things."""
    return found.format.startswith(UNCLEAR) or (found.format.startswith("either") and found.example != "")


@pytest.mark.parametrize(("draw_one", "kind"), [(amounts, "number"), (moments, "date")])
def test_no_column_is_misread_in_silence(draw_one, kind: str) -> None:  # type: ignore[no-untyped-def]
    draw, counts = Random(0), Counter[str]()
    for _ in range(300):
        cells, meant = draw_one(draw)
        column = pl.Series(cells)
        found = read(column)
        assert found.kind == kind, cells
        form = found.format.replace("either", "point")
        values = [] if form.startswith(UNCLEAR) else convert(column, Feature("x", found.kind, form))[0].to_list()  # type: ignore[arg-type]
        right = values == (pytest.approx(meant) if kind == "number" else meant)
        counts["right" if right else "doubted" if doubted(found) else f"silent: {cells[:3]} as {values[:3]}"] += 1
    assert counts.keys() <= {"right", "doubted"} and counts["right"] > 250, counts
