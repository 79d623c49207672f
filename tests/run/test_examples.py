"""The rows that people look at: what they are, with their inputs as they stand in the source."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from image_samples import bars, write_folder
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.plain_files import read_lines
from trainwright.run import examples
from trainwright.watch.events import Answers, Event

QUICK = {"epochs": 2, "listen": lambda event: None}


def content(run: tw.Run, name: str):
    return json.loads((run.path / f"{name}.json").read_text(), parse_constant=pytest.fail)


def answers(run: tw.Run) -> list[dict]:
    return [event for event in read_lines(run.path / "events.jsonl") if event["event"] == "answers"]


def test_texts(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "news.csv", news_rows(300))
    events: list[Event] = []
    run = tw.train(path, out=tmp_path / "run", epochs=2, listen=events.append)
    source = dict(enumerate(pl.read_csv(path).rows(), start=2))
    watched = content(run, "watched")
    assert len(watched["rows"]) == 24 and watched["labels"] == run.report["labels"]
    assert all(source[row["row"]] == (row["truth"], row["input"]) for row in watched["rows"])
    valid = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "valid")
    assert [row["row"] for row in (watched["rows"][0], watched["rows"][-1])] == [valid["row"][0], valid["row"][-1]]
    # before the first step, and after each epoch; those of the epoch that is kept are those of the model
    kept = answers(run)
    assert [event["epoch"] for event in kept] == [0, 1, 2] == [each.epoch for each in events if isinstance(each, Answers)]
    labels, best = watched["labels"], kept[run.report["best_epoch"]]["answers"]
    for found, row in zip(run.predict([row["input"] for row in watched["rows"]], top=2), best, strict=True):
        assert labels[row[0][0]] == found[0][0] and row[0][1] == pytest.approx(found[0][1], rel=1e-3)
    for row in content(run, "examples"):
        assert source[row["row"]] == (row["truth"], row["input"]) and row["split"] == "test"
        assert (row["truth"] == row["answer"]) is (row["group"] != "wrong") or row["group"] == "unsure"


def test_every_class_of_many_and_the_right_one_are_watched(tmp_path: Path) -> None:
    rows = [(f"class{number % 15}", f"word{number % 15} {text}") for number, (_, text) in enumerate(news_rows(300))]
    run = tw.train(write_csv(tmp_path / "many.csv", rows), out=tmp_path / "run", **QUICK)
    watched = content(run, "watched")
    for each in answers(run):
        for row, found in zip(watched["rows"], each["answers"], strict=True):
            places = [place for place, _ in found]
            assert len(places) in (8, 9) and watched["labels"].index(row["truth"]) in places
            assert [share for _, share in found[:8]] == sorted((share for _, share in found[:8]), reverse=True)


def test_rows_of_tables(tmp_path: Path) -> None:
    run = tw.train("diabetes", out=tmp_path / "run", **QUICK)
    watched = content(run, "watched")
    assert all(isinstance(row["input"], dict) and len(row["input"]) == 10 for row in watched["rows"])
    assert all(isinstance(each, float) for event in answers(run) for each in event["answers"])
    shown = content(run, "examples")
    far = [row for row in shown if row["group"] == "far"]
    off = [abs(row["truth"] - row["answer"]) for row in far]
    assert off == sorted(off, reverse=True) and len(far) == 12 and len(shown) == 18


def test_dates_and_missing_numbers_are_json(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 12, 31), eager=True)
    x = np.random.default_rng(0).random(len(days))
    x[::5] = math.nan
    pl.DataFrame({"day": days, "x": x, "y": np.arange(len(days)) + 0.5}).write_parquet(tmp_path / "days.parquet")
    run = tw.train(tmp_path / "days.parquet", task="table", label="y", out=tmp_path / "run", **QUICK)
    inputs = [row["input"] for row in content(run, "watched")["rows"]]
    assert all(row["day"].startswith("2024-") for row in inputs) and None in [row["x"] for row in inputs]


def test_pictures(tmp_path: Path) -> None:
    pixels, labels = bars(120)
    small = {"model": {"name": "convnet", "channels": [4]}, "epochs": 1, "listen": lambda event: None}
    np.savez(tmp_path / "bars.npz", images=pixels, labels=np.array(labels))
    for source in (write_folder(tmp_path / "shapes", pixels, labels), tmp_path / "bars.npz"):
        run = tw.train(source, out=tmp_path / f"run-{source.name}", **small)
        rows = content(run, "watched")["rows"] + content(run, "examples")
        assert all(row["input"].startswith("data:image/png;base64,") for row in rows)


def test_running_text_has_no_rows_but_a_sample_and_a_passage(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(60)))
    model = {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}
    run = tw.train(tmp_path / "text.txt", out=tmp_path / "run", model=model, context=8, tokenizer="words", **QUICK)
    watched = content(run, "watched")
    assert (watched["labels"], watched["rows"]) == ([], []) and watched["passages"][0]["tokens"]
    passage, along = content(run, "examples")
    test = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    first = passage["row"] - test["row"][0]
    assert passage["tokens"] == test["truth"][first : first + 240].to_list() and passage["between"] == " "
    assert along["loss"] == pytest.approx(run.report["test"]["loss"], rel=1e-4) and along["group"] == "positions"
    assert len([event for event in answers(run) if event["text"]]) == 3


def test_a_source_that_is_gone_leaves_rows_without_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "news.csv", news_rows(100))

    def gone(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr("trainwright.tasks.text.predictor.from_tables", gone)
    run = tw.train(path, out=tmp_path / "run", **QUICK)
    assert {row["input"] for row in content(run, "watched")["rows"]} == {None}


def test_long_texts_and_wide_rows_are_cut() -> None:
    assert len(examples.as_json("x" * 9000)) < 2010 and len(examples.as_json({str(n): n for n in range(500)})) == 100


def test_words_say_why(tmp_path: Path) -> None:
    rows = [*news_rows(200), *(("money", f"bank n{number} " + "market " * 400) for number in range(20))]
    run = tw.train(write_csv(tmp_path / "news.csv", rows), out=tmp_path / "run", **QUICK)
    shown = content(run, "examples")
    assert any(len(row["input"]) == examples.CHARACTERS + len(examples.MORE) for row in shown)
    for row in shown:
        assert "".join(piece for piece, _ in row["why"]) == row["input"] and row["against"] != row["answer"]
        assert row["answer"] == row["truth"] or row["against"] == row["truth"]
        if len(row["input"]) < examples.CHARACTERS:  # the weights and the biases are how far the two classes are apart
            place = [run.report["labels"].index(row[name]) for name in ("answer", "against")]
            logits = run.predictor.logits([row["input"]], 1)[0] - run.predictor.weights["classifier.bias"]
            assert sum(weight for _, weight in row["why"]) == pytest.approx(logits[place[0]] - logits[place[1]], abs=1e-3)


def test_columns_say_why(tmp_path: Path) -> None:
    run = tw.train("diabetes", out=tmp_path / "run", model="linear", **QUICK)
    scaler, bias = run.predictor.target.scaler, float(run.predictor.weights["bias"][0])
    for row in content(run, "examples"):
        weights = [weight for _, weight in row["why"]]
        assert {name for name, _ in row["why"]} == row["input"].keys() and row["against"] is None
        assert sorted(weights, key=abs, reverse=True) == weights
        assert sum(weights) + bias * scaler.std + scaler.mean == pytest.approx(row["answer"], rel=1e-4)


def test_pictures_say_why(tmp_path: Path) -> None:
    pixels, labels = bars(120)
    np.savez(tmp_path / "bars.npz", images=pixels, labels=np.array(labels))
    run = tw.train(tmp_path / "bars.npz", out=tmp_path / "run", model={"name": "convnet", "channels": [4]}, **QUICK)
    for row in content(run, "examples"):
        shown, why = (Image.open(io.BytesIO(base64.b64decode(row[key].partition(",")[2]))) for key in ("input", "why"))
        assert why.mode == "RGBA" and why.size == shown.size and np.asarray(why)[..., 3].max() == 230


def test_a_network_that_cannot_be_asked_leaves_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no gradient")

    monkeypatch.setattr("trainwright.tasks.text.predictor.TextPredictor.why", refuse)
    run = tw.train(write_csv(tmp_path / "news.csv", news_rows(100)), out=tmp_path / "run", **QUICK)
    assert {(row["why"], row["against"]) for row in content(run, "examples")} == {(None, None)}
