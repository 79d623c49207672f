"""Axes and numbers of the pictures on the page."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.watch.report import svg


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_round_few_and_within(low: float, size: float) -> None:
    high = low + size
    if not high > low or size < 1e-6 * abs(low):
        return
    axis = svg.Axis(low, high, 0, 100)
    ticks = axis.ticks(5)
    assert 1 <= len(ticks) <= 7 and all(low - 1e-6 * size <= tick <= high + 1e-6 * size for tick in ticks)
    assert all(0 <= axis.at(tick) <= 100 for tick in ticks)
    steps = {f"{b - a:.4g}" for a, b in pairwise(ticks)}
    assert all(step.replace(".", "").replace("0", "").strip("-+e123456789")[:1] in ("", "1", "2", "5") for step in steps)


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0.9, 11, [1, 2, 5, 10]), (1e-14, 0.02, None), (1e-3, 1.1, [1e-3, 1e-2, 0.1, 1])]
)
def test_logarithmic_axes(low: float, high: float, ticks: list[float] | None) -> None:
    axis = svg.Axis(low, high, 0, 100, logarithmic=True)
    found = axis.ticks(5)
    assert 2 <= len(found) <= 6 and (ticks is None or found == pytest.approx(ticks))
    assert axis.at(math.sqrt(low * high)) == pytest.approx(50) and axis.at(0) == 0 and axis.at(high * 9) == 100


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.5, "0.5"), (100, "100"), (20_000, "20,000"), (0.001, "0.001"), (1e-5, "1e-5"), (3e7, "3e7"), (-2.5, "-2.5"),
     (0.1 + 0.2, "0.3"), (12.35, "12.35"), (1e6, "1e6"), (1_000_005, "1.000005e6")],
)  # fmt: skip
def test_numbers_beside_an_axis(value: float, text: str) -> None:
    assert svg.tick(value) == text


def test_a_line_has_gaps_and_coordinates_are_short() -> None:
    path = svg.curve([(0, 0), (1, 1.26), (2, math.nan), (3, 3), (4, -0.01)], "curve")
    assert path == '<path class="curve" d="M0 0L1 1.3M3 3L4 0"/>'
    assert svg.curve([(0, math.nan)], "curve") == ""


def test_texts_are_escaped() -> None:
    assert svg.text(1, 2, "<b>\x1b&", "tick") == '<text x="1" y="2" class="tick">&lt;b&gt;\ufffd&amp;</text>'
    assert '"&quot;' in svg.picture(1, 1, [], '"')


def test_a_name_stands_where_no_line_is() -> None:
    falling, rising = [(0.0, 0.9), (1.0, 0.1)], [(0.0, 0.1), (1.0, 0.9)]
    assert svg.spot(0.5, 0.3, 0.1, []) == (True, True)
    assert svg.spot(0.15, 0.3, 0.1, [falling]) == (False, True), "the line comes down at the right"
    assert svg.spot(0.15, 0.3, 0.1, [rising]) == (True, True)
    assert not svg.spot(0.97, 0.3, 0.1, []).above, "there is no room above"
    assert svg.spot(0.5, 0.3, 0.1, [[(0.0, 0.55), (1.0, 0.55)]]) == (True, False)
    assert svg.spot(0.5, 0.3, 0.1, [[(0.0, float("nan")), (1.0, 0.55)]]) == (False, True)
