"""Two models on the same rows: the right difference, an interval that holds, false alarms as often as it is said."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import f1_score, root_mean_squared_error

from trainwright.evaluation import paired
from trainwright.evaluation.intervals import Units, wilson
from trainwright.evaluation.paired import difference, holm, mcnemar, noise, row_values, unpaired
from trainwright.evaluation.selection import expected_maximum
from trainwright.evaluation.selection import noise as noise_of_bits

TRIALS = 1000


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 3), (1, 9), (0, 5), (40, 61), (700, 640)])
def test_the_p_value_is_that_of_the_binomial_distribution(gained: int, lost: int) -> None:
    changed, fewer = gained + lost, min(gained, lost)
    wanted = 2 * stats.binom.cdf(fewer, changed, 0.5) - stats.binom.pmf(fewer, changed, 0.5)
    assert mcnemar(gained, lost) == pytest.approx(min(wanted, 1.0), rel=0.01)


def equally_good(draw: np.random.Generator, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The row values of two models that are equally good, on 400 rows of which they share what is hard."""
    hard = draw.normal(size=400)
    if metric == "accuracy":
        return tuple((hard + draw.normal(size=400) < 1).astype(float) for _ in range(2))  # type: ignore[return-value]
    truth = np.zeros(400)
    answers = (hard + draw.normal(size=400) for _ in range(2))
    return tuple(row_values(metric, pl.DataFrame({"truth": truth, "answer": each})) for each in answers)  # type: ignore[return-value]


@pytest.mark.parametrize("metric", ["accuracy", "rmse", "groups"])
def test_false_alarms_are_as_many_as_the_test_says(metric: str) -> None:
    draw, alarms = np.random.default_rng(0), 0
    for _ in range(TRIALS):
        if metric == "groups":  # whose rows are all alike: as rows they would raise four times as many
            first, second = (np.repeat(each[:80], 5) for each in equally_good(draw, "accuracy"))
            found = difference("accuracy", first, second, Units(np.repeat(np.arange(80), 5)))
        else:
            found = difference(metric, *equally_good(draw, metric))
        assert found.p is not None and found.interval is not None
        alarms += found.p < 0.05
    assert 0.04 <= alarms / TRIALS <= 0.06


def test_rows_of_groups_taken_for_units_would_raise_many_more() -> None:
    draw, alarms = np.random.default_rng(1), 0
    for _ in range(300):
        first, second = (np.repeat(each[:80], 5) for each in equally_good(draw, "accuracy"))
        alarms += (difference("accuracy", first, second).p or 0) < 0.05
    assert alarms / 300 > 0.15


def test_the_interval_holds_a_difference_that_is_there() -> None:
    draw, held = np.random.default_rng(0), 0
    gain = stats.norm.cdf(1.3 / math.sqrt(2)) - stats.norm.cdf(1.0 / math.sqrt(2))
    for _ in range(TRIALS):
        hard = draw.normal(size=400)
        first, second = ((hard + draw.normal(size=400) < ease).astype(float) for ease in (1.0, 1.3))
        found = difference("accuracy", first, second)
        assert found.interval is not None and found.value == pytest.approx(second.mean() - first.mean())
        held += found.interval[0] <= gain <= found.interval[1]
    assert 0.93 <= held / TRIALS <= 0.97


def test_values_of_rows_have_the_score_for_their_mean() -> None:
    draw = np.random.default_rng(0)
    numbers = pl.DataFrame({"truth": draw.normal(size=50), "answer": draw.normal(size=50), "loss": draw.random(50)})
    assert row_values("rmse", numbers).mean() == pytest.approx(root_mean_squared_error(numbers["truth"], numbers["answer"]))
    assert row_values("perplexity", numbers).mean() == pytest.approx(math.exp(numbers["loss"].mean()))  # type: ignore[arg-type]
    assert row_values("loss", numbers).mean() == pytest.approx(numbers["loss"].mean())
    there, said = draw.random((50, 4)) < 0.4, draw.random((50, 4)) < 0.4
    sets = pl.DataFrame(
        {name: [[str(n) for n in np.flatnonzero(row)] for row in of] for name, of in (("truth", there), ("answer", said))}
    )
    assert row_values("micro_f1", sets).mean() == pytest.approx(f1_score(there, said, average="micro"))


def test_the_t_test_is_that_of_scipy() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(2, 30))
    wanted = stats.ttest_rel(second, first)
    found = difference("loss", first, second)
    assert found.p == pytest.approx(wanted.pvalue, rel=0.01)
    assert found.interval == pytest.approx(tuple(wanted.confidence_interval(0.95)), rel=0.01)
    assert difference("loss", first[:3], second[:3]).interval is None


def test_other_rows_make_a_wider_interval() -> None:
    found = unpaired(0.5, wilson(50, 100), 0.6, wilson(60, 100))
    assert found.interval == pytest.approx((-0.0370, 0.2313), abs=0.001)  # method 10 of Newcombe 1998
    assert found.p is not None and 0.1 < found.p < 0.2


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06]) and holm([0.6, 0.7]) == [1.0, 1.0]


def test_the_largest_of_several_normal_numbers() -> None:
    known = {2: 0.56419, 3: 0.84628, 7: 1.35218, 100: 2.50759}  # Harter 1961, Biometrika 48:151
    assert {many: expected_maximum(many) for many in known} == pytest.approx(known, abs=1e-4)


def test_the_best_of_equally_good_models_is_as_much_too_good_as_is_said() -> None:
    draw, best, told = np.random.default_rng(0), [], []
    for _ in range(300):
        hard = draw.normal(size=500)
        right = hard + draw.normal(size=(7, 500)) < 1
        best.append(right.mean(axis=1).max() - right.mean())
        told.append(expected_maximum(7) * noise(right.astype(float)))
        assert noise_of_bits([np.packbits(each).tobytes() for each in right], 500) == pytest.approx(noise(right.astype(float)))
    assert np.mean(told) == pytest.approx(np.mean(best), rel=0.05)


@pytest.mark.parametrize("rows", [60, 1000])
def test_the_interval_of_a_difference_of_accuracies_holds_the_truth(rows: int) -> None:
    draw = np.random.default_rng(rows)
    held = []
    for _ in range(600):
        easy = draw.random(rows)
        ours, theirs = easy < 0.85 + 0.1 * draw.standard_normal(rows), easy < 0.8 + 0.1 * draw.standard_normal(rows)
        low, high = paired.of_shares(ours, theirs)["difference_interval"]
        held.append(low <= TRUTH <= high)
    assert 0.93 <= np.mean(held) <= 0.975


def _truth() -> float:
    draw = np.random.default_rng(1)
    easy, noise = draw.random(1_000_000), draw.standard_normal((2, 1_000_000), dtype=np.float32)
    return float((easy < 0.85 + 0.1 * noise[0]).mean() - (easy < 0.8 + 0.1 * noise[1]).mean())


TRUTH = _truth()


def test_models_that_agree_on_few_rows_are_not_surely_equal() -> None:
    low, high = paired.of_shares(np.ones(20, bool), np.ones(20, bool))["difference_interval"]
    assert low < -0.05 and high > 0.05
    pairs = Units(np.repeat(np.arange(10), 2))
    low, high = paired.of_shares(np.ones(20, bool), np.ones(20, bool), pairs)["difference_interval"]
    assert low < 0 < high
    ours, theirs = np.arange(50) < 30, np.isin(np.arange(50), np.r_[:20, 40:44])  # 10 better, 4 worse
    low, high = paired.of_shares(ours, theirs)["difference_interval"]
    assert (low + high) / 2 == pytest.approx(6 / 52)  # Agresti and Min
    assert paired.of_shares(np.ones(3, bool), np.zeros(3, bool)) == {"difference": 1.0, "difference_interval": None}


def test_rows_of_a_group_count_as_one() -> None:
    draw = np.random.default_rng(0)
    ours, theirs = draw.random(40) < 0.8, draw.random(40) < 0.5
    alone = paired.of_shares(ours, theirs)["difference_interval"]
    groups = Units(np.repeat(np.arange(40), 10))
    many = paired.of_shares(np.repeat(ours, 10), np.repeat(theirs, 10), groups)["difference_interval"]
    as_rows = paired.of_shares(np.repeat(ours, 10), np.repeat(theirs, 10))["difference_interval"]
    assert many == pytest.approx(alone, abs=0.03)
    assert as_rows[1] - as_rows[0] < 0.5 * (many[1] - many[0])


def test_the_share_by_which_an_rmse_is_smaller() -> None:
    draw = np.random.default_rng(0)
    truth = draw.standard_normal(500)
    ours, theirs = truth + 0.5 * draw.standard_normal(500), truth + draw.standard_normal(500)
    found = paired.of_errors(ours - truth, theirs - truth)
    assert found["difference"] == pytest.approx(
        1 - root_mean_squared_error(truth, ours) / root_mean_squared_error(truth, theirs)
    )
    picks = draw.integers(0, 500, (2000, 500))
    drawn = 1 - np.sqrt(((ours - truth) ** 2)[picks].mean(axis=1) / ((theirs - truth) ** 2)[picks].mean(axis=1))
    assert found["difference_interval"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)
    assert paired.of_errors(np.zeros(9), np.zeros(9))["difference"] == 0.0


def test_the_difference_of_micro_f1() -> None:
    draw = np.random.default_rng(0)
    truth = (draw.random((400, 6)) < 0.3).astype(np.uint8)
    ours, theirs = (np.where(draw.random(truth.shape) < noise, 1 - truth, truth) == 1 for noise in (0.1, 0.2))
    found = paired.of_labels(truth, ours, theirs)
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
        found.append(paired.depends(draw.dirichlet([8, 1, 1], 100), truth, paired.Z99))
    assert np.mean(found) < 0.02


def test_answers_that_are_always_the_frequent_class_may_go_with_the_truth() -> None:
    draw = np.random.default_rng(0)
    rare = draw.random(2000) < 0.05
    shares = np.where(rare, 0.3, 0.1) * draw.random(2000)
    both = np.stack([1 - shares, shares], axis=1)
    assert (both.argmax(axis=1) == 0).all() and paired.depends(both, np.stack([~rare, rare], axis=1).astype(float), paired.Z99)
    assert paired.depends(np.zeros((0, 2)), np.zeros((0, 2)), paired.Z99) is None
