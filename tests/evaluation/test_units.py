"""Intervals over units: groups, and rows of equal content, count as what they tell."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.evaluation import labels, regression
from trainwright.evaluation.classification import majority, scores
from trainwright.evaluation.intervals import Units, of_mean, proportion, spread, wilson


def units(groups: int, each: int, of: str = "patient") -> Units:
    return Units(np.repeat(np.arange(groups), each), of)


def test_without_units_it_is_the_interval_of_the_rows() -> None:
    right = np.arange(50) < 40
    assert proportion(right) == wilson(40, 50)


@pytest.mark.parametrize("hits", [0, 1, 2])
def test_two_groups_of_equal_rows_tell_what_two_rows_tell(hits: int) -> None:
    right = np.repeat(np.arange(2) < hits, 10)
    assert proportion(right, units(2, 10)) == pytest.approx(wilson(hits, 2))


def test_groups_whose_rows_are_independent_tell_nearly_what_their_rows_tell() -> None:
    right = np.tile([True, True, True, False], 200)  # each group of 4 has 3 right: no group differs
    assert proportion(right, units(200, 4)) == wilson(600, 800)


def test_the_effective_rows_are_those_of_the_design_effect() -> None:
    draw = np.random.default_rng(0)
    right = (draw.random((100, 5)) < draw.beta(2, 1, 100)[:, None]).ravel()
    share, sums = right.mean(), right.reshape(100, 5).sum(axis=1)
    variance = np.var(sums / 5, ddof=1) / 100  # of a mean of 100 group means, as all groups are of 5
    effective = share * (1 - share) / variance * (1.959964 / 1.984217) ** 2  # Student's t of 99 degrees
    low, high = proportion(right, units(100, 5))
    assert (low, high) == pytest.approx(wilson(share * effective, effective), abs=1e-3)
    assert low < wilson(int(right.sum()), 500)[0] and high > wilson(int(right.sum()), 500)[1]


def test_intervals_over_groups_hold_the_truth() -> None:
    held = {True: 0, False: 0}
    for seed in range(300):
        draw = np.random.default_rng(seed)
        chance = draw.beta(1.4, 0.6, 40)  # 0.7 on average
        right = (draw.random((40, 10)) < chance[:, None]).ravel()
        for grouped in held:
            low, high = proportion(right, units(40, 10) if grouped else None)
            held[grouped] += low <= 0.7 <= high
    assert held[True] >= 0.92 * 300 and held[False] < 0.75 * 300


def test_sums_are_drawn_by_unit() -> None:
    draw = np.random.default_rng(1)
    actual = np.repeat(draw.normal(size=30), 8)
    predicted = actual + np.repeat(draw.normal(size=30), 8)
    found = regression.scores(actual, predicted, units(30, 8))
    alone = regression.scores(actual[::8], predicted[::8])
    for name in ("rmse", "mae", "r2"):
        assert found[f"{name}_interval"] == pytest.approx(alone[f"{name}_interval"], rel=1e-9), name
    assert found["n"] == 240 and found["units"] == 30 and found["units_of"] == "patient" and "units" not in alone


def test_few_units_do_not_tell_how_means_vary() -> None:
    assert of_mean(np.arange(40.0), units=units(4, 10)) is None
    assert of_mean(np.arange(40.0), units=units(5, 8)) is not None


def test_the_error_of_a_mean_is_that_of_leaving_out_each_unit() -> None:
    draw = np.random.default_rng(5)
    codes = np.repeat(np.arange(9), draw.integers(1, 12, 9))
    values = draw.random(len(codes))
    changes = np.bincount(codes, values - values.mean()) / len(codes)
    left = np.array([values[codes != code].mean() for code in range(9)])
    jackknife = np.sqrt(8 / 9 * ((left - values.mean()) ** 2).sum())
    assert spread(changes, np.bincount(codes))[0] == pytest.approx(jackknife)


def test_an_error_that_few_rows_make_is_less_well_known() -> None:
    draw = np.random.default_rng(6)
    even, rare = np.where(np.arange(1000) < 500, 1.0, -1.0), np.where(np.arange(1000) < 10, 0.99, -0.01)
    found = [spread(each, np.ones(1000))[1] for each in (even, draw.normal(size=1000), rare)]
    assert found[0] == 999 and 800 < found[1] < 999
    assert found[2] == pytest.approx(20, rel=0.1)  # twice those of the rare class, which give or take a tenth


def test_means_of_losses_stay_where_losses_can_be() -> None:
    draw = np.random.default_rng(7)
    low, high = of_mean(draw.exponential(size=8))  # type: ignore[misc]
    assert 0 < low < 1 < high
    low, high = of_mean(draw.normal(size=50))  # type: ignore[misc]
    assert low < 0 < high
    assert of_mean(np.full(9, 2.0)) is None and of_mean(np.zeros(0)) is None and of_mean(np.full(9, np.inf)) is None


def test_baselines_and_sets_of_labels_have_units_too() -> None:
    targets = np.repeat([0, 1], 10)
    found = majority(targets, targets, ("a", "b"), units(2, 10))
    assert found["units"] == 2 and found["interval"] == pytest.approx(wilson(1, 2))
    assert scores(targets, np.eye(2)[targets], units(2, 10))["interval"] == pytest.approx(wilson(2, 2))
    sets = np.repeat(np.random.default_rng(2).integers(0, 2, (20, 3)).astype(np.uint8), 5, axis=0)
    said = np.repeat(np.random.default_rng(3).integers(0, 2, (20, 3)).astype(bool), 5, axis=0)
    assert labels.intervals(sets, said, units(20, 5))["micro_f1_interval"] == pytest.approx(
        labels.intervals(sets[::5], said[::5])["micro_f1_interval"], rel=1e-9
    )
