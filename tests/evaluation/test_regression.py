"""How far numbers are off: exact sums, and intervals that hold what they promise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.evaluation import regression
from trainwright.evaluation.intervals import MOST, bootstrap, student
from trainwright.watch.metrics import compute

VALUES = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=30)


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_the_measures_are_those_of_the_textbook(pairs: list[tuple[float, float]]) -> None:
    actual, predicted = np.array(pairs).T
    found = regression.scores(actual, predicted)
    assert found["n"] == len(pairs)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((actual - predicted) ** 2)))
    assert found["mae"] == pytest.approx(np.mean(np.abs(actual - predicted)))
    if found["r2"] is not None and np.var(actual) > 1e-3:
        assert found["r2"] == pytest.approx(1 - np.mean((actual - predicted) ** 2) / np.var(actual), rel=1e-6, abs=1e-6)
    for name in regression.NAMES:
        assert found[f"{name}_interval"] is None or found[f"{name}_interval"][0] <= found[f"{name}_interval"][1]


def test_equal_targets_have_no_r2() -> None:
    found = regression.scores(np.full(9, 0.1), np.arange(9.0))
    assert found["r2"] is None and found["r2_interval"] is None and found["rmse"] > 0
    assert "r2" not in compute(regression.NAMES, np.full(9, 0.1), np.arange(9.0))


def test_one_row_tells_nothing_of_chance() -> None:
    found = regression.scores(np.array([1.0]), np.array([3.0]))
    assert (found["rmse"], found["mae"], found["rmse_interval"], found["mae_interval"]) == (2, 2, None, None)


def test_exact_predictions() -> None:
    found = regression.scores(np.arange(50.0), np.arange(50.0))
    assert (found["rmse"], found["r2"], found["rmse_interval"], found["r2_interval"]) == (0, 1, (0, 0), (1, 1))


@pytest.mark.parametrize(("rows", "least"), [(20, 0.83), (60, 0.88)])
def test_the_interval_holds_the_true_value_about_as_often_as_it_says(rows: int, least: float) -> None:
    draw = np.random.default_rng(3)
    held = np.zeros(3)
    truth = (1.0, np.sqrt(2 / np.pi), 0.75)
    for _ in range(200):
        actual = 2 * draw.normal(size=rows)
        found = regression.scores(actual, actual + draw.normal(size=rows))
        ends = [found[f"{name}_interval"] for name in regression.NAMES]
        held += [low <= value <= high for (low, high), value in zip(ends, truth, strict=True)]
    assert (held / 200 > least).all() and (held / 200 < 1).all(), held / 200


def test_groups_of_many_rows_vary_as_the_rows_do() -> None:
    errors = np.random.default_rng(4).normal(size=30 * MOST + 7)
    errors.sort()  # groups of neighbours would vary far more
    found = bootstrap(np.stack([np.ones(len(errors)), errors]), lambda sums: sums[1:] / sums[0])[0]
    assert found is not None
    assert found[1] - found[0] == pytest.approx(2 * 1.96 / len(errors) ** 0.5, rel=0.15)
    assert found == bootstrap(np.stack([np.ones(len(errors)), errors]), lambda sums: sums[1:] / sums[0])[0]


@pytest.mark.parametrize(("freedom", "known"), [(4, 2.7764), (5, 2.5706), (10, 2.2281), (30, 2.0423), (1000, 1.9623)])
def test_students_quantile(freedom: int, known: float) -> None:
    assert student(freedom) == pytest.approx(known, rel=0.005)


def test_points_are_few_and_evenly_taken() -> None:
    found = regression.points(np.arange(100_001.0), np.arange(100_001.0) / 3)
    assert len(found) == regression.MOST_POINTS and found[0] == [0, 0] and found[-1] == [100_000, 33333.33]
    assert {round(b[0] - a[0]) for a, b in pairwise(found)} == {50, 51}
    assert regression.points(np.array([0.1]), np.array([2.0])) == [[0.1, 2.0]]
    assert regression.points(np.zeros(0), np.zeros(0)) == []


def test_the_baseline_is_a_constant() -> None:
    found = regression.mean_baseline(2.0, np.array([1.0, 2.0, 6.0]))
    assert found["value"] == 2 and found["rmse"] == pytest.approx(np.sqrt(17 / 3)) and found["r2"] < 0
