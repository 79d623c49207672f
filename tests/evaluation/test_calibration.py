"""Whether probabilities are what they say: the calibration error by its formula, the temperature by the minimum of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.calibration import calibration_curve

from trainwright.evaluation.calibration import BINS, calibrated_loss, reliability, temperature
from trainwright.evaluation.intervals import Units


def drawn(rows: int, factor: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and class numbers that are as probable as the logits divided by ``factor`` say."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(rows, 4)) * 2
    shares = np.exp(log_softmax(logits, axis=1))
    targets = (shares.cumsum(axis=1) < draw.random((rows, 1))).sum(axis=1).clip(0, 3)
    return logits * factor, targets


def labelled(rows: int, factor: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(rows, 3)) * 2
    return logits * factor, (draw.random(logits.shape) < expit(logits)).astype(np.uint8)


def test_the_error_is_that_of_bins_of_the_same_number_of_rows() -> None:
    draw = np.random.default_rng(0)
    sure = draw.random(60 * BINS)
    right = draw.random(len(sure)) < sure**2
    found = reliability(sure.astype(np.float32), right)
    shares, means = calibration_curve(right, sure, n_bins=BINS, strategy="quantile")
    assert [rows for rows, _, _ in found["bins"]] == [60] * BINS
    assert np.array(found["bins"])[:, 1:] == pytest.approx(np.stack([means, shares], axis=1), abs=1e-6)
    assert found["ece"] == pytest.approx(np.abs(shares - means).mean(), abs=1e-6)


def test_equal_confidences_are_in_one_bin_whatever_their_order() -> None:
    sure = np.repeat([0.5, 0.9], [500, 300])
    right = np.arange(800) % 3 > 0
    found = reliability(sure, right)
    assert [rows for rows, _, _ in found["bins"]] == [500, 300]
    order = np.random.default_rng(0).permutation(800)
    assert reliability(sure[order], right[order])["ece"] == pytest.approx(found["ece"])
    assert reliability(sure[:0], right[:0])["bins"] == [] and len(reliability(sure[:5], right[:5])["bins"]) == 1


def test_by_chance_is_what_right_probabilities_show() -> None:
    draw, errors, told = np.random.default_rng(1), [], []
    for _ in range(200):
        sure = 0.4 + 0.6 * draw.random(400)
        found = reliability(sure, draw.random(400) < sure)
        errors.append(found["ece"])
        told.append(found["by_chance"])
    assert np.mean(told) == pytest.approx(np.mean(errors), rel=0.05)


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_the_temperature_has_the_least_log_loss(factor: float) -> None:
    scores, targets = drawn(800, factor)
    found = temperature(scores.astype(np.float32), targets, None, always=False)
    rows = np.arange(len(targets))
    least = minimize_scalar(
        lambda by: -log_softmax(scores / by, axis=1)[rows, targets].mean(), bounds=(0.1, 9), method="bounded"
    )
    assert found.value == pytest.approx(least.x, rel=1e-3) and found.value == pytest.approx(factor, rel=0.15)
    assert found.why.startswith("fitted on 800 validation rows")


def test_the_temperature_of_labels_has_the_least_log_loss() -> None:
    scores, targets = labelled(600, 2.0)
    found = temperature(scores, targets, None, always=False)

    def loss(by: float) -> float:
        shares = expit(scores / by)
        return float(-np.log(np.where(targets == 1, shares, 1 - shares)).mean())

    assert found.value == pytest.approx(minimize_scalar(loss, bounds=(0.1, 9), method="bounded").x, rel=1e-3)


def test_probabilities_that_are_right_are_left_as_they_are() -> None:
    moved = sum(temperature(*drawn(300, seed=seed), None, always=False).value != 1 for seed in range(200))
    assert moved <= 14  # a test at 5 % on less than all it could say; 14 of 200 are too many with probability 0.08 at 5 %


def test_rows_of_a_group_count_as_one() -> None:
    scores, targets = drawn(300, 1.35)
    alone = temperature(scores, targets, None, always=False)
    repeated = scores.repeat(4, axis=0), targets.repeat(4)
    again = temperature(*repeated, Units(np.arange(300).repeat(4)), always=False)
    assert again.value == pytest.approx(alone.value) and alone.value != 1
    scores, targets = drawn(90, 3.0)
    few = temperature(scores.repeat(4, axis=0), targets.repeat(4), Units(np.arange(90).repeat(4)), always=False)
    assert few.value == 1 and few.why.startswith("off: 90 units of validation")


def test_too_little_is_said_so() -> None:
    scores, targets = drawn(500, 3.0)
    right = scores.argmax(axis=1)
    for given in ((scores[:99], targets[:99]), (scores, right)):
        found = temperature(*given, None, always=False)
        assert found.value == 1 and found.why.startswith("off:")
    assert temperature(scores[:99], targets[:99], None, always=True).value > 1.5
    assert temperature(scores, right, None, always=True).value == 1  # no limit could be found
    assert temperature(scores * np.inf, targets, None, always=True).value == 1
    assert temperature(scores[:0], targets[:0], None, always=True).value == 1


def test_many_values_are_fitted_on_some_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, targets = drawn(6000, 2.0)
    monkeypatch.setattr("trainwright.evaluation.calibration.MOST_VALUES", 8000)
    found = temperature(scores, targets, Units(np.arange(6000) // 2), always=False)
    assert found.value == pytest.approx(2.0, rel=0.1) and found.why.startswith("fitted on 2,000 validation rows")


def test_the_loss_after_scaling_is_that_of_the_best_temperature() -> None:
    scores, targets = drawn(400, 3.0)

    def loss(inverse: float) -> float:
        return float(-log_softmax(inverse * scores, axis=1)[np.arange(len(targets)), targets].mean())

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-10}).fun
    shares = np.exp(log_softmax(scores, axis=1)).astype(np.float32)
    assert calibrated_loss(targets, shares) == pytest.approx(best, rel=1e-5) and best < loss(1) - 0.1
    softer = np.exp(log_softmax(scores / 7, axis=1)).astype(np.float32)  # how sure the model is makes no difference
    assert calibrated_loss(targets, softer) == pytest.approx(best, rel=1e-5)
    scores, targets = labelled(400, 3.0)
    signs = np.where(targets == 1, -1, 1)
    best = minimize_scalar(
        lambda inverse: np.logaddexp(0, inverse * signs * scores).mean(), bounds=(0.1, 10), method="bounded"
    ).fun
    assert calibrated_loss(targets, expit(scores).astype(np.float32)) == pytest.approx(best, rel=1e-4)
    assert calibrated_loss(targets, np.full(scores.shape, np.nan, np.float32)) is None
