"""Counts per class against plain counting."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.evaluation import classification
from trainwright.evaluation.classification import majority

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(PAIRS)
def test_counts_per_class(pairs: list[tuple[int, int]]) -> None:
    true, said = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    matrix = classification.confusion(true, said, 4)
    found, sums = Counter(pairs), classification.counts(true, said, 4)
    assert all(matrix[i, j] == found[i, j] for i in range(4) for j in range(4))
    for label, (precision, recall, f1, rows) in enumerate(classification.per_class(*sums)):
        hits, predicted, actual = found[label, label], Counter(said.tolist())[label], Counter(true.tolist())[label]
        assert rows == actual
        assert precision == (hits / predicted if predicted else 0) and recall == (hits / actual if actual else 0)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if precision + recall else 0)
    counted = [f1 for label, (_, _, f1, _) in enumerate(classification.per_class(*sums)) if label in true or label in said]
    assert classification.mean_f1(*sums) == pytest.approx(sum(counted) / len(counted))


def test_majority_is_that_of_training() -> None:
    found = majority(np.array([1, 1, 0]), np.array([0, 0, 0, 1]), ("a", "b"))
    assert (found["label"], found["accuracy"], found["n"]) == ("b", 0.25, 4)


def test_of_very_many_classes_the_most_frequent_confusions_are_kept() -> None:
    classes = classification.MATRIX + 1
    labels = tuple(map(str, range(classes)))
    targets = np.array([7, 7, 7, 5, 5, 1000, 3], np.int64)
    outputs = np.zeros((7, classes), np.float32)
    outputs[range(7), [9, 9, 7, 1000, 4, 2, 3]] = 1
    found = classification.by_class(targets, outputs, labels)
    assert "confusion" not in found and len(found["per_class"]) == classes
    assert found["confused"] == [[7, 9, 2], [5, 4, 1], [5, 1000, 1], [1000, 2, 1]]
    few = classification.by_class(targets % 10, outputs[:, :10], labels[:10])
    assert "confused" not in few and np.sum(few["confusion"]) == 7
