"""One string for each row of a table: equal for equal rows, and only for them."""

from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.tables.content_hash import row_keys

SCHEMA = {"a": pl.Float64, "b": pl.Boolean, "c": pl.Datetime("us"), "d": pl.String, "e": pl.Float64}
CELLS = st.tuples(
    st.none() | st.sampled_from([0.0, -1.0, 1.0]) | st.floats(-1e300, 1e300),
    st.none() | st.booleans(),
    st.none() | st.sampled_from([dt.datetime(1970, 1, 1), dt.datetime(2026, 1, 1)]),
    st.none() | st.sampled_from(["", "x", "y"]),
    st.none() | st.sampled_from([0.0, -1.0, 1.0]),
)


def keys(rows: list[tuple]) -> list[str]:
    return row_keys(pl.DataFrame(rows, schema=SCHEMA, orient="row").get_columns()).to_list()


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_equal_rows_and_only_they_have_equal_keys(rows: list[tuple]) -> None:
    found = keys(rows)
    for one, key in zip(rows, found, strict=True):
        for other, another in zip(rows, found, strict=True):
            assert (key == another) == (one == other)  # 0.0 and -0.0 are equal in Python, too
        assert (key == "") == all(cell is None for cell in one)
    assert keys(rows[::-1]) == found[::-1]


def test_keys_are_the_same_everywhere() -> None:
    assert keys([(1.5, True, dt.datetime(2026, 1, 2), "x", None)]) == ["2250698664856199634"]
    assert keys([(None, None, None, None, None)]) == [""]
    assert keys([]) == []


def test_columns_that_change_places_change_the_key() -> None:
    one, two = pl.Series("a", [1.0]), pl.Series("b", [2.0])
    assert row_keys([one, two]).to_list() != row_keys([two, one]).to_list()
