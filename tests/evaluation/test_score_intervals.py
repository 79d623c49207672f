"""Intervals of scores that are no plain shares, against those of rows that are drawn again and again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trainwright.evaluation import classification, labels, ranking
from trainwright.evaluation.intervals import Units, wilson

ROWS, CLASSES, DRAWS = 400, 3, 300


def made(classes: int = CLASSES) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers and probabilities, of which some are equal."""
    draw = np.random.default_rng(classes)
    targets = draw.choice(classes, ROWS, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    shares = np.exp((draw.normal(size=(ROWS, classes)) + 1.2 * np.eye(classes)[targets]).round(1))
    return targets, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def sets() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(7)
    targets = (draw.random((ROWS, CLASSES)) < [0.5, 0.3, 0.1]).astype(np.uint8)
    return targets, (1 / (1 + np.exp(-(draw.normal(size=targets.shape) + 2.0 * targets - 1).round(1)))).astype(np.float32)


def of_classes(targets: np.ndarray, shares: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    return classification.intervals(targets, shares, units) | ranking.intervals(targets, shares, units)


def of_sets(targets: np.ndarray, shares: np.ndarray, units: Units | None = None) -> dict[str, Any]:
    return labels.intervals(targets, shares >= 0.5, units) | ranking.intervals(targets, shares, units)


Score = Callable[[np.ndarray, np.ndarray], float | None]
CLASS_SCORES: dict[str, Score] = {
    "macro_f1": classification.macro_f1,
    "balanced_accuracy": classification.balanced_accuracy,
    "mcc": classification.mcc,
    "roc_auc": ranking.roc_auc,
    "average_precision": ranking.average_precision,
    "log_loss": ranking.log_loss,
}
SET_SCORES: dict[str, Score] = {
    "micro_f1": lambda targets, shares: labels.micro_f1(targets, shares >= 0.5),
    "macro_f1": lambda targets, shares: labels.macro_f1(targets, shares >= 0.5),
    "subset_accuracy": lambda targets, shares: labels.subset_accuracy(targets, shares >= 0.5),
    "roc_auc": ranking.roc_auc,
    "average_precision": ranking.average_precision,
    "micro_average_precision": ranking.micro_average_precision,
}


@pytest.mark.parametrize(("found", "data", "scores"), [(of_classes, made, CLASS_SCORES), (of_sets, sets, SET_SCORES)])
def test_intervals_are_those_of_rows_that_are_drawn_again(found: Any, data: Any, scores: dict[str, Score]) -> None:
    targets, shares = data()
    ends = found(targets, shares)
    draw, again = np.random.default_rng(0), dict[str, list[Any]]()
    for _ in range(DRAWS):
        rows = draw.integers(0, ROWS, ROWS)
        for name, score in scores.items():
            again.setdefault(name, []).append(score(targets[rows], shares[rows]))
    assert {name.removesuffix("_interval") for name in ends} == set(scores)
    for name, values in again.items():
        low, high = ends[f"{name}_interval"]
        wanted = np.quantile(values, [0.025, 0.975])
        assert (low, high) == pytest.approx(wanted, abs=0.25 * (wanted[1] - wanted[0])), name
        assert low < scores[name](targets, shares) < high


@pytest.mark.parametrize(("found", "data"), [(of_classes, made), (of_sets, sets)])
def test_rows_of_a_group_count_as_one(found: Any, data: Any) -> None:
    targets, shares = data()
    alone = found(targets, shares)
    repeated = found(targets.repeat(4, axis=0), shares.repeat(4, axis=0), Units(np.arange(ROWS).repeat(4), "patient"))
    for name in alone:
        assert repeated[name] == pytest.approx(alone[name], rel=1e-6), name


@pytest.mark.parametrize(
    ("found", "right"), [(of_classes, np.arange(12) % 3), (of_sets, np.eye(3, dtype=np.uint8)[np.arange(12) % 3])]
)
def test_rows_that_are_all_right_are_no_certainty(found: Any, right: np.ndarray) -> None:
    shares = (right if right.ndim == 2 else np.eye(3)[right]).astype(np.float32) * 0.8 + 0.1
    ends = found(right, shares)
    assert ends.pop("log_loss_interval", None) is None  # the loss of all is the same
    for name, (low, high) in ends.items():
        wanted = 2 * wilson(12, 12)[0] - 1 if name == "mcc_interval" else wilson(12, 12)[0]
        assert (low, high) == (pytest.approx(wanted), 1.0), name


def test_a_class_of_few_rows_tells_too_little() -> None:
    targets, shares = made()
    kept = np.flatnonzero((targets > 0) | (np.cumsum(targets == 0) <= 4))
    found = of_classes(targets[kept], shares[kept])
    told = {name.removesuffix("_interval") for name, ends in found.items() if ends is not None}
    assert told == {"mcc", "log_loss"}  # those that are no mean over classes


def test_a_class_in_few_groups_tells_too_little() -> None:
    targets, shares = made()
    order = np.argsort(targets, kind="stable")
    few = np.minimum(np.arange(ROWS) // 20, 3 + 10 * targets[order])  # the first class is in four groups
    found = of_classes(targets[order], shares[order], Units(few))
    assert found["macro_f1_interval"] is found["roc_auc_interval"] is None and found["mcc_interval"] is not None


def test_classes_that_are_all_right_or_all_wrong_do_not_tell_how_others_vary() -> None:
    targets, _ = made(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of_classes(targets, np.tile(np.float32([0.4, 0.6]), (ROWS, 1)))  # always the same answer
    assert {name for name, ends in found.items() if ends} == {
        "macro_f1_interval",
        "average_precision_interval",
        "log_loss_interval",
    }
