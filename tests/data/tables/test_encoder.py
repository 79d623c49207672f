"""The encoder of tables: what is learned comes from the training rows, and every number equals a plain computation."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainwright.data.shapes import TableShape
from trainwright.data.tables.dtypes import Feature
from trainwright.data.tables.encoder import Place, TableEncoder, TargetScaler
from trainwright.data.text.text_encoder import TextEncoder

FEATURES = (
    Feature("size", "number", "point"),
    Feature("sold", "boolean"),
    Feature("day", "date", "ymd"),
    Feature("colour", "category"),
    Feature("town", "category"),
)
SCHEMA = {"size": pl.Float64, "sold": pl.Boolean, "day": pl.Datetime("us"), "colour": pl.String, "town": pl.String}
ROW = st.tuples(
    st.none() | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    st.none() | st.booleans(),
    st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    st.none() | st.sampled_from(["red", "green", "blue"]),
    st.none() | st.text("abc", min_size=1, max_size=2),
)


def frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def one(kind: str, values: list[object], form: str = "") -> np.ndarray:
    """The numeric array of one fitted column."""
    feature = Feature("x", kind, form)  # type: ignore[arg-type]
    return TableEncoder((feature,)).fit(pl.DataFrame({"x": values}))[0]


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_fit_gives_what_transform_gives_and_what_numpy_computes(rows: list[tuple[object, ...]]) -> None:
    data, encoder = frame(*rows), TableEncoder(FEATURES)
    numeric, codes = encoder.fit(data)
    again = encoder.transform(data)
    assert np.array_equal(numeric, again[0]) and np.array_equal(codes, again[1])
    assert numeric.dtype == np.float32 and codes.dtype == np.int32
    assert numeric.shape == (len(rows), encoder.numeric_size) and codes.shape == (len(rows), 2)
    assert np.isfinite(numeric).all()
    assert (codes >= 0).all() and (codes < np.array(encoder.category_sizes)).all()
    sizes = [row[0] for row in rows if row[0] is not None]
    if len(set(sizes)) > 1:
        expected = [0.0 if row[0] is None else (row[0] - np.mean(sizes)) / np.std(sizes) for row in rows]  # type: ignore[operator,arg-type]
        np.testing.assert_allclose(numeric[:, 0], expected, rtol=1e-5, atol=1e-5)
    missing = [place for place in range(3) if any(row[place] is None for row in rows)]
    assert encoder.missing == tuple(FEATURES[place].name for place in missing)
    for column, place in enumerate(missing, start=len(encoder.mean)):
        assert numeric[:, column].tolist() == [float(row[place] is None) for row in rows]


@settings(max_examples=20, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=20), st.lists(ROW, min_size=1, max_size=20), st.randoms())
def test_saved_encoder_and_moved_columns_give_the_same(train: list[tuple], other: list[tuple], random) -> None:  # type: ignore[no-untyped-def,type-arg]
    encoder = TableEncoder(FEATURES, min_count=2)
    encoder.fit(frame(*train))
    values, arrays = encoder.to_parts()
    loaded = TableEncoder.from_parts(json.loads(json.dumps(values)), arrays)
    moved = frame(*other).select(random.sample(list(SCHEMA), len(SCHEMA))).with_columns(more=pl.lit(1))
    for mine, theirs in zip(encoder.transform(frame(*other)), loaded.transform(moved), strict=True):
        assert np.array_equal(mine, theirs) and np.isfinite(mine).all()
    assert (loaded.numeric_size, loaded.category_sizes) == (encoder.numeric_size, encoder.category_sizes)


TEXTS = st.lists(st.none() | st.text("abc d\u00e9\u4e2d", max_size=12), min_size=1, max_size=20)


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS)
def test_texts_are_bags_of_words_that_training_had(train: list[str | None], other: list[str | None]) -> None:
    features = (Feature("^n.*$", "text"), Feature("size", "number", "point"), Feature("*", "text"))

    def rows(texts: list[str | None]) -> pl.DataFrame:
        columns = {"^n.*$": texts, "size": [float(place) for place in range(len(texts))], "*": texts[::-1]}
        return pl.DataFrame(columns, schema={"^n.*$": pl.String, "size": pl.Float64, "*": pl.String})

    def text() -> TextEncoder:
        return TextEncoder("words", True, "bag", weighting="tf-idf")

    encoder = TableEncoder(features, texts={"^n.*$": text(), "*": text()})
    numeric, codes, notes, tail = encoder.fit(rows(train))
    assert numeric.shape == (len(train), 1) and codes.shape == (len(train), 0) and len(notes) == len(tail) == len(train)
    alone = text()
    for mine, theirs in ((notes, alone.fit(pl.Series(train, dtype=pl.String))), (encoder.transform(rows(train))[2], notes)):
        assert all(np.array_equal(mine.arrays()[name], theirs.arrays()[name]) for name in ("values", "offsets", "weights"))
    for place, value in enumerate(train):
        squares = float(np.square(notes.take(np.array([place])).weights).sum())
        assert squares == pytest.approx(1.0 if (value or "").strip() else 0.0, abs=1e-5)
    assert encoder.shape(3) == TableShape(1, (), 3, (alone.size, encoder.texts["*"].size))
    assert encoder.places() == {"size": Place([0]), "^n.*$": Place([], text=0), "*": Place([], text=1)}
    values, arrays = encoder.to_parts()
    loaded = TableEncoder.from_parts(json.loads(json.dumps(values)), arrays)
    for mine, theirs in zip(encoder.transform(rows(other))[2:], loaded.transform(rows(other))[2:], strict=True):
        assert all(np.array_equal(mine.arrays()[name], theirs.arrays()[name]) for name in ("values", "offsets", "weights"))
        assert len(mine) == len(other)


def test_an_encoder_from_before_there_were_texts_is_read() -> None:
    encoder = TableEncoder((Feature("x", "number", "point"),))
    encoder.fit(pl.DataFrame({"x": [1.0, 2.0]}))
    values, arrays = encoder.to_parts()
    del values["texts"], values["tokens"]
    assert TableEncoder.from_parts(values, arrays).shape(1) == TableShape(1, (), 1)


def test_categories_are_counted_from_the_commonest_and_zero_is_for_the_rest() -> None:
    train = pl.DataFrame({"x": ["b", "c", "a", "c", None, "b", "rare"]})
    encoder = TableEncoder((Feature("x", "category"),), min_count=1)
    assert encoder.fit(train)[1][:, 0].tolist() == [1, 2, 3, 2, 0, 1, 4]
    assert encoder.categories == {"x": ["b", "c", "a", "rare"]} and encoder.category_sizes == (5,)
    assert encoder.transform(pl.DataFrame({"x": ["new", "c", None]}))[1][:, 0].tolist() == [0, 2, 0]
    assert encoder.transform(train)[0].shape == (7, 0)
    rare = TableEncoder((Feature("x", "category"),), min_count=2)
    assert rare.fit(train)[1][:, 0].tolist() == [1, 2, 0, 2, 0, 1, 0]


def test_a_category_that_training_never_had() -> None:
    encoder = TableEncoder((Feature("x", "category"), Feature("y", "number", "point")))
    numeric, codes = encoder.fit(pl.DataFrame({"x": [None], "y": [None]}, schema={"x": pl.String, "y": pl.Float64}))
    assert numeric.tolist() == [[0, 1]] and codes.tolist() == [[0]] and encoder.category_sizes == (1,)
    later = encoder.transform(pl.DataFrame({"x": ["a"], "y": [3.0]}))
    assert later[0].tolist() == [[3, 0]] and later[1].tolist() == [[0]]


def test_missing_in_prediction_only_is_the_mean() -> None:
    encoder = TableEncoder((Feature("x", "number", "point"),))
    assert encoder.fit(pl.DataFrame({"x": [1.0, 3.0]}))[0].tolist() == [[-1], [1]]
    assert encoder.transform(pl.DataFrame({"x": [None, 7.0]}))[0].tolist() == [[0], [5]]


def test_a_constant_is_zero_and_rounding_is_not_magnified() -> None:
    assert one("number", [0.1] * 3).tolist() == [[0]] * 3  # whose computed deviation is 1.4e-17
    assert one("number", [0.1] * 3 + [None])[:, 0].tolist() == [0] * 4
    assert abs(one("number", [1e9, 1e9 + 1]) - [[-1], [1]]).max() < 1e-6
    assert np.isfinite(one("number", [-3e38, 3e38, 1e-300])).all()
    tiny = TableEncoder((Feature("x", "number", "point"),))
    tiny.fit(pl.DataFrame({"x": [0.0, 1e-150]}))
    assert np.isfinite(tiny.transform(pl.DataFrame({"x": [3e38, 1e300]}))[0]).all()


def test_names_that_are_patterns_to_polars() -> None:
    encoder = TableEncoder((Feature("^.*$", "number", "point"), Feature("*", "category"), Feature("^a$", "boolean")))
    data = pl.DataFrame({"*": ["u", "v"], "a": [5, 6], "^a$": [True, False], "^.*$": [1.0, 3.0]})
    numeric, codes = encoder.fit(data)
    assert numeric.tolist() == [[-1, 1], [1, -1]] and codes.tolist() == [[1], [2]]


def test_booleans_are_numbers() -> None:
    assert one("boolean", [True, False, None])[:, 0].tolist() == [1, -1, 0]


def test_dates_are_years_and_circles() -> None:
    days = [dt.datetime(1970, 1, 1), dt.datetime(2026, 7, 5, 6)]
    encoder = TableEncoder((Feature("x", "date", "ymd time"),))
    encoder.fit(pl.DataFrame({"x": days}))
    second = encoder.mean + encoder.std * encoder.transform(pl.DataFrame({"x": days}))[0][1]
    week = 6 / 7 * math.tau  # the fifth of July 2026 is a Sunday
    years = (days[1] - days[0]).total_seconds() / 86400 / 365.2425
    expected = [years, math.sin(math.pi), math.cos(math.pi), math.sin(week), math.cos(week), 1.0, 0.0]
    np.testing.assert_allclose(second, expected, atol=1e-5)
    assert one("date", days, "ymd").shape == (2, 5)


def test_an_empty_frame_has_arrays_of_the_same_width() -> None:
    encoder = TableEncoder(FEATURES)
    encoder.fit(frame((1.0, True, dt.datetime(2026, 1, 1), "red", None)))
    numeric, codes = encoder.transform(frame())
    assert numeric.shape == (0, encoder.numeric_size) and codes.shape == (0, 2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50))
@example([0.0, 1e-260])
def test_targets_come_back(targets: list[float]) -> None:
    scaler = TargetScaler.fit(np.array(targets))
    encoded = scaler.encode(np.array(targets))
    assert encoded.dtype == np.float32 and encoded.shape == (len(targets),) and np.isfinite(encoded).all()
    spread = max(abs(value - scaler.mean) for value in targets)
    np.testing.assert_allclose(scaler.decode(encoded), targets, rtol=1e-12, atol=1e-6 * spread + 1e-300)
    assert TargetScaler(**json.loads(json.dumps(asdict(scaler)))) == scaler


def test_targets_have_mean_nought_and_deviation_one() -> None:
    scaler = TargetScaler.fit(np.array([1.0, 2.0, 6.0]))
    assert scaler.mean == 3 and scaler.std == pytest.approx(np.std([1, 2, 6]))
    assert TargetScaler.fit(np.array([5.0, 5.0])) == TargetScaler(5.0, 1.0)
    assert scaler.decode(np.zeros(2, np.float32)).dtype == np.float64
