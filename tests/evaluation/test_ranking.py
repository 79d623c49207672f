"""Orders of rows and probabilities against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn

from trainwright.evaluation import classification, ranking


def made(rows: int, classes: int, seed: int, digits: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers and probabilities that know something of them; with few digits many are equal."""
    draw = np.random.default_rng(seed)
    targets = draw.choice(classes, rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    logits = draw.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[targets]
    shares = np.exp(logits.round(digits))
    return targets, shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("digits", [9, 0])
@pytest.mark.parametrize("seed", range(3))
def test_two_classes(seed: int, digits: int) -> None:
    targets, shares = made(300, 2, seed, digits)
    assert ranking.roc_auc(targets, shares) == pytest.approx(sklearn.roc_auc_score(targets, shares[:, 1]), abs=1e-12)
    wanted = sklearn.average_precision_score(targets, shares[:, 1])
    assert ranking.average_precision(targets, shares) == pytest.approx(wanted, abs=1e-12)
    assert ranking.log_loss(targets, shares) == pytest.approx(sklearn.log_loss(targets, shares), abs=1e-9)


@pytest.mark.parametrize("digits", [9, 0])
def test_several_classes(digits: int) -> None:
    targets, shares = made(400, 4, 5, digits)
    wanted = sklearn.roc_auc_score(targets, shares, multi_class="ovr", average="macro")
    assert ranking.roc_auc(targets, shares) == pytest.approx(wanted, abs=1e-12)
    wanted = np.mean([sklearn.average_precision_score(targets == place, shares[:, place]) for place in range(4)])
    assert ranking.average_precision(targets, shares) == pytest.approx(wanted, abs=1e-12)
    assert ranking.log_loss(targets, shares) == pytest.approx(sklearn.log_loss(targets, shares), abs=1e-9)
    answers = shares.argmax(axis=1)
    wanted = sklearn.balanced_accuracy_score(targets, answers)
    assert classification.balanced_accuracy(targets, shares) == pytest.approx(wanted, abs=1e-12)
    assert classification.mcc(targets, shares) == pytest.approx(sklearn.matthews_corrcoef(targets, answers), abs=1e-12)


def test_a_score_that_has_no_value_is_none() -> None:
    one, shares = np.zeros(5, np.int64), np.full((5, 2), 0.5)
    assert ranking.roc_auc(one, shares) is None and ranking.average_precision(one, shares) is None
    assert classification.mcc(one, shares) == 0.0
    assert ranking.log_loss(np.zeros(0, np.int64), np.zeros((0, 2))) is None


def test_a_class_that_does_not_occur_is_left_out() -> None:
    targets, shares = made(200, 3, 1)
    kept = targets != 2
    seen = [sklearn.roc_auc_score(targets[kept] == place, shares[kept, place]) for place in (0, 1)]
    assert ranking.roc_auc(targets[kept], shares[kept]) == pytest.approx(np.mean(seen), abs=1e-12)


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    found = ranking.log_loss(np.array([0]), np.array([[0.0, 1.0]], np.float32))
    assert found is not None and 30 < found < 40
