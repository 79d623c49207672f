"""Stand-ins for missing values and slips are found, and ordinary numbers are left alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from trainwright.data.tables.odd_numbers import far_away, last_days, stand_ins

DRAW = np.random.default_rng(7)
ORDINARY = {
    "normal": DRAW.normal(size=2000),
    "heavy tails": DRAW.standard_t(3, size=2000),
    "incomes": DRAW.lognormal(10, 1.0, 2000),
    "counts": DRAW.poisson(3, 2000).astype(float),
    "ages": DRAW.integers(0, 100, 2000).astype(float),
    "flags": DRAW.integers(0, 2, 2000).astype(float),
    "codes": DRAW.choice([0.0, 1.0, 2.0, 99.0], 2000),
    "scores up to 999": DRAW.integers(0, 1000, 2000).astype(float),
    "constant": np.ones(2000),
}


@pytest.mark.parametrize("name", [name for name in ORDINARY if name != "codes"])
def test_ordinary_numbers_are_left_alone(name: str) -> None:
    assert not stand_ins(ORDINARY[name]) and not far_away(ORDINARY[name]).any()


@pytest.mark.parametrize("value", [-999.0, -99.0, 9999.0, 99999.0, -1.0, 0.0, 9998.0])
def test_stand_ins_are_found_with_their_rows(value: float) -> None:
    numbers = DRAW.normal(170, 10, 500).round(1)
    numbers[[3, 70, 400]] = value
    numbers[5] = np.nan
    assert {key: np.flatnonzero(rows).tolist() for key, rows in stand_ins(numbers).items()} == {value: [3, 70, 400]}
    numbers[3] = 170  # two are a slip, no stand-in
    assert not stand_ins(numbers)


def test_a_slip_of_the_decimal_mark_is_far_away() -> None:
    prices = DRAW.normal(20, 3, 500)
    prices[[9, 10]] = [20_000, -5_000]
    assert np.flatnonzero(far_away(prices)).tolist() == [9, 10]
    prices[9:11] = 20
    prices[:50] *= 1000  # one in ten is another kind of row
    assert not far_away(prices).any()


@pytest.mark.parametrize("kind", [str, "date"])
def test_days_that_stand_for_none(kind: object) -> None:
    days = ["2020-01-05", "9999-12-31", "2021-07-01"] * 3 + ["1970-01-02"]
    values = pl.Series(days) if kind is str else pl.Series(days).str.to_date()
    assert last_days(values).arg_true().to_list() == [1, 4, 7]
    assert not last_days(values.head(4)).any()
