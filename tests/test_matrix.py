"""Every verb works for every task: train, evaluate, predict, runs, report and plots, from the command line and in Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from samples import START_ARTIST, news_rows, write_csv
from typer.testing import CliRunner

import trainwright as tw
from trainwright.cli import app

TASKS = ["text", "image", "language", "classes", "numbers"]
TRAIN = {
    "text": ["epochs=2"],
    "image": ["epochs=2", "model=mlp", "model.hidden=16", "lr=0.01"],
    "language": ["epochs=1", "tokenizer=words", "model.hidden=16", "model.layers=1", "batch_size=4"],
    "classes": ["epochs=3"],
    "numbers": ["epochs=3"],
}


def text(folder: Path) -> tuple[Path, list[str]]:
    return write_csv(folder / "source.csv", news_rows(120)), ["the goal of the team"]


def image(folder: Path) -> tuple[Path, list[str]]:
    draw = np.random.default_rng(0)
    for number in range(60):
        place = folder / "source" / ("dark", "light")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 60, (8, 8), np.uint8) + np.uint8(150 * (number % 2))
        Image.fromarray(pixels).save(place / f"{number}.png")
    return folder / "source", [str(folder / "source" / "light" / "1.png")]


def language(folder: Path) -> tuple[Path, list[str]]:
    path = folder / "source.txt"
    path.write_text("".join(f"the cat number {n % 9} sat on the mat of house {n % 7}\n" for n in range(150)))
    return path, ["the cat"]


def columns(folder: Path, label: str) -> tuple[Path, list[str]]:
    draw = np.random.default_rng(0)
    size, color = draw.normal(size=150).round(3), draw.choice(["red", "green"], 150)
    price = (10 * size + np.where(color == "red", 20, 0) + 100).round(2)
    kind = np.where(price > 110, "dear", "cheap")
    path = folder / "source.csv"
    pl.DataFrame({"size": size, "color": color, label: price if label == "price" else kind}).write_csv(path)
    return path, ["size=0.5 color=red"]


MAKE = {
    "text": text,
    "image": image,
    "language": language,
    "classes": lambda folder: columns(folder, "kind"),
    "numbers": lambda folder: columns(folder, "price"),
}


def call(*words: object) -> str:
    """Standard output of a command that succeeds."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path, list[str], dict]:
    """(task, run, source, things to predict, the summary that --json printed)."""
    folder = tmp_path_factory.mktemp(request.param)
    source, items = MAKE[request.param](folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        patch.setattr("trainwright.run.train.start_artist", START_ARTIST)
        said = call("train", source, "--out", folder / "runs" / "one", "--json", *TRAIN[request.param])
    return request.param, folder / "runs" / "one", source, items, json.loads(said.splitlines()[-1])


def test_train(trained) -> None:
    task, run, _, _, summary = trained
    measured = {"language": "perplexity", "numbers": "rmse"}.get(task, "accuracy")
    for split in ("valid", "test"):
        assert summary[split]["n"] > 0 and summary[split]["loss"] > 0 and summary[split][measured] is not None
    assert {path.name for path in run.iterdir()} >= {"settings.toml", "data.json", "history.csv", "report.json", "model"}
    if task == "language":
        assert set(summary["valid"]) >= {"loss", "accuracy", "perplexity"}


def test_evaluate(trained) -> None:
    task, run, source, _, summary = trained
    test = json.loads(call("evaluate", run, "--json"))
    assert test["loss"] == summary["test"]["loss"] and test["split"] == "test"
    whole = json.loads(call("evaluate", run, source, "--json"))
    assert whole == json.loads(call("evaluate", run, source, "--json"))
    rows = tw.load(run).report["rows"]
    if task == "language":  # all but the ends of what was cut out of the text
        assert whole["trained_on"] > 0.95 * rows["train"] and whole["n"] < 1.1 * (rows["valid"] + rows["test"])
    else:  # equal rows are in one split
        assert (whole["trained_on"], whole["validated_on"], whole["n"]) == (rows["train"], rows["valid"], rows["test"])
        assert whole["tested_on"] == rows["test"] and whole["loss"] == pytest.approx(test["loss"], rel=1e-5)
        assert whole["apart"]["validated_on"]["loss"] == pytest.approx(summary["valid"]["loss"], rel=1e-5)
    shown = call("evaluate", run, source)
    assert shown.startswith("of ") and "were trained on" in shown.splitlines()[0] and "Result of" in shown


def test_predict(trained) -> None:
    task, run, source, items, _ = trained
    lines = call("predict", run, *items).splitlines()
    assert len(lines) == (2 if task == "image" else 1)  # an image is a file, whose answers have a heading
    answer = json.loads(call("predict", run, *items, "--json").splitlines()[-1])
    loaded = tw.load(run)
    if task == "numbers":
        assert 50 < answer["prediction"] < 200
        assert loaded.predict([{"size": 0.5, "color": "red"}]) == [pytest.approx(answer["prediction"], rel=1e-5)]
    else:
        assert 0 < answer["probability"] <= 1 and answer["label"] in lines[-1]
    rows = call("predict", run, source)
    assert "predicted" in rows.splitlines()[0] and len(rows.splitlines()) > 60


def rows_of(task: str, source: Path) -> pl.DataFrame:
    """Forty rows as a frame has them."""
    if task == "image":
        return pl.DataFrame({"image": [str(path) for path in sorted(source.rglob("*.png"))[:40]]})
    if task == "language":
        return pl.DataFrame({"text": [f"the cat number {n}" for n in range(40)]})
    return pl.read_csv(source).head(40)


def test_a_row_of_a_frame_of_any_kind_has_an_answer(trained) -> None:
    task, path, source, _, _ = trained
    run, frame = tw.load(path), rows_of(task, source)
    wanted = run.predict(frame)
    assert len(wanted) == 40
    plain = frame.to_dict(as_series=False)
    kinds = {
        "lazy": frame.lazy(),
        "columns": plain,
        "series": frame.to_dict(),
        "arrays": {name: each.to_numpy() for name, each in frame.to_dict().items()},
        "rows": frame.to_dicts(),
        "arrow": type("Arrow", (), {"__arrow_c_stream__": lambda self, schema=None: frame.__arrow_c_stream__(schema)})(),
    }
    for name, given in kinds.items():
        assert run.predict(given) == pytest.approx(wanted) if task == "numbers" else run.predict(given) == wanted, name
    items = plain["image"] if task == "image" else plain.get("text", frame.to_dicts())
    for column in (items, pl.Series(items) if task in ("text", "image", "language") else items):
        assert len(run.predict(column)) == 40
    assert run.predict(frame.head(0)) == run.predict(frame.head(0).lazy()) == []


def test_a_frame_without_the_columns_of_training_is_refused(trained) -> None:
    task, path, source, _, _ = trained
    frame = rows_of(task, source)
    strange = frame.rename({name: f"{name}_x" for name in frame.columns})
    if task in ("image", "language"):  # which learned from no columns
        assert len(tw.load(path).predict(strange)) == 40
        return
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.load(path).predict(strange)
    wanted = "text" if task == "text" else "size"
    assert caught.value.code == ("E437" if task == "text" else "E247")
    assert f"'{wanted}'" in caught.value.what and f"{wanted}_x" in caught.value.mend


def test_runs(trained) -> None:
    task, run, _, _, _ = trained
    said = call("runs", run.parent)
    assert str(run) in said and {"language": "perplexity", "numbers": "RMSE"}.get(task, "%") in said
    assert json.loads(call("runs", run.parent, "--json"))["runs"][0]["report"]["task"] == tw.load(run).report["task"]


def test_report_and_plots(trained) -> None:
    task, run, _, _, _ = trained
    page = (run / "report.html").read_text()
    plots = {path.name for path in (run / "plots").iterdir()}
    wanted = {"language": set(), "numbers": {"predicted.png"}}.get(task, {"confusion.png"})
    assert plots == {"curves.png"} | wanted and page.count("<svg") >= len(plots)
    assert "Result of" in call("report", run) and json.loads(call("report", run, "--json")) == tw.load(run).report
    before = {path: path.read_bytes() for path in (run / "plots").iterdir()}
    said = call("plots", run).split()
    assert {str(path) for path in before} | {str(run / "report.html")} == set(said)
    assert all(path.read_bytes() == content for path, content in before.items())
    card = (run / "model" / "README.md").read_text()
    assert "trainwright" in card and "test" in card


def test_going_on(trained, tmp_path: Path) -> None:
    _, run, source, _, _ = trained
    call("train", source, "--from", run, "--out", tmp_path / "two", "--quiet", "epochs=1")
    again = tw.load(tmp_path / "two")
    assert again.report["parameters"] == tw.load(run).report["parameters"]
    settings = (tmp_path / "two" / "settings.toml").read_text()
    assert f'from = "{run}"' in settings
