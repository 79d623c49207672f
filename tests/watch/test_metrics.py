"""A metric is one entry and one function: everything else follows from these two."""

from __future__ import annotations

import csv
import json
import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from samples import news_rows, write_csv
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn

import trainwright as tw
from trainwright.training.loop import Plan
from trainwright.watch import metrics, words
from trainwright.watch.events import Epoch, Scores, Step
from trainwright.watch.metrics import METRICS, Metric


def balanced_accuracy(targets: np.ndarray, outputs: np.ndarray) -> float:
    """The mean recall over the classes that occur."""
    SEEN.append((targets, outputs))
    right = outputs.argmax(axis=1) == targets
    return float(np.mean([right[targets == each].mean() for each in np.unique(targets)]))


ENTRY = Metric("balanced accuracy", "bal acc", words.percent, True, "class", f"{__name__}:balanced_accuracy")
SEEN: list[tuple[np.ndarray, np.ndarray]] = []


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two places that a new metric touches: the function above, and this entry."""
    monkeypatch.setitem(METRICS, "balanced_accuracy", ENTRY)
    SEEN.clear()


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """Three classes of different sizes, a third of whose labels are wrong: epochs differ, and so do the two accuracies."""
    draw = np.random.default_rng(6)
    rows = [(label, text) for label, text in news_rows(900) if label != "sport" or draw.random() < 0.3]
    names = sorted({label for label, _ in rows})
    rows = [(str(draw.choice(names)) if draw.random() < 0.35 else label, f"{text} {n}") for n, (label, text) in enumerate(rows)]
    return write_csv(tmp_path / "noisy.csv", rows)


def history(run: tw.Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.path / "history.csv").read_text(encoding="utf-8").splitlines()))


FAST = {
    "lr": 0.1,
    "valid_fraction": 0.25,
    "schedule": "none",
    "model.embedding": 8,
    "batch_size": 32,
    "device": "cpu",
    "threads": 1,
    "speed": "off",
}


def nested(**settings: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in {**FAST, **settings}.items():
        name, _, inner = key.partition(".")
        found[name] = {**found.get(name, {}), inner: value} if inner else value
    return found


def test_every_function_is_there_and_every_target_has_a_metric() -> None:
    for name, metric in METRICS.items():
        if metric.compute:
            module, _, function = metric.compute.partition(":")
            assert callable(getattr(import_module(module), function)), name
    several = ["roc_auc", "average_precision"]
    rest = [*several, "log_loss", "calibrated_loss", "balanced_accuracy", "mcc"]
    assert metrics.fitting("class") == ["loss", "accuracy", "macro_f1", *rest]
    ranked = [*several, "micro_average_precision", "calibrated_loss"]
    assert metrics.fitting("labels") == ["loss", "micro_f1", "macro_f1", "subset_accuracy", *ranked]
    assert metrics.fitting("number") == ["loss", "rmse", "mae", "r2"]
    assert metrics.fitting("token") == ["loss", "accuracy", "perplexity"]
    assert metrics.computed("token", "byte") == ["perplexity", "bits_per_byte"]
    assert metrics.compute(["perplexity", "bits_per_byte"], math.log(8)) == {
        "perplexity": pytest.approx(8),
        "bits_per_byte": pytest.approx(3),
    }


def test_a_metric_lies_in_two_places() -> None:
    package = Path(tw.__file__).parent
    found = {str(path.relative_to(package)) for path in package.rglob("*.py") if re.search(r"\bmae\b", path.read_text())}
    assert found == {"watch/metrics.py", "evaluation/regression.py"}, "its entry, and its function"


def test_a_new_metric_is_monitored(added: None, noisy: Path, tmp_path: Path) -> None:
    seen = []
    run = tw.train(noisy, out=tmp_path / "run", epochs=8, monitor="balanced_accuracy", listen=seen.append, **nested())
    epochs = [event for event in seen if isinstance(event, Epoch)]
    values = [event.valid.metrics["balanced_accuracy"] for event in epochs]
    known = [balanced_accuracy_score(targets, outputs.argmax(axis=1)) for targets, outputs in SEEN[:8]]
    assert values == pytest.approx(known) and len(set(values)) > 2
    best = max(epochs, key=lambda event: (event.valid.metrics["balanced_accuracy"], -event.valid.loss)).epoch
    assert run.report["best_epoch"] == best
    others = {min(epochs, key=lambda event: event.valid.loss).epoch, max(epochs, key=lambda event: event.valid.accuracy).epoch}
    assert best not in others, "the metric decides, and neither loss nor accuracy"
    assert [event.best for event in epochs] == [value > max([0.0, *values[:n]]) for n, value in enumerate(values)]
    assert run.report["valid"]["balanced_accuracy"] == values[best - 1]
    assert [float(row["valid_balanced_accuracy"]) for row in history(run)] == values
    lines = [json.loads(line) for line in (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    told = [line["valid"]["metrics"] for line in lines if line["event"] == "epoch"]
    assert told == [{"balanced_accuracy": value} for value in values]


@pytest.mark.parametrize("name", ["loss", "accuracy", "macro_f1"])
def test_a_class_is_monitored_by(name: str, noisy: Path, tmp_path: Path) -> None:
    run = tw.train(noisy, out=tmp_path / "run", epochs=6, monitor=name, listen=lambda event: None, **nested())
    rows = history(run)
    sign = -1 if name == "loss" else 1
    best = max(rows, key=lambda row: (sign * float(row[f"valid_{name}"]), -float(row["valid_loss"])))
    assert run.report["best_epoch"] == int(best["epoch"]) and run.report["valid"][name] == float(best[f"valid_{name}"])
    assert ("valid_macro_f1" in rows[0]) == ("macro_f1" in run.report["valid"]) == (name == "macro_f1")


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_number_is_monitored_by(name: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    size = draw.random(400)
    frame = pl.DataFrame({"size": size, "age": draw.random(400), "price": 100 * size + 40 * draw.normal(size=400)})
    frame.write_csv(tmp_path / "prices.csv")
    run = tw.train(
        tmp_path / "prices.csv", label="price", out=tmp_path / "run", epochs=8, monitor=name, lr=0.1, device="cpu",
        speed="off", listen=lambda event: None,
    )  # fmt: skip
    values = [float(row[f"valid_{name}"]) for row in history(run)]
    best = max(values) if name == "r2" else min(values)
    assert run.report["best_epoch"] == values.index(best) + 1 and run.report["valid"][name] == best
    assert values.index(best) != len(values) - 1, "a run whose last epoch is its best shows nothing"


def test_a_language_model_is_monitored_by_its_perplexity(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat and the dog lay by the door\n" * 200)
    run = tw.train(
        tmp_path / "text.txt", task="language", out=tmp_path / "run", epochs=2, context=16, monitor="perplexity",
        device="cpu", speed="off", listen=lambda event: None,
    )  # fmt: skip
    values = [float(row["valid_perplexity"]) for row in history(run)]
    assert run.report["best_epoch"] == values.index(min(values)) + 1
    with pytest.raises(tw.TrainwrightError, match=r"E302.*it is one of loss, accuracy, perplexity\n"):
        tw.train(tmp_path / "text.txt", task="language", tokenizer="words", monitor="bits_per_byte", out=tmp_path / "two")


def test_the_best_score_is_kept_over_an_interruption(added: None, noisy: Path, tmp_path: Path) -> None:
    words = {"epochs": 8, "monitor": "balanced_accuracy", "checkpoint_every": "7steps", **nested()}
    whole = tw.train(noisy, out=tmp_path / "whole", listen=lambda event: None, **words)
    after = whole.report["steps"] * 3 // 4

    def stop(event: object) -> None:
        if isinstance(event, Step) and event.step > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tw.train(noisy, out=tmp_path / "cut", listen=stop, **words)
    assert whole.report["best_epoch"] < 6, "the best epoch lies before the interruption"
    again = tw.resume(tmp_path / "cut", listen=lambda event: None)
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in history(run)] for run in (whole, again)]
    assert timeless[0] == timeless[1] and again.report["best_epoch"] == whole.report["best_epoch"]
    weights = [(run.path / "model" / "model.safetensors").read_bytes() for run in (whole, again)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"monitor": "macrof1"}, "Did you mean 'macro_f1'"), ({"monitor": "rmse"}, "one of loss, accuracy, macro_f1, roc_auc, "),
     ({"monitor": "accuracy", "target": "number"}, "one of loss, rmse, mae, r2\n")],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_there_is_a_run(settings: dict, said: str, noisy: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(noisy)
    if "target" in settings:
        frame = frame.select(a=pl.int_range(pl.len()), b=pl.int_range(pl.len()) * 0.5)
        settings = settings | {"label": "b"}
    frame.write_csv(noisy)
    with pytest.raises(tw.TrainwrightError, match=said) as refused:
        tw.train(noisy, out=tmp_path / "run", listen=lambda event: None, **settings)
    assert refused.value.code == "E302" and not (tmp_path / "run").exists()


def test_what_is_unknown_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(tw.TrainwrightError, match="E302"):
        tw.train(tmp_path / "nosuch.csv", monitor="nosuch")


def test_the_setting_is_listed() -> None:
    row = next(row for row in tw.settings() if row.key == "monitor")
    assert (row.type, row.default) == ("name", "loss") and all(name in row.meaning for name in METRICS)


# The rule, and metrics of models of a person's own.


@pytest.mark.parametrize(
    ("monitor", "higher", "scores", "worse"),
    [("loss", False, Scores(0.4, 0.5, 9), Scores(0.5, 0.9, 9)),
     ("accuracy", True, Scores(0.5, 0.9, 9), Scores(0.4, 0.8, 9)),
     ("accuracy", True, Scores(0.4, 0.9, 9), Scores(0.5, 0.9, 9)),
     ("accuracy", True, Scores(0.4, None, 9), Scores(0.5, None, 9)),
     ("macro_f1", True, Scores(0.4, 0.9, 9, {"macro_f1": 0.7}), Scores(0.5, 0.9, 9, {"macro_f1": 0.7})),
     ("rmse", False, Scores(0.9, None, 9, {"rmse": 3.0}), Scores(0.5, None, 9, {"rmse": 4.0})),
     ("r2", True, Scores(0.4, None, 9), Scores(0.5, None, 9))],
)  # fmt: skip
def test_the_better_epoch(monitor: str, higher: bool, scores: Scores, worse: Scores) -> None:
    plan = Plan(1, monitor=monitor, higher_is_better=higher)
    assert plan.score(scores) > plan.score(worse)


def fitted(model: nn.Module, data: tuple, loss: nn.Module, **options: object) -> tuple[list[Epoch], int]:
    events = list(tw.fit(
        model, data, valid=data, loss=loss, optimizer=torch.optim.SGD(model.parameters(), lr=0.5), epochs=4, progress=False,
        **options,
    ))  # fmt: skip
    return [event for event in events if isinstance(event, Epoch)], events[-1].best_epoch


def test_fit_takes_registered_metrics() -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(120, 4), torch.randint(0, 3, (120,))
    targets[:7] = -100
    model = nn.Linear(4, 3)
    epochs, best = fitted(model, (inputs, targets), nn.CrossEntropyLoss(), monitor="macro_f1")
    values = [event.valid.metrics["macro_f1"] for event in epochs]
    assert best == values.index(max(values)) + 1
    found = f1_score(targets[7:], model(inputs)[7:].argmax(dim=1), average="macro")
    assert max(values) == pytest.approx(found)
    numbers = (inputs, inputs.sum(dim=1, keepdim=True) + torch.randn(120, 1))
    model = nn.Linear(4, 1)
    epochs, best = fitted(model, numbers, nn.MSELoss(), monitor="rmse")
    values = [event.valid.metrics["rmse"] for event in epochs]
    assert best == values.index(min(values)) + 1
    assert min(values) == pytest.approx((model(inputs) - numbers[1]).square().mean().sqrt().item(), rel=1e-5)


def test_a_metric_of_the_person_s_own_goes_before_a_registered_one() -> None:
    torch.manual_seed(0)
    data = (torch.randn(40, 4), torch.randn(40, 1))
    answers = iter([1.0, 3.0, 2.0, 0.5])
    _, best = fitted(nn.Linear(4, 1), data, nn.MSELoss(), monitor="rmse", metrics={"rmse": lambda *both: next(answers)})
    assert best == 2, "without a minus higher is better"


@pytest.mark.parametrize("monitor", ["macro_f1", "perplexity", "-rmse"])
def test_a_registered_metric_that_does_not_apply(monitor: str) -> None:
    with pytest.raises(tw.TrainwrightError, match="E320"):
        fitted(nn.Linear(4, 1), (torch.randn(40, 4), torch.randn(40, 1)), nn.MSELoss(), monitor=monitor)
