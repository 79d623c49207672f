"""Numbers as people write them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.tables.dtypes import Feature, How, convert, read


def taken(cells: list[str], how: How = How()) -> tuple[str, str, list[float | None]]:  # noqa: B008
    column = pl.Series(cells)
    found = read(column, how)
    form = found.format.replace("either", "point")
    return found.kind, found.format, convert(column, Feature("x", "number", form))[0].to_list()


@pytest.mark.parametrize(
    ("cells", "form", "values"),
    [
        (["$98,449.78", "$5", "-$1,000.00"], "point $", [98449.78, 5.0, -1000.0]),
        (["98.449,78 \u20ac", "5 \u20ac", "-1,5 EUR"], "comma \u20ac", [98449.78, 5.0, -1.5]),
        (["\u00a31.50", "GBP 2", "3.25\u00a3"], "point \u00a3", [1.5, 2.0, 3.25]),
        (["CHF 1'200.50", "CHF 80"], "point CHF", [1200.5, 80.0]),
        (["1 234,56 kr", "99 kr"], "comma kr", [1234.56, 99.0]),
        (["(1,234.50)", "12.25", "(3)"], "point", [-1234.5, 12.25, -3.0]),
        (["($1,234.50)", "$12.25"], "point $", [-1234.5, 12.25]),
        (["48%", "7.5 %", "-3%"], "point %", [48.0, 7.5, -3.0]),
        (["49 kg", "72.5kg", "1,200 kg"], "point kg", [49.0, 72.5, 1200.0]),
        (["5.2km/h", "7 km/h"], "point km/h", [5.2, 7.0]),
        (["45 m2", "50.5 m2"], "point m2", [45.0, 50.5]),
        (["-3 \u00b0C", "21.5\u00b0C"], "point \u00b0C", [-3.0, 21.5]),
        (["1 year", "2 years"], "either year", [1.0, 2.0]),
        (["\u22125.5", "+3", "1e3"], "point", [-5.5, 3.0, 1000.0]),
        (["12,34,567.5", "1,00,000"], "point", [1234567.5, 100000.0]),
        (["1\u202f234.5", "1\u2009000"], "point", [1234.5, 1000.0]),
        (["49 kg", "50"], "either kg", [49.0, 50.0]),
    ],
)
def test_one_unit_a_column(cells: list[str], form: str, values: list[float]) -> None:
    assert taken(cells) == ("number", form, values)


@pytest.mark.parametrize(
    ("cells", "units"),
    [
        (["49 kg", "72 lb"], "kg, lb"),
        (["$5", "\u20ac6"], "$, \u20ac"),
        (["48%", "0.48"], "%, none"),
        (["1.2K", "3M"], "K, M"),
        (["5 km", "800 m"], "km, m"),
    ],
)
def test_several_units_are_no_number_and_said(cells: list[str], units: str) -> None:
    found = read(pl.Series(cells * 10))
    assert found.kind == "category" and f"({units})" in found.why


@pytest.mark.parametrize(
    "cells", [["12 Main Street", "7 Oak Road"], ["A12", "B7"], ["a", "5 kg"], ["3-4", "5-6"], ["1.2.3", "1.2.4"]]
)
def test_what_is_no_number(cells: list[str]) -> None:
    assert read(pl.Series(cells * 10)).kind == "category"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["01234", "90210"], True),
        (["007", "1234", "5"] * 10, True),
        (["5551234", "0301234567"] * 10, True),
        (["0", "10", "0.5"], False),
        (["1", "2", "00.5"], False),
        ([*map(str, range(200)), "05"], False),  # one among many of different lengths is a slip
        ([*map(str, range(10_000, 10_200)), "01234"], True),
    ],
)
def test_digits_with_a_leading_zero_are_a_code(cells: list[str], code: bool) -> None:
    found = read(pl.Series(cells))
    assert found.kind == ("category" if code else "number")
    assert ("leading zero" in found.why) is code


def test_what_is_said_of_a_column_decides() -> None:
    zips = pl.Series(["01234", "90210"])
    assert read(zips, How("number")).kind == "number"
    assert read(pl.Series(["1", "2"]), How("category")).kind == "category"
    assert taken(["1,234", "2,500"], How(decimal="comma")) == ("number", "comma", [1.234, 2.5])
    assert taken(["1.234", "2.500"], How(decimal="comma")) == ("number", "comma", [1234.0, 2500.0])
    assert taken(["1.234", "2.500"], How(decimal="point")) == ("number", "point", [1.234, 2.5])
    assert taken(["1:23:45", "0:30", "-1:00:00.5"], How("number")) == ("number", "duration", [5025.0, 30.0, -3600.5])
    assert read(pl.Series(["x", "5"]), How("number")).bad == 1
    assert read(pl.Series(["yes", "1"]), How("boolean")).bad == 0


def test_a_unit_at_prediction() -> None:
    weight = Feature("w", "number", "point kg")
    values, bad = convert(pl.Series(["49 kg", "50", "51 lb", "52kg", "x", ""]), weight)
    assert values.to_list() == [49.0, 50.0, None, 52.0, None, None]
    assert bad.to_list() == [False, False, True, False, True, False]
    assert weight.sense == "a number in kg"
    assert convert(pl.Series([48.5]), Feature("d", "number", "point %"))[0].to_list() == [48.5]


FORMS = st.sampled_from(
    [
        "${}",
        "{} \u20ac",
        "{}%",
        "{} %",
        "{} kg",
        "{}km",
        "USD {}",
        "{} \u00b0C",
        "\u00a3 {}",
        "{} m\u00b2",
        "CHF {}",
        "{} l/100km",
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.decimals(-(10**7), 10**7, places=2), min_size=2, max_size=20),
    FORMS,
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("\u00a0", ",")]),
)
def test_any_amount_is_read_back(amounts, form: str, marks: tuple[str, str]) -> None:  # type: ignore[no-untyped-def]
    cells = []
    for amount in amounts:
        digits = f"{abs(amount):,.2f}".replace(",", "\0").replace(".", marks[1]).replace("\0", marks[0])
        cells.append(form.format("-" * (amount < 0) + digits))
    kind, form, values = taken(cells)
    assert kind == "number" and values == [float(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("9 057,506", 9057.506),  # two marks: the blank parts thousands, so the comma does not
        ("1\u202f234\u202f567,250", 1234567.25),
        ("12'345.678", 12345.678),
        ("1 234.567", 1234.567),
    ],
)
def test_a_gap_and_a_mark_are_never_both_between_thousands(written: str, meant: float) -> None:
    column = pl.Series([written] * 30)
    assert convert(column, Feature("x", "number", read(column).format))[0].to_list() == [meant] * 30


@pytest.mark.parametrize(("written", "seconds"), [("36:15:00", 130_500.0), ("75:30", 4530.0), ("1:00:05", 3605.0)])
def test_spans_beyond_a_day_are_seconds(written: str, seconds: float) -> None:
    column = pl.Series([written, "30:00:00"] * 20)
    found = read(column)
    assert (found.kind, found.format) == ("number", "duration") and found.why
    assert convert(column, Feature("x", "number", found.format))[0][0] == seconds


def test_what_hides_a_number_is_said() -> None:
    mixed = read(pl.Series([f"{n}.5" if n % 2 else f"{n},5" for n in range(60)]))
    assert mixed.kind == "category" and "such as '1.5' and '0,5'" in mixed.why
    versions = read(pl.Series([f"1.{n % 12}" for n in range(60)]))
    assert versions.kind == "number" and versions.why.startswith("'1.1' and '1.10' are the same number")
    for plain in (["1.5", "2.25", "10.0", "10"], ["0.10", "0.20", "1.50"], ["1.5", "3", "2.50"]):
        assert read(pl.Series(plain * 20)).why == ""
