"""Intervals against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.evaluation.intervals import wilson


@pytest.mark.parametrize(
    ("correct", "rows", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962), (6688, 7600, 0.8725, 0.8871)],
)
def test_wilson_against_published_values(correct: int, rows: int, low: float, high: float) -> None:
    assert wilson(correct, rows) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share(correct: int, wrong: int) -> None:
    low, high = wilson(correct, correct + wrong)
    assert 0 <= low <= (correct / (correct + wrong) if correct + wrong else 0.5) <= high <= 1
