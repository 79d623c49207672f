"""Promises of answers against scipy, by hand, and kept as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from how_often import held, promised
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from trainwright.evaluation import conformal, promises
from trainwright.evaluation.intervals import Units
from trainwright.evaluation.promises import Rung, at_most, kept, ladder, lower_end, threshold


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0.001, 0.5))
def test_the_tail_of_the_binomial_distribution(rows: int, part: float, share: float) -> None:
    wrong = int(part * rows)
    expected = float(binom.cdf(wrong, rows, share))
    assert at_most(wrong, rows, share) == (1.0 if wrong >= rows * share else pytest.approx(expected, rel=1e-6, abs=1e-12))


@pytest.mark.parametrize(("wrong", "rows"), [(0, 30), (3, 100), (50, 2000), (10, 10), (0, 0)])
def test_the_lower_end_is_that_of_clopper_and_pearson(wrong: int, rows: int) -> None:
    assert lower_end(wrong, rows) == pytest.approx(beta.ppf(0.05, rows - wrong, wrong + 1) if rows > wrong else 0.0, abs=1e-9)


def test_the_steps_of_a_ladder_count_the_surest_rows() -> None:
    confidence = np.linspace(0.5, 1, 100)
    right = np.arange(100) >= 20  # the 20 least sure rows are wrong
    found = ladder(confidence, right)
    assert len(found) == 50 and found[0] == Rung(confidence[98], 2, 0) and found[-1] == Rung(0.0, 100, 20)
    assert found[-2] == Rung(confidence[2], 98, 18)
    assert ladder(np.full(40, 0.7), right[:40]) == [Rung(0.0, 40, 20)]  # they are as sure as each other
    assert ladder(confidence[:0], right[:0]) == []


def test_a_threshold_goes_as_far_as_the_tests_succeed() -> None:
    rungs = [Rung(1 - rows / 1000, rows, wrong) for rows, wrong in ((100, 0), (200, 1), (400, 12), (600, 80), (800, 90))]
    reached = [binom.cdf(rung.wrong, rung.rows, 0.05) <= 0.05 for rung in rungs]
    assert reached == [True, True, True, False, False]
    assert threshold(rungs, 0.95) == rungs[2].threshold
    assert threshold(rungs, 0.999) is None and promises.best(rungs) == 0.95 and promises.best([]) is None
    assert threshold([Rung(0.9, 58, 0)], 0.95) is None  # 0.95 ** 58 is above 0.05
    assert threshold([Rung(0.9, 59, 0)], 0.95) == 0.9


def test_rows_of_a_group_are_counted_as_what_they_tell() -> None:
    draw = np.random.default_rng(0)
    confidence, right = draw.random(300), draw.random(300) < 0.8
    alone = ladder(confidence, right)
    again = ladder(confidence.repeat(5), right.repeat(5), Units(np.arange(300).repeat(5)))
    assert [rung.threshold for rung in again] == [rung.threshold for rung in alone]
    assert all(
        rung.rows <= other.rows + 1 and rung.rows >= 0.85 * other.rows - 2 for rung, other in zip(again, alone, strict=True)
    )


def test_what_came_of_a_threshold() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, True, False, False])
    found = kept(confidence, right, None, 0.7)
    assert found == {"answered": 0.75, "n": 3, "right": 2 / 3, "at_least": pytest.approx(beta.ppf(0.05, 2, 2))}
    assert kept(confidence, right, None, 0.95) == {"answered": 0.0, "n": 0, "right": None, "at_least": None}


@pytest.mark.parametrize("grouped", [False, True])
def test_promises_are_kept(grouped: bool) -> None:
    share, made, answered = promised(0.9, 1000, grouped, 40)
    assert share >= 0.9 and made > 0.5 and answered > 0.2  # 0.95 of many; below 0.9 in one of 70 such samples


def test_an_interval_is_of_the_right_rank() -> None:
    errors = np.random.default_rng(0).random(99)
    found = conformal.reaches(errors)
    assert conformal.half_width(found, 0.9) == np.sort(errors)[89]  # the 90th of 99: 90 / 100
    assert conformal.half_width(found, 0.99) == errors.max() and conformal.half_width(found, 0.995) is None
    many = conformal.reaches(np.arange(1.0, 20001))
    assert len(many) == conformal.MOST and 18001 <= (conformal.half_width(many, 0.9) or 0) <= 18025
    assert conformal.reaches(errors[:0]) == []
    same = conformal.reaches(errors.repeat(3), Units(np.arange(99).repeat(3)))
    assert conformal.half_width(same, 0.9) == np.sort(errors)[89]


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_hold_new_numbers(grouped: bool) -> None:
    assert held(0.9, 60, grouped, 1500) > 0.885  # at least 0.9 of many
