"""A column that gives away what is to be predicted is found, and one that merely helps is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trainwright as tw
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.leaks import decides, decisive, follows, settles
from trainwright.data.tables.table import ROW, Table
from trainwright.watch.events import Note

DRAW = np.random.default_rng(4)
PRICE = DRAW.uniform(100, 1000, 500).round(2)
NOISE = DRAW.normal(size=500)
ODD = [3, 77]


def table_of(**columns: Any) -> Table:
    frame = pl.DataFrame(columns)
    return Table(frame.with_row_index(ROW, 1).with_columns(pl.col(ROW).cast(pl.Int64)), "homes.csv", True, [], [])


def but_for(values: np.ndarray) -> np.ndarray:
    """The same in all but two rows."""
    values = values.astype(float).copy()
    values[ODD] = values.mean()
    return values


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (PRICE, "(correlation 1.000)"),
        ((PRICE * 1.08).round(2), "(correlation 1.000)"),
        (30 - PRICE / 7, "(correlation 1.000)"),
        (np.log(PRICE), "(rank correlation 1.000)"),
        (-(PRICE**3), "(rank correlation 1.000)"),
        (but_for(PRICE * 1.08), "(correlation 1.000), in all but 2 of 500 rows"),
        (but_for(np.exp(PRICE / 100)), "(rank correlation 1.000), in all but 2 of 500 rows"),
        (np.where(np.arange(500) % 9 == 0, np.nan, PRICE), "(correlation 1.000)"),
        (NOISE, ""),
        (PRICE + 5 * NOISE, ""),  # helps a lot: correlation 0.9998
        (PRICE.round(-2), ""),  # a class of prices
        (np.ones(500), ""),
    ],
)
def test_a_function_of_a_numeric_target_is_found(feature: np.ndarray, said: str) -> None:
    assert follows(feature, PRICE) == said


def test_a_target_that_is_nearly_always_the_same_follows_from_nothing() -> None:
    assert follows(NOISE, np.where(np.arange(500) < 4, NOISE, 0.0)) == ""
    assert follows((NOISE > 0).astype(float), (NOISE > 0).astype(float) * PRICE) == ""


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50).filter(lambda value: abs(value) > 1e-3), st.floats(-1e4, 1e4))
def test_any_line_is_found_and_no_noise(seed: int, slope: float, shift: float) -> None:
    draw = np.random.default_rng(seed)
    target, other = draw.normal(size=(2, 60))
    assert follows(slope * target + shift, target) == "(correlation 1.000)"
    assert not follows(target + 0.1 * other, target)


@pytest.mark.parametrize(
    ("flip", "said"),
    [([], ""), (ODD, ", in all but 2 of 500 rows"), (range(0, 500, 20), None)],
)
def test_a_number_or_a_word_that_decides_the_class_is_found(flip: list[int], said: str | None) -> None:
    classes = (PRICE > 500).astype(float)
    classes[list(flip)] = 1 - classes[list(flip)]
    flags = pl.Series((PRICE > 500).astype(int)).cast(pl.String)
    words = pl.Series(classes.astype(int)).cast(pl.String)
    assert decides(PRICE, classes) == ("" if said is None else f"limits on it tell the classes apart{said}")
    assert settles(flags, words) == ("" if said is None else f"each of its values stands beside one class alone{said}")


@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_of_many_columns_those_are_found_that_decide_by_themselves(seed: int, many: int) -> None:
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, many, 200)
    columns = []
    for exceptions in (0, 1, 2, 3, 4, 6, 200):
        column = (draw.permutation(many)[classes] + draw.uniform(0, 0.999, 200)).round(
            int(draw.integers(2, 4))
        )  # ties, and more values than codes have
        odd = draw.choice(200, exceptions, replace=False)
        column[odd] = draw.uniform(0, many, exceptions)
        columns += [column, np.where(draw.uniform(size=200) < 0.1, np.nan, column)]
    table = table_of(**{str(place): column for place, column in enumerate(columns)}, label=classes.astype(str))
    *profiles, target = table.profiles.values()
    expected = {str(place) for place, column in enumerate(columns) if decides(column, classes.astype(float))}
    found = {note.value for note in decisive(profiles, target)}
    assert found == expected and found


def test_what_stands_once_beside_each_class_decides_nothing() -> None:
    names = pl.Series([f"p{place}" for place in range(500)])
    assert settles(names, pl.Series(["a", "b"] * 250)) == ""


def test_what_follows_from_a_numeric_target_is_left_out_unless_it_is_named() -> None:
    homes = table_of(sqm=(PRICE / 3 + 20 * NOISE).tolist(), price_usd=(PRICE * 1.08).round(2).tolist(), price=PRICE.tolist())
    chosen = choose_features(homes)
    assert [feature.name for feature in chosen.features] == ["sqm"]
    assert ("left out", "price_usd", "it follows from 'price' (correlation 1.000)") in [tuple(each) for each in chosen.notes]
    named = choose_features(homes, ["sqm", "price_usd"])
    assert [feature.name for feature in named.features] == ["sqm", "price_usd"]


def test_the_only_feature_and_the_year_of_a_growing_number_stay() -> None:
    alone = choose_features(table_of(x=PRICE.tolist(), y=(2 * PRICE).tolist()))
    assert [feature.name for feature in alone.features] == ["x"]
    days = table_of(other=NOISE.tolist(), day=list(range(500)), sold=(np.arange(500.0) ** 2 + 0.5).tolist())
    assert [feature.name for feature in choose_features(days, label="sold").features] == ["other", "day"]


def test_a_flag_that_decides_the_class_is_said_and_stays(tmp_path: Path) -> None:
    survived = np.where(NOISE > 0, "yes", "no")
    flag = np.where(NOISE > 0, 1, 0)
    flag[ODD] = 1 - flag[ODD]
    pl.DataFrame({"age": PRICE, "survived_flag2": flag, "survived": survived}).write_csv(tmp_path / "ship.csv")
    events: list[object] = []
    tw.train(tmp_path / "ship.csv", out=tmp_path / "run", epochs=1, speed="off", listen=events.append)
    said = {each.value: each for each in events if isinstance(each, Note) and each.what == "tells 'survived'"}
    assert set(said) == {"survived_flag2"}
    why = said["survived_flag2"].why
    assert "in all but 2 of 500 rows" in why and "columns.survived_flag2=ignore" in why
