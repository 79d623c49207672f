"""Baselines give what scikit-learn's models give, whatever the pieces in which rows come."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import NearestCentroid

from trainwright.data.text.ragged import Ragged, row_numbers, to_offsets
from trainwright.evaluation import baselines
from trainwright.models.boosting import telling

DRAW = np.random.default_rng(0)
SIZE = 30


def bags(rows: int, seed: int) -> tuple[Ragged, np.ndarray]:
    """Texts of 0 to 8 tokens, and how often each token is in each."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(0, 9, rows)
    values = draw.integers(0, SIZE, lengths.sum()).astype(np.int32)
    values[0] = SIZE - 1
    made = Ragged(values, to_offsets(lengths))
    counts = np.zeros((rows, SIZE))
    np.add.at(counts, (np.repeat(np.arange(rows), lengths), values), 1)
    return made, counts


def pieces(rows: np.ndarray, size: int) -> baselines.Pieces:
    def go() -> Iterator[torch.Tensor]:
        for low in range(0, len(rows), size):
            yield torch.tensor(rows[low : low + size], dtype=torch.float32)

    return go


def test_naive_bayes_is_that_of_scikit_learn() -> None:
    (train, counts), (other, seen) = bags(200, 1), bags(50, 2)
    targets = DRAW.integers(0, 4, 200)
    right = MultinomialNB(alpha=baselines.SMOOTHING).fit(counts, targets)
    found, again = baselines.naive_bayes([train], targets, 4, [[other], [train]])
    assert found.tolist() == right.predict(seen).tolist() and again.tolist() == right.predict(counts).tolist()


def test_naive_bayes_of_labels_asks_of_each_whether_it_is_there() -> None:
    (train, counts), (other, seen) = bags(200, 3), bags(50, 4)
    targets = (DRAW.random((200, 3)) < 0.4).astype(np.uint8)
    (found,) = baselines.naive_bayes([train], targets, 3, [[other]])
    for label in range(3):
        right = MultinomialNB(alpha=baselines.SMOOTHING).fit(counts, targets[:, label])
        assert (found[:, label] == (right.predict(seen) == 1)).mean() > 0.97  # the prior is smoothed too
    assert found.dtype == bool


def test_ids_beyond_what_a_table_holds_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    (train, counts), (other, seen) = bags(200, 1), bags(50, 2)
    targets = DRAW.integers(0, 4, 200)
    monkeypatch.setattr(baselines, "MOST_CELLS", 80)  # 20 tokens of 4 classes
    (found,) = baselines.naive_bayes([train], targets, 4, [[other]])
    right = MultinomialNB(alpha=baselines.SMOOTHING).fit(counts[:, :20], targets)
    assert found.tolist() == right.predict(seen[:, :20]).tolist()


def test_least_squares_is_ridge_regression() -> None:
    rows, other = DRAW.standard_normal((300, 5)), DRAW.standard_normal((40, 5))
    wanted = rows @ DRAW.standard_normal((5, 2)) + DRAW.standard_normal((300, 2)) + 3
    right = Ridge(alpha=baselines.RIDGE).fit(rows, wanted).predict(other)
    for size in (7, 300):
        (found,) = baselines.least_squares(pieces(rows, size), wanted, [pieces(other, size)])
        assert found == pytest.approx(right, abs=1e-5)


def test_what_lies_absurdly_far_off_breaks_nothing() -> None:
    rows = np.concatenate([DRAW.standard_normal((50, 2)), [[3e38, 0.0]]])
    (found,) = baselines.least_squares(pieces(rows, 8), rows[:, :1].clip(-5, 5), [pieces(rows, 8)])
    assert np.isfinite(found).all()


def test_the_nearest_centroid_is_that_of_scikit_learn() -> None:
    rows, other, targets = DRAW.random((200, 6)), DRAW.random((50, 6)), DRAW.integers(0, 3, 200)
    right = NearestCentroid().fit(rows.astype(np.float32), targets).predict(other.astype(np.float32))
    for size in (9, 200):
        (found,) = baselines.nearest_centroid(pieces(rows, size), targets, 3, [pieces(other, size)])
        assert found.tolist() == right.tolist()


def test_the_tokens_that_tell_most_of_a_number_come_first() -> None:
    train, counts = bags(300, 5)
    number = 4.0 * (counts[:, 11] > 0) + 0.1 * DRAW.standard_normal(300)
    assert telling(train.values, row_numbers(train.offsets), number[:, None])[0] == 11


@pytest.mark.parametrize("kind", ["class", "number", "labels"])
def test_boosted_trees_learn_what_no_line_can(kind: str) -> None:
    rows = DRAW.standard_normal((300, 2))
    there = rows[:, 0] * rows[:, 1] > 0
    targets = {"class": there.astype(np.int64), "number": there.astype(np.float32), "labels": np.stack([there, ~there], 1) * 1}
    wanted = targets[kind]
    (found,) = baselines.boosted_trees(pieces(rows, 100), wanted, [pieces(rows, 100)])
    assert ((found > 0.5) == (wanted > 0.5)).mean() > 0.95 and found.shape == wanted.shape


@pytest.mark.parametrize("kind", ["class", "number", "labels"])
def test_the_linear_bag_answers_every_kind_of_target(kind: str) -> None:
    train, counts = bags(300, 6)
    there = counts[:, 3] > 0
    targets = {"class": there.astype(np.int64), "number": there.astype(np.float32), "labels": np.stack([there, ~there], 1) * 1}
    (found,) = baselines.linear_bag(train, targets[kind], [train])
    assert ((found > 0.5) == (targets[kind] > 0.5)).mean() > 0.95
