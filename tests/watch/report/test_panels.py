"""What the curves show: an axis that a failure cannot hide in, single steps, the rate, the value of the epoch kept."""

from __future__ import annotations

import math
from typing import Any

import pytest
from watch_samples import make_history, make_record, make_regression, make_report, with_metrics

from trainwright.watch.report import panels, svg


def classifier(classes: int = 4) -> dict[str, Any]:
    return {**make_report(classes), "settings": {"loss": {"name": "CrossEntropyLoss"}}}


def test_a_loss_that_hardly_moves_does_not_look_like_a_descent() -> None:
    rows = make_history(5)
    for k, row in enumerate(rows):
        row["train_loss"] = row["valid_loss"] = 2.0 - 1e-7 * k
    loss = panels.panels(make_record(classifier(), rows))[0]
    assert loss.marks == [("chance, ln 4", pytest.approx(math.log(4)))] and loss.low < math.log(4) < 2 < loss.high
    y = svg.Axis(loss.low, loss.high, 0, 100)
    assert abs(y.at(2.0) - y.at(2.0 - 4e-7)) < 0.001, "percent of the height"


def test_the_score_is_seen_beside_chance_and_baseline() -> None:
    report = classifier(4)
    accuracy = panels.panels(make_record(report))[1]
    assert [value for _, value in accuracy.marks] == [0.25], "which is chance too"
    report["baseline"]["accuracy"] = 0.6
    assert [value for _, value in panels.panels(make_record(report))[1].marks] == [0.6, 0.25]
    rmse = with_metrics(make_history(accuracy=False), valid_rmse=[60.0, 53.0, 55.0])
    panel = panels.panels(make_record(make_regression(), rmse))[1]
    assert panel.marks == [("mean of the training targets"[:28], 77.0)] and panel.low < 53 and panel.high > 77


def test_the_values_are_those_of_the_epoch_kept() -> None:
    rows = make_history(6)
    panel = panels.panels(make_record(classifier(), rows))[0]
    assert panel.kept == 2 and panel.ends() == [("train", 0.5, "0.5000"), ("valid", 0.55, "0.5500")]
    rows[1]["valid_loss"] = math.nan
    assert panels.panels(make_record(classifier(), rows))[0].ends()[1][1] == pytest.approx(1.1 / 6), (
        "else the last that is known"
    )


def test_steps_lie_where_their_epoch_is() -> None:
    steps = [(step, 1 / step, 0.1 - step / 1e4) for step in (1, 50, 100, 150, 300, 301)]
    record = make_record(classifier(), steps=steps)
    loss = panels.panels(record)[0]
    assert [at for at, _ in loss.steps] == pytest.approx([0.01, 0.5, 1.0, 1.5, 3.0]), "301 is after the last epoch"
    assert [value for _, value in loss.steps] == [1 / step for step in (1, 50, 100, 150, 300)]
    assert loss.first == 0 and [rate for _, rate in panels.rates(record)] == [rate for _, _, rate in steps[:-1]]
    many = make_record(classifier(), make_history(panels.FEW + 1), steps=steps)
    assert panels.panels(many)[0].steps == [] and panels.panels(many)[0].first == 1


def test_a_rate_that_stays_is_not_drawn() -> None:
    assert panels.rates(make_record(classifier())) == []
    rows = make_history(3)
    rows[2]["lr"] = 0.01
    assert panels.rates(make_record(classifier(), rows)) == [(1, 0.1), (2, 0.1), (3, 0.01)]


def test_what_is_not_finite_is_counted() -> None:
    rows = make_history(4)
    rows[1]["valid_loss"], rows[2]["valid_loss"], rows[3]["valid_loss"] = math.nan, math.inf, None
    panel = panels.panels(make_record(classifier(), rows))[0]
    assert panel.lost == {"train": 0, "valid": 2} and panels.history_gaps(panel) == ["valid: not finite in 2 of 4 epochs"]


def test_a_loss_that_falls_far_has_a_logarithmic_axis() -> None:
    rows = make_history(40)
    assert panels.panels(make_record(classifier(), rows))[0].logarithmic
    assert not panels.panels(make_record(classifier(), rows[:5]))[0].logarithmic


@pytest.mark.parametrize(
    ("places", "moved"),
    [([10.0], [10.0]), ([10.0, 50.0], [10.0, 50.0]), ([30.0, 32.0], [26.0, 36.0]), ([32.0, 30.0], [36.0, 26.0]),
     ([99.0, 98.0], [100.0, 90.0]), ([1.0, 0.0], [10.0, 0.0])],
)  # fmt: skip
def test_names_are_moved_apart(places: list[float], moved: list[float]) -> None:
    assert panels.apart(places, 10, 0, 100) == pytest.approx(moved)
