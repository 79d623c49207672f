"""How far numbers are off: exact sums, and intervals that hold what they promise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score

from trainwright.evaluation import regression
from trainwright.evaluation.intervals import student
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
    assert (found["rmse"], found["r2"], found["rmse_interval"], found["r2_interval"]) == (0, 1, None, None)  # no certainty


@pytest.mark.parametrize("rows", [20, 60])
def test_the_interval_holds_the_true_value_about_as_often_as_it_says(rows: int) -> None:
    draw = np.random.default_rng(3)
    held = np.zeros(3)
    truth = (1.0, np.sqrt(2 / np.pi), 0.75)
    for _ in range(500):
        actual = 2 * draw.normal(size=rows)
        found = regression.scores(actual, actual + draw.normal(size=rows))
        ends = [found[f"{name}_interval"] for name in regression.NAMES]
        held += [low <= value <= high for (low, high), value in zip(ends, truth, strict=True)]
    assert (held / 500 > 0.92).all() and (held / 500 < 0.98).all(), held / 500


def test_the_interval_of_normal_errors_is_that_of_the_chi_squared_distribution() -> None:
    errors = np.random.default_rng(4).normal(size=2000)
    found = regression.scores(np.zeros(2000), errors)
    low, high = (np.sqrt((errors**2).sum() / stats.chi2.ppf(share, 2000)) for share in (0.975, 0.025))
    assert found["rmse_interval"] == pytest.approx((low, high), abs=0.05 * (high - low))


def test_the_logarithm_of_what_r2_leaves_is_as_far_off_as_a_jackknife_says() -> None:
    draw = np.random.default_rng(5)
    actual = draw.normal(size=300)
    predicted = actual + 0.5 * draw.normal(size=300)
    left = [np.log(1 - r2_score(np.delete(actual, row), np.delete(predicted, row))) for row in range(300)]
    deviation = np.sqrt(299 / 300 * np.square(left - np.mean(left)).sum())
    low, high = regression.scores(actual, predicted)["r2_interval"]
    assert np.log((1 - low) / (1 - high)) == pytest.approx(2 * 1.97 * deviation, rel=0.03)


@pytest.mark.parametrize(("freedom", "rel"), [(2, 0.05), (2.5, 0.03), (4, 0.005), (5.5, 0.005), (30, 0.005), (1000, 0.005)])
def test_students_quantile(freedom: float, rel: float) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=rel)


def test_points_are_few_and_evenly_taken() -> None:
    found = regression.points(np.arange(100_001.0), np.arange(100_001.0) / 3)
    assert len(found) == regression.MOST_POINTS and found[0] == [0, 0] and found[-1] == [100_000, 33333.33]
    assert {round(b[0] - a[0]) for a, b in pairwise(found)} == {50, 51}
    assert regression.points(np.array([0.1]), np.array([2.0])) == [[0.1, 2.0]]
    assert regression.points(np.zeros(0), np.zeros(0)) == []


def test_the_baseline_is_a_constant() -> None:
    found = regression.mean_baseline(2.0, np.array([1.0, 2.0, 6.0]))
    assert found["value"] == 2 and found["rmse"] == pytest.approx(np.sqrt(17 / 3)) and found["r2"] < 0
