"""A run in words: each failure is said, with its numbers, and a run without one has nothing said of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from watch_samples import make_history, make_language, make_record, make_regression, make_report

from trainwright.watch import record
from trainwright.watch.figures import curves
from trainwright.watch.report import diagnosis, panels

CE = {"loss": {"name": "CrossEntropyLoss"}}


def report(**settings: Any) -> dict[str, Any]:
    return {**make_report(4), "settings": {**CE, **settings}, "best_epoch": 3}


def history(valid: list[float], train: list[float] | None = None, lr: list[float] | None = None) -> list[dict[str, Any]]:
    rows = make_history(len(valid))
    for k, row in enumerate(rows):
        row.update(
            valid_loss=valid[k], train_loss=(train or valid)[k], lr=lr[k] if lr else 0.1, train_accuracy=row["valid_accuracy"]
        )
    return rows


def findings(rows: list[dict[str, Any]], found: dict[str, Any] | None = None, **more: Any) -> str:
    return " ".join(diagnosis.findings(make_record(found or report(), rows, **more)))


def test_a_training_that_went_well_has_nothing_said() -> None:
    assert findings(history([0.9, 0.6, 0.595])) == "" and findings([]) == ""


def test_a_model_that_learned_nothing() -> None:
    guessing = {**report(), "test": {"accuracy": 0.2, "n": 90, "interval": [0.1, 0.3]}}
    text = findings(history([1.4, 1.39, 1.3863], lr=[1e-10] * 3), guessing)
    assert text.startswith("The learning rate was never above 1e-10: the parameters hardly moved.")
    assert "The validation and the training loss never fell below chance (1.3863); at the lowest it was 1.3863 and" in text
    assert text.endswith("What it answers is not clearly better than guesses.")
    assert f"{math.log(4):.4f}" == "1.3863"
    assert "chance" not in findings(history([1.4, 1.39, 1.37]))


def test_a_score_above_the_baseline_is_not_called_guessing() -> None:
    rows = history([1.4, 1.39, 1.3863], [1.4, 1.3863, 1.3863], [1e-9] * 3)
    rows[-1].update(train_accuracy=0.98, valid_accuracy=0.8)
    found = {**report(), "test": {"accuracy": 0.7978, "n": 89, "interval": [0.7028, 0.8681]}}
    text = findings(rows, found)
    assert "no better than guessing" not in text and "did not learn its own rows" not in text
    assert "right more often than guesses would be (79.78 % against 25.00 %)" in text
    assert diagnosis.sentence(found).endswith("points above the baseline.")


def test_training_rows_that_are_barely_known_were_not_learned() -> None:
    barely, well = (findings(history([1.394, 1.3932], [1.3917, last], [0.1, 0.01])) for last in (1.386, 0.9))
    assert "did not learn its own rows either" in barely and "It learned its own rows" in well


def test_of_a_failure_the_cause_is_named_and_nothing_else_is_said() -> None:
    rows = history([9e5, 5e5, 1e5], [8e5, 7e5, 6e5], [1e6] * 3)
    rows[-1].update(train_accuracy=0.9, valid_accuracy=0.3)
    told = diagnosis.findings(make_record(report(lr=1e6), rows))
    assert len(told) == 1 and told[0].startswith("The learning rate, 1e+06 at its highest, is likely too high: without lr=")
    derived = diagnosis.findings(make_record(report(lr=1e6), rows, notes=[("lr", "1e6", "what suits it")]))
    assert "try a tenth of it, or clip=1" in derived[0]
    assert len(diagnosis.findings(make_record(report(lr=0.1), history([0.9, 0.8, 0.7])))) == 1, "still falling"


def young(rows: list[dict[str, Any]], **more: Any) -> record.Record:
    return record.so_far(replace(make_record({"settings": CE}, rows, **more), report={}, started={"epochs": 9, "steps": 90}))


def test_a_run_that_has_not_ended_says_how_far_it_is_and_why_it_was_stopped() -> None:
    steps, stopped = [(1, 1.4, 1e4), (2, 4.5e32, 1e4)], [("stopped", "E501", "the loss of step 3 is not finite")]
    found = young([], steps=steps, notes=stopped)
    assert diagnosis.standing(found).startswith("This training has not ended: 2 of 90 steps are made, 0 of 9 epochs have ended")
    assert "no test score" in diagnosis.standing(found)
    assert diagnosis.findings(found) == [
        "It was stopped (E501): the loss of step 3 is not finite. The learning rate, 1e+04 at its highest, is likely too high: "
        "try a tenth of it, or clip=1."
    ]
    assert "rose from 1.4000 to 4.500e+32" in diagnosis.findings(young([], steps=steps))[0]
    assert diagnosis.findings(young(history([0.9, 0.8]), steps=[(1, 0.9, 0.1)])) == [], "it goes well so far"
    assert diagnosis.findings(young([])) == []


def test_a_rate_that_fell_to_nothing() -> None:
    text = findings(history([0.9, 0.6, 0.6, 0.6], lr=[1e-2, 1e-10, 1e-12, 0.0]))
    assert "The learning rate was 1e-10 after epoch 2: what came then changed nothing." in text
    assert "rate" not in findings(history([0.9, 0.6, 0.599], lr=[0.1, 0.05, 0.0])), "it may end at zero"


def test_a_training_that_diverged() -> None:
    nan = math.nan
    assert "validation loss was not finite in epoch 2: the training diverged" in findings(
        history([0.9, nan, 0.8], [0.9, 0.8, 0.7])
    )
    assert "not finite in 2 epochs, the first of them 1" in findings(history([0.9, 0.8, 0.799], [nan, math.inf, 0.7]))
    assert "At the end the validation loss was 9.0000, no better than chance (1.3863)." in findings(
        history([0.9, 5.0, 9.0], [0.9] * 3)
    )
    assert "lowest after the first epoch (0.5000) and rose to 0.9000" in findings(history([0.5, 0.8, 0.9], [0.4, 0.3, 0.2]))
    refused = [{"step": 7, "quantity": "gradient"}, {"step": 9, "quantity": "loss"}]
    assert "2 updates were refused, as the gradient was not finite; the first was step 7." in findings(
        history([0.9, 0.6, 0.6]), refused=refused
    )


def test_a_training_that_is_not_done_or_went_too_far() -> None:
    assert "still falling at the end (0.8000, then 0.7000)" in findings(history([0.9, 0.8, 0.7]))
    rows = history([0.9, 0.6, 0.6])
    rows[2].update(train_accuracy=0.99, valid_accuracy=0.7)
    assert "(99.00 % right at the epoch kept) than others (70.00 %)" in findings(rows)


@pytest.mark.parametrize(
    ("settings", "labels", "data", "level"),
    [({"loss": {"name": "CrossEntropyLoss"}}, 5, {}, math.log(5)),
     ({"loss": {"name": "BCEWithLogitsLoss"}}, 4, {}, -(math.log(0.25) + 3 * math.log(0.75)) / 4),
     ({"loss": {"name": "BCEWithLogitsLoss"}, "class_weights": "balanced"}, 4, {}, None),
     ({"loss": {"name": "CrossEntropyLoss"}}, 0, {"vocabulary": 66}, math.log(66)),
     ({"loss": {"name": "MultiMarginLoss"}}, 4, {}, None), ({}, 4, {}, None),
     ({"loss": {"name": "CrossEntropyLoss"}}, 1, {}, None)],
)  # fmt: skip
def test_chance(settings: dict[str, Any], labels: int, data: dict[str, Any], level: float | None) -> None:
    found = {**make_language(), "settings": settings, "labels": [f"{k}" for k in range(labels)]}
    blind = panels.chance(make_record(found, data=data))
    assert (blind and blind[1]) == (level and pytest.approx(level))


def test_chance_is_the_loss_of_a_model_that_knows_nothing() -> None:
    import torch
    from torch import nn

    classes, targets = 6, torch.arange(6)
    rest = nn.functional.one_hot(targets).float()
    blind = torch.full((6, classes), 1 / classes)
    for name, loss in (("CrossEntropyLoss", nn.CrossEntropyLoss()(blind.log(), targets)),
                       ("BCEWithLogitsLoss", nn.BCEWithLogitsLoss()(blind.logit(), rest))):  # fmt: skip
        found = panels.chance(make_record({**make_report(classes), "settings": {"loss": {"name": name}}}))
        assert found and found[1] == pytest.approx(loss.item())
    several = torch.tensor([[1.0, 0, 1], [1, 0, 0], [1, 1, 0], [1, 0, 1]])  # the first label stands in every row
    shares = several.mean(0).clamp(1e-7, 1 - 1e-7).expand(4, 3)
    labelled = {
        "labels": ["a", "b", "c"],
        "test": {"n": 4, "micro_f1": 0.5},
        "settings": {"loss": {"name": "BCEWithLogitsLoss"}},
    }
    counts = {"rows": {"train": 4}, "classes": {"a": {"train": 4}, "b": {"train": 1, "test": 3}, "c": {"train": 2}}}
    found = panels.chance(make_record(labelled, data=counts))
    assert found and found[1] == pytest.approx(nn.BCEWithLogitsLoss()(shares.logit(), several).item(), abs=1e-5)
    regression = panels.chance(make_record({**make_regression(), "settings": {"loss": {"name": "MSELoss"}}}))
    standardised = torch.tensor([1.0, 2.0, 4.0])
    standardised = (standardised - standardised.mean()) / standardised.std(correction=0)
    assert regression and regression[1] == pytest.approx(nn.MSELoss()(torch.zeros(3), standardised).item())


def test_sentences() -> None:
    assert diagnosis.sentence(make_regression()).endswith("(95 % interval 49.0 to 57.2): 31 % below the baseline's.")
    assert diagnosis.sentence(make_language()).endswith(", against 192.3 of the bigram baseline.")
    untested = {**make_report(), "test": None}
    assert "by which it was chosen" in diagnosis.sentence(untested) and "expect less on new ones" in diagnosis.sentence(
        untested
    )


def test_the_picture_says_what_failed() -> None:
    figure = curves.figure(make_record(report(), history([1.4, 1.39, 1.3863])))
    assert any("did not learn its own rows" in text.get_text() for text in figure.texts)
