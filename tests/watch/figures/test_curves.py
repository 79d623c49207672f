"""Curves of regressions and language models: which score is drawn, and how."""

from __future__ import annotations

import math
from typing import Any

import pytest
from watch_samples import make_history, make_language, make_record, make_regression, with_metrics

from trainwright.watch.figures import curves


def perplexities(first: float) -> list[dict[str, Any]]:
    return with_metrics(make_history(3), train_perplexity=[first, 150.0, 110.0], valid_perplexity=[300.0, 160.0, 120.0])


@pytest.mark.parametrize(
    ("first", "scale"),
    [(400.0, "linear"), (6000.0, "log"), (math.nan, "linear"), (math.inf, "linear"), (1e308, "linear"), (1e199, "log")],
)
def test_a_perplexity_that_falls_far_has_a_logarithmic_axis(first: float, scale: str) -> None:
    axes = curves.figure(make_record(make_language(), perplexities(first))).axes[1]
    assert axes.get_title(loc="left") == "Perplexity" and axes.get_yscale() == scale
    axes.figure.draw_without_rendering()
    shown = {text.get_text() for text in axes.texts}
    assert {"train\n150.0", "valid\n160.0"} <= shown, "those of epoch 2, which was kept"
    places = [text.xy[1] for text in axes.texts if text.get_text().startswith(("train", "valid"))]
    assert all(0 <= place <= 1 for place in places) and abs(places[0] - places[1]) > 0.1


def test_the_second_panel_is_the_score_of_the_task() -> None:
    rmse = with_metrics(make_history(accuracy=False), train_r2=[0.1] * 3, valid_rmse=[3.0, 2.0, 1.0])
    assert curves.figure(make_record(make_regression(), rmse)).axes[1].get_title(loc="left") == "RMSE"
    own = with_metrics(make_history(accuracy=False), valid_kappa=[0.1, 0.2, math.nan])
    assert curves.figure(make_record({}, own)).axes[1].get_title(loc="left") == "Kappa"
    both = with_metrics(make_history(), valid_perplexity=[3.0, 2.0, 1.0])
    classifier = {"test": {"accuracy": 0.9}, "model": "m", "source": "s"}
    assert curves.figure(make_record(classifier, both)).axes[1].get_title(loc="left") == "Accuracy", (
        "what the report is judged by"
    )
    assert len(curves.figure(make_record({}, with_metrics(make_history(accuracy=False), valid_rmse=[None] * 3))).axes) == 1


@pytest.mark.parametrize("value", [0.0, 5.0, 1e9, 1e-6, math.nan])
def test_scores_that_do_not_move(value: float) -> None:
    history = with_metrics(make_history(accuracy=False), valid_rmse=[value] * 3)
    curves.figure(make_record(make_regression(), history)).draw_without_rendering()
