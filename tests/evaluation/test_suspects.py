"""Labels that are probably wrong, by arithmetic that is written out again, and on labels whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.evaluation import suspects
from trainwright.evaluation.folds import cut
from trainwright.evaluation.intervals import Units


def noisy(rows: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of a model that is sure, labels of which a share is wrong, and which are."""
    draw = np.random.default_rng(seed)
    truth, wrong = draw.integers(0, 3, rows), draw.random(rows) < share
    given = np.where(wrong, (truth + draw.integers(1, 3, rows)) % 3, truth)
    logits = draw.normal(size=(rows, 3)) + 5 * np.eye(3)[truth]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), given, wrong


def test_the_estimate_is_the_confident_joint_of_the_paper() -> None:
    shares, given, _ = noisy(300, 0.2)
    limits = [np.mean([shares[row, each] for row in range(300) if given[row] == each]) for each in range(3)]
    joint = [[0] * 3 for _ in range(3)]
    for row in range(300):
        able = [each for each in range(3) if shares[row, each] >= limits[each]]
        if able:
            joint[given[row]][max(able, key=lambda each: shares[row, each])] += 1
    rows = [sum(given == each) for each in range(3)]
    wrong = sum(rows[i] * joint[i][j] / sum(joint[i]) for i in range(3) for j in range(3) if i != j)
    assert suspects.estimate(shares, given) == pytest.approx(wrong)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
def test_as_many_as_are_wrong_are_estimated_and_come_first(share: float) -> None:
    shares, given, wrong = noisy(4000, share)
    found = suspects.of_classes(shares, given)
    assert abs(found.wrong - wrong.sum()) <= 0.01 * 4000
    assert not wrong.any() or wrong[found.chosen[: wrong.sum()]].mean() > 0.9
    assert (np.diff(found.doubt[found.chosen]) <= 0).all()


def test_a_label_that_is_also_the_likeliest_is_not_doubted() -> None:
    found = suspects.of_classes(np.array([[0.4, 0.35, 0.25], [0.1, 0.8, 0.1]]), np.array([0, 0]))
    assert found.chosen.tolist() == [1]


def test_each_of_several_labels_is_doubted_for_itself() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random((2000, 2)) < [0.5, 0.1]
    wrong = draw.random((2000, 2)) < 0.05
    shares = np.where(truth, 0.95, 0.05) + draw.uniform(-0.04, 0.04, (2000, 2))
    found = suspects.of_labels(shares, truth ^ wrong)
    assert abs(found.wrong - wrong.sum()) <= 40
    assert set(found.chosen.tolist()) == set(np.flatnonzero(wrong.any(axis=1)).tolist())


def test_numbers_are_doubted_by_robust_deviations() -> None:
    draw = np.random.default_rng(0)
    given, predicted = draw.normal(size=1000), np.zeros(1000)
    given[[3, 500]] = 40.0, -9.0  # a spread that the outliers do not widen
    found = suspects.of_numbers(predicted, given)
    error = np.abs(given - np.median(given))
    assert found.doubt == pytest.approx(error / (1.4826 * np.median(error)))
    assert found.chosen.tolist() == [3, 500] and found.wrong == 2
    assert not len(suspects.of_numbers(predicted, predicted).chosen)  # no spread at all


def test_folds_keep_units_whole_and_classes_even() -> None:
    draw = np.random.default_rng(0)
    codes = np.concatenate([np.arange(400), draw.integers(0, 400, 100)])
    kinds = draw.integers(0, 4, 400)
    fold = cut(kinds[codes], Units(codes), 5, 0)
    assert all(len(set(fold[codes == code])) == 1 for code in range(400))
    firsts = fold[:400]
    for kind in range(4):
        counts = np.bincount(firsts[kinds == kind], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert (fold == cut(kinds[codes], Units(codes), 5, 0)).all()
    assert (fold != cut(kinds[codes], Units(codes), 5, 1)).any()
    parts = np.bincount(cut(draw.normal(size=103).astype(np.float32), None, 5, 0))
    assert parts.max() - parts.min() <= 1
