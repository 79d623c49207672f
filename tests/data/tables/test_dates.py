"""Dates as people write them, on the wall and as instants."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.tables.dates import instants, wall
from trainwright.data.tables.dtypes import UNCLEAR, How, read
from trainwright.data.tables.split import time_key
from trainwright.errors import DataError

NINE = dt.datetime(2024, 1, 5, 9)
DAY = dt.datetime(2024, 1, 5)


@pytest.mark.parametrize(
    ("cell", "form", "moment"),
    [
        ("01/05/2024 09:00 AM", "mdy", NINE),
        ("1/5/24 9:00", "mdy", NINE),
        ("Jan 5, 2024", "mdy", DAY),
        ("January 5th, 2024 at 9:00 a.m.", "mdy", NINE),
        ("Friday, January 5, 2024", "mdy", DAY),
        ("5-Jan-24", "dmy", DAY),
        ("05JAN2024", "dmy", DAY),
        ("5 January 2024", "dmy", DAY),
        ("5th of January 2024", "dmy", DAY),
        ("Fri, 05 Jan 2024 09:00:00 +0200", "dmy", NINE),
        ("5.1.2024 09:00", "dmy", NINE),
        ("2024-01-05T09:00:00.123Z", "ymd", NINE),
        ("2024-01-05 09:00+02:00", "ymd", NINE),
        ("2024-Jan-05", "ymd", DAY),
        ("5/Jan/2024:09:00:00 +0000", "dmy", NINE),
        ("2024\u5e741\u67085\u65e5", "ymd", DAY),
        ("2024\u5e741\u67085\u65e5 9:00", "ymd", NINE),
        ("2024\ub144 1\uc6d4 5\uc77c", "ymd", DAY),
        ("2024\u5e741\u6708", "ymd", dt.datetime(2024, 1, 1)),
        ("24-01-05", "yymd", DAY),
        ("20240105", "compact", DAY),
        ("Jan 2024", "my", dt.datetime(2024, 1, 1)),
        ("1704445200", "epoch", NINE),
        ("1704445200000", "epoch", NINE),
        ("12:05 AM", "clock", dt.datetime(1970, 1, 1, 0, 5)),
        ("12:05 pm", "clock", dt.datetime(1970, 1, 1, 12, 5)),
        ("1/2/69", "dmy", dt.datetime(1969, 2, 1)),
        ("1/2/68", "dmy", dt.datetime(2068, 2, 1)),
        ("31/02/2024", "dmy", None),
        ("13:05 PM", "clock", None),
        ("25:00", "clock", None),
        ("5 janvier 2024", "dmy", None),
        ("20241305", "compact", None),
    ],
)
def test_each_way_to_write_a_moment(cell: str, form: str, moment: dt.datetime | None) -> None:
    assert wall(pl.Series([cell]), form).to_list() == [moment]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["01/31/2024 09:00 AM", "02/01/2024 10:00 PM"], "mdy time"),
        (["5-Jan-24", "26-Sep-22"], "dmy"),
        (["Jan 5, 2024", "May 6, 2024"], "mdy"),
        (["10:20", "9:05"], "clock"),
        (["10:20:30 PM", "9:05:00 AM"], "clock"),
        (["1/2/24", "2/3/24"], UNCLEAR),
        (["31/2/24", "30/3/24", "28/3/24"] * 9, "dmy"),
        (["24-01-05", "23-02-06"], UNCLEAR),
        (["24-01-31", "23-02-06", "69-02-06"] * 9, "yymd"),
        (["Jan 2024", "Feb 2024"], "my"),
    ],
)
def test_what_dates_are_told(cells: list[str], form: str) -> None:
    found = read(pl.Series(["15/3/24" if cell == "31/2/24" else cell for cell in cells]))
    assert (found.kind, found.format) == ("date", form)


def test_a_given_order_decides() -> None:
    either = pl.Series(["01/02/2024", "03/04/2024"])
    assert [read(either, How(dates=order)).format for order in ("dmy", "mdy")] == ["dmy", "mdy"]
    assert read(pl.Series(["2024-01-02"] * 3), How(dates="dmy")).format == "ymd"  # four digits are a year
    assert read(pl.Series(["Jan 5, 2024"] * 3), How(dates="dmy")).format == "mdy"
    assert read(pl.Series(["24-01-05", "23-02-06"]), How(dates="ymd")).format == "yymd"


def test_digits_are_dates_only_where_that_is_said() -> None:
    digits = pl.Series(["20240105", "20231231"])
    assert read(digits).kind == "number"
    assert read(digits, How(dated=True)).format == "compact" == read(digits.cast(pl.Int64), How(dated=True)).format
    assert read(digits, How("date")).format == "compact"
    assert read(pl.Series([1704445200, 1704445201]), How("date")).format == "epoch time"
    assert read(pl.Series([1704445200, 1704445201]), How(dated=True)).kind == "number"
    days = pl.Series(["20240105", "20231231", "20220228", "19991111", "20240229"])
    for column in (days, days.cast(pl.Int64)):
        found = read(column)
        assert (found.kind, found.format) == ("date", "compact") and "columns.NAME=number" in found.why
        assert read(column, How("number")).kind == "number" and read(column, How(dated=True)).why == ""
        odd = column.extend(pl.Series([20230229]).cast(column.dtype))  # no day
        assert read(odd).kind == "number"


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 0), ("EST", -5), ("EDT", -4), ("cst", -6), ("MDT", -6), ("PST", -8), ("CET", 1), ("CEST", 2)]
)
def test_zones_of_a_name(zone: str, hours: int) -> None:
    found = instants(pl.Series([f"2024-01-05 09:00:00 {zone}"]), "ymd")
    assert found.to_list() == [int((NINE.replace(tzinfo=dt.UTC) - dt.timedelta(hours=hours)).timestamp() * 1e6)]


def test_dates_that_are_not_read_are_said() -> None:
    days = [f"{year}-05-{day:02}" for year in (2023, 2024) for day in range(1, 29)]
    other = [f"{day:02}/06/2023" for day in range(13, 29)]
    assert "several forms, such as '2023-05-01' and '13/06/2023'" in read(pl.Series(days + other)).why
    mixed = pl.Series(days + ["open"] * 9)
    assert "such as 'open'" in read(mixed).why and "columns.NAME=date" in read(mixed).why
    said = read(mixed, How("date"))
    assert (said.kind, said.format, said.bad) == ("date", "ymd", 9)
    assert read(pl.Series(days + ["0000-00-00"] * 9)).kind == "date"  # missing, as a database writes it
    assert read(pl.Series(["a 1 b", "c 2 d", "e 3 f"])).why == ""


def test_months_in_other_languages_are_said() -> None:
    found = read(pl.Series([f"{day} janvier 2024" for day in range(1, 29)]))
    assert found.kind == "category" and "English" in found.why and "2026-01-31" in found.why


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60), st.booleans()
        ),
        min_size=2,
        max_size=20,
    )
)
def test_instants_are_those_of_python(moments: list[tuple[dt.datetime, int, bool]]) -> None:
    zoned = [moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes))) for moment, minutes, _ in moments]
    cells = [each.isoformat(" " if blank else "T") for each, (_, _, blank) in zip(zoned, moments, strict=True)]
    found = instants(pl.Series(cells), "ymd").to_list()
    assert found == [round((each - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1)) for each in zoned]


def test_the_key_of_times_is_the_same_however_they_are_written() -> None:
    cells = ["2024-01-01T18:00:00-08:00", "2024-01-02 09:00:00+00:00", None, "2024-01-02T09:00:00+09:00"]
    order = time_key(pl.Series(cells), "when").to_list()
    assert order[3] < order[0] < order[1] and order[2] is None
    typed = pl.Series(cells).str.to_datetime("%Y-%m-%d %H:%M:%S%z", strict=False, time_unit="ms")
    assert time_key(typed.drop_nulls(), "when").to_list() == [order[1]]
    assert time_key(pl.Series(["31/12/2023", "01/01/2024"]), "when").is_sorted()
    assert time_key(pl.Series(["9", "10", "007"]), "n").to_list() == [9.0, 10.0, 7.0]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["soon", "later"], "E220"),
        (["yes", "no"], "E220"),
        (["5 mars 2024"] * 3, "E220"),
        (["01/02/2024", "03/04/2024"], "E223"),
    ],
)
def test_a_key_that_tells_no_time(cells: list[str], code: str) -> None:
    with pytest.raises(DataError) as caught:
        time_key(pl.Series(cells), "when")
    assert caught.value.code == code and f"'{cells[0]}' in column 'when'" in caught.value.what


@pytest.mark.parametrize("written", ["01.02.2005", "2007-09-05T08:59:00", "5 April 2002", "1/2/2005 10:30"])
def test_a_year_of_four_digits_is_not_said_to_have_two(written: str) -> None:
    assert "century" not in read(pl.Series([written] * 30), How(dates="dmy")).why


@pytest.mark.parametrize("written", ["01.02.05", "5-Jan-24", "5Jan 24", "1/2/05 10:30"])
def test_a_year_of_two_digits_is_said(written: str) -> None:
    assert "century" in read(pl.Series([written] * 30), How(dates="dmy")).why
