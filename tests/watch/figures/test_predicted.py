"""Predicted against actual: what is drawn, and that odd values cannot spoil it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from test_plots import pixels, words_of
from watch_samples import ODD_LABELS, make_history, make_record, make_regression, with_metrics

from trainwright.watch import plots
from trainwright.watch.figures import curves, predicted


def regression(points: list[list[float]], n: int = 0, target: str = "price") -> dict[str, Any]:
    report = make_regression(3, target=target)
    report["test"].update(points=points, n=n or len(points))
    return report


def drawn(report: dict[str, Any]) -> tuple[np.ndarray[Any, Any], Any]:
    """The points within the window, and the axes."""
    axes = predicted.figure(report).axes[0]
    return np.asarray(axes.collections[0].get_offsets()), axes


def test_predicted_against_actual() -> None:
    report = make_regression(50)
    points, axes = drawn(report)
    np.testing.assert_allclose(points, report["test"]["points"])
    assert axes.get_xlim() == axes.get_ylim(), "both axes have the same scale"
    np.testing.assert_allclose(*axes.lines[0].get_data())
    texts = words_of(axes.figure)
    assert "50 test rows, RMSE 53.10, R2 0.5213" in texts and "actual price" in texts and "predicted price" in texts
    assert "a point on the line is right" in texts
    image = pixels(plots.pictures(make_record(report, []))["predicted"])
    assert image.shape[0] > 900 and image.shape[1] == 1080


def test_points_that_lie_together_are_fainter() -> None:
    points, axes = drawn(regression([[0.0, 0.0], [1.0, 1.0], *[[0.5, 0.5]] * 40]))
    alpha = np.asarray(axes.collections[0].get_alpha())
    assert len(points) == 42 and alpha[0] == alpha[1] == 0.8 and 0.1 <= alpha[2] < 0.3


def test_the_picture_says_when_it_shows_a_part() -> None:
    assert any("3 of the rows" in text for text in words_of(predicted.figure(regression([[0, 0], [1, 1], [2, 2]], n=5120))))


def test_a_wild_prediction_is_counted_and_drawn_at_the_edge() -> None:
    near = [[k / 10, k / 10 + 0.05] for k in range(20)]
    points, axes = drawn(regression([*near, [1.0, 1e30], [1.0, -1e9], [1.0, math.nan], [math.inf, 1.0]]))
    assert len(points) == 20 and axes.get_xlim()[1] < 5
    assert [len(each.get_offsets()) for each in axes.collections] == [20, 1, 1]
    assert any("2 predicted beyond the edge; 2 without a finite value" in text for text in words_of(axes.figure))


def test_where_all_predictions_are_wild_they_are_drawn_at_the_edges() -> None:
    axes = predicted.figure(regression([[k / 10, 1e6 * (-1) ** k] for k in range(20)])).axes[0]
    assert [len(each.get_offsets()) for each in axes.collections] == [10, 10]


@pytest.mark.parametrize(
    "points",
    [[[3.0, 4.0]], [[5.0, 5.0]] * 30, [[0.0, 0.0]], [[1e9, 1e9 + 1], [1e9 + 2, 1e9]], [[1e-6, 2e-6], [3e-6, 1e-6]],
     [[k, 0.1] for k in range(9)], [[2.0, k] for k in range(9)], [[-1e190, 1e190], [1e190, -1e190]]],
    ids=["one", "equal", "zero", "huge", "tiny", "constant", "same target", "vast"],
)  # fmt: skip
def test_odd_values_are_drawn_without_a_warning(points: list[list[float]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted.figure(regression(points)).draw_without_rendering()


@pytest.mark.parametrize("name", ODD_LABELS)
def test_odd_names_are_drawn_as_text(name: str) -> None:
    history = with_metrics(make_history(accuracy=False), **{f"valid_{name}": [1.0, 2.0, 3.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted.figure(regression([[1.0, 2.0], [2.0, 1.0]], target=name)).draw_without_rendering()
        curves.figure(make_record({}, history)).draw_without_rendering()


def test_many_points_are_drawn_as_their_density() -> None:
    draw = np.random.default_rng(0)
    actual = draw.normal(size=predicted.FEW + 800)
    pairs = np.column_stack([actual, actual + draw.normal(size=len(actual)) / 5])
    axes = predicted.figure(regression(pairs.tolist())).axes[0]
    counts = np.asarray(axes.collections[0].get_array())
    assert counts.sum() == len(pairs) and len(counts) < len(pairs) / 2, "each row is in one of few cells"
    assert any("darker: more rows" in text for text in words_of(axes.figure))
