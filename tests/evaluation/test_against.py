"""Differences of two models on the same rows: right values, intervals that hold the truth, and few false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, root_mean_squared_error

from trainwright.evaluation import against
from trainwright.evaluation.intervals import Units


@pytest.mark.parametrize("rows", [60, 1000])
def test_the_interval_of_a_difference_of_accuracies_holds_the_truth(rows: int) -> None:
    draw = np.random.default_rng(rows)
    held = []
    for _ in range(600):
        easy = draw.random(rows)
        ours, theirs = easy < 0.85 + 0.1 * draw.standard_normal(rows), easy < 0.8 + 0.1 * draw.standard_normal(rows)
        low, high = against.of_shares(ours, theirs)["difference_interval"]
        held.append(low <= TRUTH <= high)
    assert 0.93 <= np.mean(held) <= 0.975


def _truth() -> float:
    draw = np.random.default_rng(1)
    easy, noise = draw.random(1_000_000), draw.standard_normal((2, 1_000_000), dtype=np.float32)
    return float((easy < 0.85 + 0.1 * noise[0]).mean() - (easy < 0.8 + 0.1 * noise[1]).mean())


TRUTH = _truth()


def test_models_that_agree_on_few_rows_are_not_surely_equal() -> None:
    low, high = against.of_shares(np.ones(20, bool), np.ones(20, bool))["difference_interval"]
    assert low < -0.05 and high > 0.05
    ours, theirs = np.arange(50) < 30, np.isin(np.arange(50), np.r_[:20, 40:44])  # 10 better, 4 worse
    low, high = against.of_shares(ours, theirs)["difference_interval"]
    assert (low + high) / 2 == pytest.approx(6 / 52)  # Agresti and Min
    assert against.of_shares(np.ones(3, bool), np.zeros(3, bool)) == {"difference": 1.0, "difference_interval": None}


def test_rows_of_a_group_count_as_one() -> None:
    draw = np.random.default_rng(0)
    ours, theirs = draw.random(40) < 0.8, draw.random(40) < 0.5
    alone = against.of_shares(ours, theirs)["difference_interval"]
    groups = Units(np.repeat(np.arange(40), 10))
    many = against.of_shares(np.repeat(ours, 10), np.repeat(theirs, 10), groups)["difference_interval"]
    as_rows = against.of_shares(np.repeat(ours, 10), np.repeat(theirs, 10))["difference_interval"]
    assert many == pytest.approx(alone, abs=0.03)
    assert as_rows[1] - as_rows[0] < 0.5 * (many[1] - many[0])


def test_the_share_by_which_an_rmse_is_smaller() -> None:
    draw = np.random.default_rng(0)
    truth = draw.standard_normal(500)
    ours, theirs = truth + 0.5 * draw.standard_normal(500), truth + draw.standard_normal(500)
    found = against.of_errors(ours - truth, theirs - truth)
    assert found["difference"] == pytest.approx(
        1 - root_mean_squared_error(truth, ours) / root_mean_squared_error(truth, theirs)
    )
    picks = draw.integers(0, 500, (2000, 500))
    drawn = 1 - np.sqrt(((ours - truth) ** 2)[picks].mean(axis=1) / ((theirs - truth) ** 2)[picks].mean(axis=1))
    assert found["difference_interval"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)
    assert against.of_errors(np.zeros(9), np.zeros(9))["difference"] == 0.0


def test_the_difference_of_micro_f1() -> None:
    draw = np.random.default_rng(0)
    truth = (draw.random((400, 6)) < 0.3).astype(np.uint8)
    ours, theirs = (np.where(draw.random(truth.shape) < noise, 1 - truth, truth) == 1 for noise in (0.1, 0.2))
    found = against.of_labels(truth, ours, theirs)
    value = [f1_score(truth, each, average="micro") for each in (ours, theirs)]
    assert found["difference"] == pytest.approx(value[0] - value[1])
    picks = draw.integers(0, 400, (200, 400))
    drawn = [_f1(truth[p], ours[p]) - _f1(truth[p], theirs[p]) for p in picks]
    assert found["difference_interval"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.025)


def _f1(truth: np.ndarray, said: np.ndarray) -> float:
    return 2 * (said & (truth == 1)).sum() / (said.sum() + truth.sum())


def test_answers_without_anything_to_do_with_the_truth_rarely_seem_to_have() -> None:
    draw = np.random.default_rng(0)
    found = []
    for _ in range(1000):
        truth = np.eye(3)[draw.choice(3, 100, p=[0.8, 0.15, 0.05])]
        found.append(against.depends(draw.dirichlet([8, 1, 1], 100), truth, against.Z99))
    assert np.mean(found) < 0.02


def test_answers_that_are_always_the_frequent_class_may_go_with_the_truth() -> None:
    draw = np.random.default_rng(0)
    rare = draw.random(2000) < 0.05
    shares = np.where(rare, 0.3, 0.1) * draw.random(2000)
    both = np.stack([1 - shares, shares], axis=1)
    assert (both.argmax(axis=1) == 0).all() and against.depends(
        both, np.stack([~rare, rare], axis=1).astype(float), against.Z99
    )
    assert against.depends(np.zeros((0, 2)), np.zeros((0, 2)), against.Z99) is None
