"""Splits: equal texts together, nothing moves when rows are added, every class everywhere where it can be."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.tables.split import TEST, TRAIN, VALID, Fractions, row_keys, split, time_key, uniform

ROWS = st.lists(st.tuples(st.text(max_size=5), st.sampled_from("abc")), min_size=1, max_size=80)
TENTHS = Fractions(0.1, 0.1)


def cut(how: str, rows: list[tuple[str, str]], fractions: Fractions = TENTHS, key: pl.Series | None = None) -> np.ndarray:
    texts, labels = (pl.Series([row[i] for row in rows], dtype=pl.String) for i in (0, 1))
    return split(how, uniform(texts), labels, fractions, key)


@pytest.mark.parametrize("how", ["content", "stratified"])
@given(rows=ROWS)
def test_equal_texts_never_straddle(how: str, rows: list[tuple[str, str]]) -> None:
    places: dict[str, set[int]] = {}
    for (text, _), part in zip(rows, cut(how, rows), strict=True):
        places.setdefault(text, set()).add(int(part))
    assert all(len(parts) == 1 for parts in places.values())


@given(rows=ROWS, more=ROWS)
def test_rows_added_later_move_nothing_that_was_cut_by_content(
    rows: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    texts = pl.Series([row[0] for row in rows + more], dtype=pl.String)
    assert uniform(texts)[: len(rows)].tolist() == uniform(texts[: len(rows)]).tolist()
    many = [(f"text {number}", "ab"[number % 2]) for number in range(2000)]
    assert cut("content", many)[:1000].tolist() == cut("content", many[:1000]).tolist()


@pytest.mark.parametrize("how", ["content", "stratified"])
@given(sizes=st.lists(st.integers(3, 40), min_size=2, max_size=6))
def test_every_class_is_in_every_split(how: str, sizes: list[int]) -> None:
    rows = [(f"{label} {number}", str(label)) for label, size in enumerate(sizes) for number in range(size)]
    parts = cut(how, rows)
    for label in range(len(sizes)):
        own = {int(part) for (_, name), part in zip(rows, parts, strict=True) if name == str(label)}
        assert own == {TRAIN, VALID, TEST}


def test_fractions_are_met() -> None:
    rows = [(f"text {number}", "abcd"[number % 4]) for number in range(20_000)]
    for how in ("content", "stratified"):
        shares = np.bincount(cut(how, rows, Fractions(0.05, 0.2)), minlength=3) / len(rows)
        assert np.abs(shares - [0.75, 0.05, 0.2]).max() < 0.01
    exact = np.bincount(cut("stratified", rows, Fractions(0.1, 0.1))[::4], minlength=3)
    assert exact.tolist() == [4000, 500, 500]  # of each class, to the row


def test_groups_stay_together() -> None:
    rows = [(f"text {number}", "ab"[number % 2]) for number in range(1000)]
    key = pl.Series("author", [number // 10 for number in range(1000)])
    parts = cut("group:author", rows, TENTHS, key)
    assert all(len(set(parts[start : start + 10].tolist())) == 1 for start in range(0, 1000, 10))
    assert set(parts.tolist()) == {TRAIN, VALID, TEST}


@pytest.mark.parametrize("groups", [3, 4, 10, 30])
def test_every_split_has_a_group_where_there_are_enough(groups: int) -> None:
    for start in range(40):
        rows = [(f"text {number}", "ab"[number % 2]) for number in range(5 * groups)]
        key = pl.Series("author", [f"{start} {number // 5}" for number in range(5 * groups)])
        parts = cut("group:author", rows, TENTHS, key)
        assert set(parts.tolist()) == {TRAIN, VALID, TEST}
        assert all(len(set(parts[at : at + 5].tolist())) == 1 for at in range(0, len(rows), 5))
        assert parts[::-1].tolist() == cut("group:author", rows[::-1], TENTHS, key[::-1]).tolist()
        assert set(cut("group:author", rows, Fractions(0.1, 0.0), key).tolist()) == {TRAIN, VALID}


@pytest.mark.parametrize("kind", [str, int, lambda day: f"2026-01-{day + 1:02d}"])
def test_the_newest_rows_are_the_test(kind) -> None:
    rows = [(f"text {number}", "ab"[number % 2]) for number in range(30)]
    days = list(range(30))[::-1]
    parts = cut("time:day", rows, TENTHS, time_key(pl.Series([kind(day) for day in days]), "day"))
    age = {part: [day for day, own in zip(days, parts, strict=True) if own == part] for part in (TRAIN, VALID, TEST)}
    assert max(age[TRAIN]) < min(age[VALID]) <= max(age[VALID]) < min(age[TEST])
    assert len(age[TEST]) == 3 and len(age[VALID]) == 3


def test_the_same_on_every_machine() -> None:
    assert uniform(pl.Series(["", "a", "\u00e9"])).round(12).tolist() == pytest.approx(KNOWN, abs=1e-12)


KNOWN = [0.883310808214, 0.654910652027, 0.152134649436]


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
