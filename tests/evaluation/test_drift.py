"""Splits that were drawn at random raise hardly ever an alarm, and those that differ do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from trainwright.evaluation import drift


@pytest.mark.parametrize("classes", [2, 3, 6, 30])
def test_chi_squared_is_that_of_scipy(classes: int) -> None:
    draw = np.random.default_rng(classes)
    for _ in range(20):
        counts = (
            draw.multinomial(2000, np.full(classes, 1 / classes)),
            draw.multinomial(500, draw.dirichlet(np.full(classes, 300))),
        )
        found, right = drift.of_classes("", *counts), stats.chi2_contingency(np.stack(counts), correction=False)
        assert found is not None and found.p == pytest.approx(right.pvalue, rel=0.25, abs=1e-9)
        assert found.effect == pytest.approx(np.sqrt(right.statistic / 2500))


def test_rare_classes_are_taken_together() -> None:
    usual = np.array([500, 400, *([2] * 50)])
    found = drift.of_classes("", usual, np.array([50, 40, *([0] * 45), *([2] * 5)]))
    assert found is not None and found.p > 0.01
    assert drift.of_classes("", np.array([100, 0]), np.array([10, 10])) is None


@pytest.mark.parametrize("ties", [False, True])
def test_kolmogorov_smirnov_is_that_of_scipy(ties: bool) -> None:
    draw = np.random.default_rng(5)
    for shift in (0.0, 0.1, 0.3):
        first, second = draw.normal(size=800), draw.normal(shift, size=200)
        if ties:
            first, second = first.round(1), second.round(1)
        found = drift.of_numbers("", np.append(first, np.nan), second)
        right = stats.ks_2samp(first, second, method="asymp")
        assert found is not None and found.effect == pytest.approx(right.statistic)
        assert found.p == pytest.approx(right.pvalue, rel=0.35, abs=1e-6)


def test_the_area_is_that_of_scikit_learn_and_its_deviation_that_of_draws() -> None:
    draw = np.random.default_rng(6)
    scores, positive = draw.normal(size=400).round(1), draw.random(400) < 0.3
    assert drift.ranked(scores, positive)[0] == pytest.approx(roc_auc_score(positive, scores))
    drawn = [drift.ranked(scores, draw.permutation(positive))[0] for _ in range(500)]
    assert drift.ranked(scores, positive)[1] == pytest.approx(np.std(drawn), rel=0.1)


def words(draw: np.random.Generator, texts: int, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twelve words a text, each once."""
    pairs = np.unique(np.repeat(np.arange(texts), 12) * len(shares) + draw.choice(len(shares), 12 * texts, p=shares))
    return pairs % len(shares), pairs // len(shares)


def made(draw: np.random.Generator, drifted: float) -> list[drift.Test]:
    """All comparisons of 1,000 rows in which a share of those of the second split are of another kind."""
    second = np.zeros(1000, bool)
    second[: draw.integers(100, 500)] = True
    odd = second & (draw.random(1000) < drifted)
    shares = draw.dirichlet(np.full(300, 0.5))
    codes, texts = words(draw, 1000, shares)
    codes = np.where(odd[texts], (codes + 7) % 300, codes)
    numbers, classes = draw.normal(size=1000) + odd, draw.integers(0, 4, 1000) * ~odd
    counts = [np.bincount(classes[side], minlength=4) for side in (~second, second)]
    tests = (
        drift.of_tokens("words", codes, texts, second),
        drift.of_numbers("numbers", numbers[~second], numbers[second]),
        drift.of_classes("classes", *counts),
    )
    return [each for each in tests if each]


def test_random_splits_give_hardly_an_alarm() -> None:
    draw = np.random.default_rng(8)
    runs = [made(draw, 0.0) for _ in range(100)]
    assert sum(bool(drift.alarms(tests)) for tests in runs) <= 5  # of 1 %, more than 5 of 100 is one in 1,000
    for place in range(3):  # and the probabilities are those of chance
        assert float(np.mean([tests[place].p < 0.2 for tests in runs])) == pytest.approx(0.2, abs=0.13)


def test_splits_that_differ_give_one_of_each() -> None:
    draw = np.random.default_rng(9)
    runs = [drift.alarms(made(draw, 0.8)) for _ in range(10)]
    assert all({each.what for each in tests} == {"words", "numbers", "classes"} for tests in runs)


def test_few_rows_are_not_compared() -> None:
    draw = np.random.default_rng(10)
    codes, texts = words(draw, 50, np.full(20, 0.05))
    assert drift.of_tokens("", codes, texts, np.arange(50) < 20) is None
    assert drift.of_numbers("", draw.normal(size=20), draw.normal(size=500)) is None
