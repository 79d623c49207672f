"""Numbers from texts and pictures: from a file to a model and back."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import talk
from samples import FILLER, evaluate_all
from sklearn import metrics as sklearn

import trainwright as tw
from trainwright.api import Run
from trainwright.errors import TrainwrightError
from trainwright.store import predictions
from trainwright.watch import record
from trainwright.watch.events import Note
from trainwright.watch.report.page import render

QUICK: dict[str, Any] = {"speed": "off", "listen": lambda event: None}
WORTH = {"awful": -2.0, "poor": -1.0, "fair": 0.5, "good": 1.5, "superb": 3.0}


def reviews(path: Path, count: int = 300, seed: int = 0, comma: bool = False) -> Path:
    """Texts whose number is 5 plus what their words are worth on average."""
    draw, rows = random.Random(seed), []
    for number in range(count):
        words = draw.choices(list(WORTH), k=4)
        value = f"{5 + sum(WORTH[word] for word in words) / 4:.2f}"
        text = " ".join([*words, *draw.choices(FILLER, k=3), f"n{number}"])
        rows.append({"text": text, "score": value.replace(".", ",") if comma else value})
    pl.DataFrame(rows).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("numbers")
    return tw.train(reviews(folder / "a.csv"), out=folder / "run", epochs=8, **QUICK)


def test_it_is_learned_and_measured(run: Run) -> None:
    report, test = run.report, run.report["test"]
    assert report["task"] == "text regression" and test["target"] == "score" and report["labels"] == []
    found = predictions.read(run.folder.predictions).filter(pl.col("split") == "test")
    truth, answer = found["truth"].to_numpy(), found["answer"].to_numpy()
    assert test["rmse"] == pytest.approx(sklearn.root_mean_squared_error(truth, answer), rel=1e-5)
    assert test["mae"] == pytest.approx(sklearn.mean_absolute_error(truth, answer), rel=1e-5)
    assert test["r2"] == pytest.approx(sklearn.r2_score(truth, answer), rel=1e-4) and test["r2"] > 0.8
    assert report["baseline"]["name"] == "mean of the training targets"


def test_every_verb(run: Run, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    high, low = run.predict(["superb superb good", "awful awful poor"])
    assert high > 6 > 4 > low
    out, _, _ = talk(capsys, monkeypatch, "predict", run.path, "superb superb good", "--json")
    assert json.loads(out)["prediction"] == pytest.approx(high)
    more = reviews(tmp_path / "b.csv", 50, seed=3)
    assert evaluate_all(run, more)["r2"] > 0.8
    assert tw.verify(run).wrong == [] and tw.replay(run).wrong == []
    assert "RMSE" in render(record.read(run.path), [])
    for words in (("explain", run.path, "good fair"), ("mistakes", run.path), ("story", run.path)):
        out, wrong, code = talk(capsys, monkeypatch, *words)
        assert code == 0 and "Traceback" not in wrong and out, words
    tuned = tw.train(more, from_run=run.path, out=tmp_path / "tuned", epochs=1, **QUICK)
    assert tuned.predictor.target.scaler == run.predictor.target.scaler
    with pytest.raises(TrainwrightError) as caught:
        tw.train(more, from_run=run.path, target="class", **QUICK)
    assert caught.value.code == "E260"


def test_a_decimal_comma_is_read_ever_after(tmp_path: Path) -> None:
    source = reviews(tmp_path / "a.csv", comma=True)
    run = tw.train(source, out=tmp_path / "run", epochs=8, **QUICK)
    found = predictions.read(run.folder.predictions)
    assert found["truth"].min() > 2 and found["truth"].max() < 9 and run.report["test"]["r2"] > 0.8
    assert evaluate_all(run, source)["r2"] > 0.8


def test_what_is_derived_can_be_said_otherwise(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [{"text": f"{draw.choice(list(WORTH))} n{number}", "stars": f"{number % 5 + 1}.0"} for number in range(120)]
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    for given, task in (({}, "text classification"), ({"target": "number"}, "text regression")):
        notes: list[Any] = []
        run = tw.train(tmp_path / "a.csv", out=tmp_path / task, epochs=1, speed="off", listen=notes.append, **given)
        assert run.report["task"] == task
        said = [note.why for note in notes if isinstance(note, Note) and note.what == "target"]
        assert given or said[0].endswith("if not, write target=number")


def test_what_has_no_use_for_numbers_is_refused(run: Run, tmp_path: Path) -> None:
    source = run.path.parent / "a.csv"
    for given, code in (
        ({"class_weights": "balanced"}, "E263"),
        ({"threshold": 0.2}, "E288"),
        ({"split": "stratified"}, "E302"),
        ({"loss": {"name": "CrossEntropyLoss"}}, "E313"),
    ):
        with pytest.raises(TrainwrightError) as caught:
            tw.train(source, out=tmp_path / "no", **given, **QUICK)
        assert caught.value.code == code, given


@pytest.mark.parametrize("augment", ["none", "mixup"])
def test_a_number_from_pictures(tmp_path: Path, augment: str) -> None:
    from PIL import Image

    draw, rows = np.random.default_rng(0), []
    for number in range(120):
        light = draw.integers(20, 200)
        pixels = draw.normal(light, 10, (12, 12)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append({"image": f"{number}.png", "value": f"{light / 10 + 0.05:.2f}"})
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    run = tw.train(tmp_path / "a.csv", label="value", out=tmp_path / "run", epochs=20, augment=augment, lr=0.01, **QUICK)
    assert run.report["task"] == "image regression" and run.report["test"]["target"] == "value"
    assert run.report["valid"]["r2"] > 0.5
    assert 1 < run.predict(tmp_path / "0.png")[0] < 22
    assert evaluate_all(run, tmp_path / "a.csv")["n"] == 120 and tw.verify(run).wrong == []
