"""What is told of whole tables of plain numbers is what is told of each of their columns."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.tables.dtypes import Feature, How, convert, read
from trainwright.data.tables.plain_numbers import convert_all, told

WORDS = "0 1 -3 7.5 0.25 -0.5 10.10 10.1 1.234 12.340 1234.567 5. .5 +2 007 1e3 1,5 1,000 NA nan inf 1e39 -0 x 3kg 123456789"
CELLS = st.sampled_from([*WORDS.split(), " 4", "", None])
TEXTS = st.one_of(
    st.lists(CELLS, min_size=30, max_size=30),
    st.lists(st.integers(-2000, 2000).map(str), min_size=30, max_size=30),
    *(
        st.lists(st.floats(-2000, 2000).map(form), min_size=30, max_size=30)
        for form in ("{:.1f}".format, "{:.3f}".format, "{:.4g}".format)
    ),
)
TYPED = st.one_of(
    st.lists(st.one_of(st.none(), st.floats()), min_size=30, max_size=30).map(lambda cells: pl.Series(cells, dtype=pl.Float64)),
    st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=30, max_size=30).map(
        lambda cells: pl.Series(cells, dtype=pl.Int8)
    ),
)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TYPED, max_size=2))
def test_a_table_is_read_as_its_columns_are(texts: list[list[str | None]], typed: list[pl.Series]) -> None:
    columns = [pl.Series("^.*$", cells, dtype=pl.String) for cells in texts] + [each.alias("^.*$") for each in typed]
    for column, found in zip(columns, told(columns), strict=True):
        assert found is None or found == read(column.alias("x"), How())
    for form in ("point", "comma", "point kg"):
        features = [Feature("x", "number", form)] * len(columns)
        for column, found in zip(columns, convert_all(columns, features), strict=True):
            values, bad = convert(column.alias("x"), features[0])
            assert values.equals(found[0], null_equal=True) and bad.equals(found[1])


def test_most_columns_of_numbers_are_told_at_once() -> None:
    columns = {
        "1 -20": "either",
        "1.5 -2": "point",
        "0.10 3.50": "point",
        "1.10 1.1": None,  # the same number twice
        "1.234 5": None,  # either mark
        "1 a": None,
    }
    found = told([pl.Series([*cells.split(), None]) for cells in columns])
    assert [each and each.format for each in found] == [*columns.values()]
