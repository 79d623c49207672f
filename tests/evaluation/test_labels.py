"""Sets of labels against scikit-learn, and thresholds against trying all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from trainwright.evaluation import labels, ranking
from trainwright.evaluation.classification import macro_f1
from trainwright.evaluation.threshold import FEWEST, MEASURES, best_threshold

NAMES = ("a", "b", "c", "d")


def made(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Targets uint8 and probabilities float32, (rows, labels)."""
    draw = np.random.default_rng(seed)
    targets = (draw.random((rows, len(NAMES))) < [0.5, 0.3, 0.1, 0.05]).astype(np.uint8)
    logits = draw.normal(size=targets.shape) + 2.0 * targets - 1
    return targets, (1 / (1 + np.exp(-logits))).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    targets, shares = made(seed=seed)
    answers = shares >= 0.5
    for average, found in (("micro", labels.micro_f1(targets, answers)), ("macro", macro_f1(targets, answers))):
        assert found == pytest.approx(sklearn.f1_score(targets, answers, average=average), abs=1e-9)
    assert labels.subset_accuracy(targets, answers) == pytest.approx(sklearn.accuracy_score(targets, answers), abs=1e-9)
    pairs = (("macro", ranking.average_precision), ("micro", ranking.micro_average_precision))
    for average, measure in pairs:
        wanted = sklearn.average_precision_score(targets, shares, average=average)
        assert measure(targets, shares) == pytest.approx(wanted, abs=1e-9)
    assert ranking.roc_auc(targets, shares) == pytest.approx(sklearn.roc_auc_score(targets, shares), abs=1e-9)


def test_every_label_has_its_scores() -> None:
    targets, shares = made()
    answers = shares >= 0.5
    found = labels.by_label(targets, answers, shares, NAMES, [0.5] * 4)
    precision, recall, f1, n = sklearn.precision_recall_fscore_support(targets, answers)
    for place, one in enumerate(found):
        assert one["label"] == NAMES[place] and one["threshold"] == 0.5 and one["n"] == n[place]
        assert (one["precision"], one["recall"], one["f1"]) == pytest.approx((precision[place], recall[place], f1[place]))
        wanted = sklearn.average_precision_score(targets[:, place], shares[:, place])
        assert one["average_precision"] == pytest.approx(wanted)


def test_a_label_without_rows_has_no_average_precision() -> None:
    targets, shares = made()
    targets[:, 3] = 0
    assert labels.by_label(targets, shares >= 0.5, shares, NAMES, [0.5] * 4)[3]["average_precision"] is None
    wanted = np.mean([sklearn.average_precision_score(targets[:, place], shares[:, place]) for place in range(3)])
    assert ranking.average_precision(targets, shares) == pytest.approx(wanted)


def test_the_baseline_is_the_best_constant_set() -> None:
    targets, _ = made()
    found = labels.constant(targets, targets, NAMES)
    reached = []
    for many in range(1, 5):  # by counting: always the so many most frequent labels
        answers = np.zeros_like(targets)
        answers[:, :many] = 1
        reached.append(sklearn.f1_score(targets, answers, average="micro"))
    assert found["micro_f1"] == pytest.approx(max(reached)) and found["label"].split(", ")[0] == "a"


SHARES = st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=2 * FEWEST, max_size=60)


@given(SHARES, st.sampled_from(sorted(MEASURES)))
def test_no_threshold_is_better_than_the_best(rows: list[tuple[bool, float]], name: str) -> None:
    positive, shares = np.array([yes for yes, _ in rows]), np.array([share for _, share in rows], np.float32)
    wanted = {
        "f1": lambda said: sklearn.f1_score(positive, said, zero_division=0),
        "accuracy": lambda said: sklearn.accuracy_score(positive, said),
        "macro_f1": lambda said: sklearn.f1_score(positive, said, average="macro", zero_division=0),
        "balanced_accuracy": lambda said: sklearn.recall_score(positive, said, average="macro", zero_division=0),
        "mcc": lambda said: sklearn.matthews_corrcoef(positive, said),
    }[name]
    found = best_threshold(positive, shares, name)
    if min(positive.sum(), (~positive).sum()) < FEWEST:
        assert found == 0.5
        return
    best = max(wanted(shares.astype(float) >= each) for each in [0.5, *np.unique(shares).astype(float)])
    assert wanted(shares.astype(float) >= found) == pytest.approx(best)
