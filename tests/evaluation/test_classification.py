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
    found = Counter(pairs)
    assert all(matrix[i, j] == found[i, j] for i in range(4) for j in range(4))
    for label, (precision, recall, f1, rows) in enumerate(classification.per_class(matrix)):
        hits, predicted, actual = found[label, label], Counter(said.tolist())[label], Counter(true.tolist())[label]
        assert rows == actual
        assert precision == (hits / predicted if predicted else 0) and recall == (hits / actual if actual else 0)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if precision + recall else 0)
    counted = [f1 for label, (_, _, f1, _) in enumerate(classification.per_class(matrix)) if label in true or label in said]
    assert classification.mean_f1(matrix) == pytest.approx(sum(counted) / len(counted))


def test_majority_is_that_of_training() -> None:
    found = majority(np.array([1, 1, 0]), np.array([0, 0, 0, 1]), ("a", "b"))
    assert (found["label"], found["accuracy"], found["n"]) == ("b", 0.25, 4)
