"""What a column is, and its values: numbers, booleans, dates, categories, however they are written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.tables.dtypes import UNCLEAR, Feature, convert, read


def text(*values: str | None) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


def values(column: pl.Series, kind: Any, form: str = "") -> list[Any]:
    found, bad = convert(column, Feature("x", kind, form))
    assert not (bad & found.is_not_null()).any()
    return ["bad" if wrong else value for value, wrong in zip(found.to_list(), bad.to_list(), strict=True)]


@pytest.mark.parametrize(
    ("cells", "kind", "form"),
    [
        (["1", "2", "-3", "+4"], "number", "either"),
        (["1.5", "2e3", "-.5", "7."], "number", "point"),
        (["1,234.5", "1,234,567"], "number", "point"),
        (["1,5", "2", "-0,25"], "number", "comma"),
        (["1.234,5", "1.234.567"], "number", "comma"),
        (["1 234,5", "1\u00a0234,5", "12"], "number", "comma"),
        (["1,234", "5"], "number", "either"),
        (["0.123", "1.234"], "number", "point"),
        (["1", "NA", "n/a", "nan", "NULL", "None", "-", "?", "", None], "number", "either"),
        (["x"] + ["1.5"] * 19, "number", "point"),
        (["x"] + ["1.5"] * 18, "category", ""),
        (["x", "y"] + ["1.5"] * 198, "number", "point"),
        (["x", "y"] + ["1.5"] * 197, "category", ""),
        (["inf", "1"], "category", ""),
        (["1e999", *["1"] * 30], "number", "either"),
        (["True", "false", None], "boolean", ""),
        (["Yes", "NO", "?"], "boolean", ""),
        (["t", "f"], "boolean", ""),
        (["Y", "n"], "boolean", ""),
        (["yes", "false"], "category", ""),
        (["yes", "yes"], "category", ""),
        (["2026-01-31", "2026/2/1"], "date", "ymd"),
        (["2026-01", "2026-12"], "date", "ymd"),
        (["2026-01-31T10:00:00Z", "2026-01-31 00:00:00.5+02:00"], "date", "ymd time"),
        (["31/01/2026", "01/02/2026"], "date", "dmy"),
        (["01/31/2026 10:30", "01/02/2026"], "date", "mdy time"),
        (["01.02.2026", "02.03.2026"], "date", "dmy"),
        (["01/02/2026", "02/03/2026"], "date", UNCLEAR),
        (["01/01/2026", "02/02/2026"], "date", "dmy"),
        (["2010-11", "2011-12", "2013-14"], "category", ""),
        (["red", "green"], "category", ""),
        (["None", "NA"], "category", ""),
        (["\u0661", "\u0662"], "category", ""),
        (["", " ", None], "empty", ""),
    ],
)
def test_what_text_is(cells: list[str | None], kind: str, form: str) -> None:
    found = read(text(*cells))
    assert (found.kind, found.format) == (kind, form)


@pytest.mark.parametrize(
    ("column", "kind", "form"),
    [
        (pl.Series([1, None]), "number", "point"),
        (pl.Series([Decimal("1.5")]), "number", "point"),
        (pl.Series([float("nan")]), "empty", "point"),
        (pl.Series([float("inf")]), "empty", "point"),
        (pl.Series([True, None]), "boolean", ""),
        (pl.Series([dt.date(2026, 1, 31)]), "date", "ymd"),
        (pl.Series([dt.datetime(2026, 1, 31, 10)]).dt.replace_time_zone("Asia/Tokyo"), "date", "ymd time"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "category", ""),
        (pl.Series([dt.time(10)]), "date", "clock"),
        (pl.Series([None, None]), "empty", ""),
    ],
)
def test_what_typed_columns_are(column: pl.Series, kind: str, form: str) -> None:
    found = read(column)
    assert (found.kind, found.format) == (kind, form)


def test_what_is_not_of_the_kind_is_counted_with_an_example() -> None:
    assert (read(text(*["1"] * 150, "abc")).bad, read(text(*["1"] * 150, "abc")).example) == (1, "abc")
    many = read(text(*["1"] * 150, *["none known"] * 10))
    assert (many.kind, many.bad, many.example) == ("category", 10, "none known")
    assert read(text("a", "b", "1")).bad == 0
    assert read(pl.Series([1.0, float("inf")])).example == "inf"
    assert read(text(*["2026-01-31"] * 100, "2026-02-30")).example == "2026-02-30"


def test_a_long_column_is_judged_by_its_head_only_where_it_is_words() -> None:
    assert read(text(*["word"] * 1000, *["1"] * 5000)).kind == "category"
    assert read(text(*["1"] * 3000, *["word"] * 3000)).kind == "category"
    assert read(text(*["yes", "no"] * 2000, "maybe")).kind == "category"
    assert read(text(*["1"] * 4000, "2,5")).format == "comma"


def test_numbers() -> None:
    assert values(text(" 1.5 ", "1,234.5", "abc", "?", "NaN", "inf", "1e40", "1,5", "1_000"), "number", "point") == [
        1.5, 1234.5, "bad", None, None, "bad", "bad", "bad", "bad"
    ]  # fmt: skip
    assert values(text("1,5", " 1.234,5", "12.5", "1'234", "7", ",5", "1,5e2", "N/A"), "number", "comma") == [
        1.5, 1234.5, "bad", 1234.0, 7.0, 0.5, 150.0, None
    ]  # fmt: skip
    assert values(pl.Series([1.5, None, float("nan"), float("inf")]), "number", "point") == [1.5, None, None, "bad"]
    assert values(pl.Series([True, False]), "number", "point") == [1.0, 0.0]
    assert values(pl.Series([dt.date(2026, 1, 1)]), "number", "point") == ["bad"]


def test_booleans() -> None:
    assert values(text("Yes", "f", " N ", "1", "maybe", "", "none"), "boolean") == [True, False, False, True, "bad", None, None]
    assert values(pl.Series([1.0, 0.0, 2.0]), "boolean") == [True, False, "bad"]
    assert values(pl.Series([dt.date(2026, 1, 1)]), "boolean") == ["bad"]


def test_dates() -> None:
    day, hour = dt.datetime(2026, 1, 31), dt.datetime(2026, 1, 31, 10, 30)
    cells = text("2026-01-31", "2026-1-31T10:30Z", "2026.01.31 10:30:00.25+02:00", "2026-02-30", "31.1.2026", "NA", "2026-01")
    assert values(cells, "date", "ymd time") == [day, hour, hour, "bad", "bad", None, day.replace(day=1)]
    assert values(text("31/01/2026", "01/31/2026"), "date", "dmy") == [day, "bad"]
    assert values(text("31/01/2026", "1-31-2026 10:30"), "date", "mdy") == ["bad", hour]
    assert values(pl.Series([dt.date(2026, 1, 31)]), "date", "dmy") == [day]
    zoned = pl.Series([hour]).dt.replace_time_zone("Asia/Tokyo")
    assert values(zoned, "date", "ymd") == [hour]
    assert values(pl.Series([2026]), "date", "ymd") == ["bad"]


def test_categories_keep_what_elsewhere_means_missing() -> None:
    assert values(text(" a ", "NA", "none", "", " "), "category") == ["a", "NA", "none", None, None]
    assert values(pl.Series([1, None]), "category") == ["1", None]
    assert values(pl.Series([None, None]), "number", "point") == [None, None]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20), st.sampled_from(["point", "comma"]))
def test_any_number_is_read_back(numbers: list[float], mark: str) -> None:
    written = [repr(number).replace(".", "," if mark == "comma" else ".") for number in numbers]
    assert values(text(*written), "number", mark) == numbers


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_thousands_may_be_parted(numbers: list[int]) -> None:
    assert values(text(*[f"{number:,}" for number in numbers]), "number", "point") == numbers
    assert values(text(*[f"{number:,}".replace(",", ".") for number in numbers]), "number", "comma") == numbers


@settings(max_examples=40, deadline=None)
@given(st.lists(st.datetimes(dt.datetime(1000, 1, 1)), min_size=1, max_size=20), st.sampled_from(["ymd", "dmy", "mdy"]))
def test_any_date_is_read_back(moments: list[dt.datetime], order: str) -> None:
    moments = [moment.replace(microsecond=0) for moment in moments]
    pattern = {"ymd": "%Y-%m-%d %H:%M:%S", "dmy": "%d.%m.%Y %H:%M:%S", "mdy": "%m/%d/%Y %H:%M:%S"}[order]
    assert values(text(*[moment.strftime(pattern) for moment in moments]), "date", order) == moments
