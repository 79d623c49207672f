"""Baselines of runs, the sentence that compares with them, and "no signal" where labels have nothing to do with their rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from house_samples import houses
from image_samples import bars
from samples import news_rows
from sklearn.datasets import load_diabetes, load_iris

import trainwright as tw
from trainwright.store import seal
from trainwright.watch import scores, summary
from trainwright.watch.events import ignore


def texts(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    return pl.DataFrame(news_rows(rows, seed), ["label", "text"], orient="row")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    """A run of texts, which the tests look at."""
    return tw.train(
        texts(),
        task="text",
        out=tmp_path_factory.mktemp("told") / "run",
        listen=ignore,
        epochs=3,
        valid_fraction=0.2,
        test_fraction=0.2,
    )


@pytest.fixture
def run(told: tw.Run, tmp_path: Path) -> tw.Run:
    """A copy of it, whose report may be changed."""
    return tw.load(shutil.copytree(told.path, tmp_path / "run"))


def at_random(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The same rows, with their labels dealt out to others."""
    order = np.random.default_rng(0).permutation(len(frame))
    return frame.with_columns(frame[name].gather(order) for name in columns)


def several() -> pl.DataFrame:
    frame, draw = texts(300), np.random.default_rng(0)
    noise = draw.random((2, len(frame))) < 0.1
    columns = [
        ((frame["label"] == name).to_numpy() ^ each).astype(int) for name, each in zip(("sport", "money"), noise, strict=True)
    ]
    return pl.DataFrame({"text": frame["text"], "sport": columns[0], "money": columns[1]})


def pictures(folder: Path, labels: list[str], pixels: np.ndarray) -> Path:
    from image_samples import write_folder

    return write_folder(folder, pixels, labels)


def source(kind: str, random: bool, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Data of a kind, and how to train on them."""
    if kind == "images":
        pixels, labels = bars(90)
        order = np.random.default_rng(0).permutation(90)
        return pictures(folder / "pictures", [labels[place] for place in order] if random else labels, pixels), {
            "epochs": 3,
            "speed": "off",
        }
    frame, columns, settings = {
        "texts": (texts(), ["label"], {"task": "text", "epochs": 3}),
        "table": (houses(160).drop("id", "price"), ["kind"], {"label": "kind", "task": "table", "epochs": 4}),
        "numbers": (houses(160).drop("id", "kind"), ["price"], {"label": "price", "task": "table", "epochs": 4}),
        "labels": (several(), ["sport", "money"], {"label": "sport,money", "task": "text", "epochs": 3}),
        "iris": (toy(load_iris()), ["target"], {"label": "target", "target": "class", "epochs": 3}),
        "diabetes": (toy(load_diabetes()), ["target"], {"label": "target", "target": "number", "epochs": 4}),
    }[kind]
    return (at_random(frame, *columns) if random else frame), settings


def toy(data: Any) -> pl.DataFrame:
    return pl.DataFrame({name: data.data[:, place] for place, name in enumerate(data.feature_names)} | {"target": data.target})


@pytest.mark.parametrize("kind", ["texts", "images", "table", "numbers", "labels", "iris", "diabetes"])
def test_random_labels_give_no_signal_and_real_ones_do(kind: str, told: tw.Run, tmp_path: Path) -> None:
    for random in (False,) if kind in ("iris", "diabetes") else (True, False):
        if kind == "texts" and not random:
            report = told.report
        else:
            given, settings = source(kind, random, tmp_path / str(random))
            settings |= {"test_fraction": 0.35} if random else {}  # fewer than 30 rows cannot tell
            report = tw.train(given, out=tmp_path / f"run-{random}", listen=ignore, **settings).report
        said = " ".join(summary.lines(report))
        assert report["signal"] is not random, report["baselines"]
        assert ("no signal: the answers tell no more of new rows than always answering" in said) is random
        assert bool(scores.advice(report).startswith("Labels that were dealt out")) is random


def test_a_handful_of_rows_cannot_tell_that_there_is_no_signal(tmp_path: Path) -> None:
    few = at_random(texts(40), "label")
    report = tw.train(few, task="text", out=tmp_path / "run", listen=ignore, epochs=1).report
    said = " ".join(summary.lines(report))
    assert report["signal"] is None and report["test"]["n"] < 30
    assert "too few rows to tell whether the answers say more of new rows than always answering" in said
    assert "no signal" not in said and "dealt out" not in said and "Measure on more rows" in said and scores.unclear(report)


def test_the_model_is_compared_row_by_row(told: tw.Run) -> None:
    run = told
    constant, bayes = run.report["baselines"]
    assert [constant["name"], bayes["name"]] == ["majority class", "naive Bayes"] and constant["label"]
    assert run.report["baseline"]["accuracy"] == constant["accuracy"]
    for part, own in (("test", bayes), ("valid", bayes["valid"])):
        assert own["difference"] == pytest.approx(run.report[part]["accuracy"] - own["accuracy"])
        assert own["interval"][0] < own["accuracy"] <= own["interval"][1] and own["n"] == run.report[part]["n"]
        low, high = own["difference_interval"]
        assert low <= own["difference"] <= high and high - low < 0.2
    assert not tw.verify(run, source=texts()).wrong and not tw.replay(run, source=texts()).wrong


def test_a_model_that_something_simpler_beats_is_told_so(tmp_path: Path) -> None:
    how = {"model": {"name": "textcnn"}, "lr": 3e-4, "epochs": 1, "task": "text", "test_fraction": 0.3}
    run = tw.train(texts(), out=tmp_path / "run", listen=ignore, **how)
    judged, advice = scores.verdict(run.report), scores.advice(run.report)
    assert (
        judged.startswith("the model does not beat naive Bayes: ") and "points below naive Bayes (a difference of -" in judged
    )
    value, low, high = (
        float(judged.split(word)[1].split()[0].rstrip("),")) for word in ("difference of ", "interval ", " to ")
    )
    assert low < value < high and value < 0
    assert advice.startswith("Naive Bayes, fitted in a moment, is better: try") and not scores.unclear(run.report)


def test_what_is_asked_for_decides_what_is_fitted(tmp_path: Path) -> None:
    named = {}
    for which in ("off", "auto", "all"):
        run = tw.train(
            houses(80).drop("id", "kind"),
            label="price",
            out=tmp_path / which,
            listen=ignore,
            baselines=which,
            epochs=1,
            test_fraction=0.4,
        )
        named[which] = [each["name"] for each in run.report["baselines"]]
        assert run.report["signal"] in (True, False)
    assert named["off"] == ["mean of the training targets"] and named["auto"] == [*named["off"], "ridge regression"]
    assert named["all"] == [*named["auto"], "boosted trees"]


def test_a_language_model_is_compared_by_windows(tmp_path: Path) -> None:
    said = np.random.default_rng(0).choice(["one", "two", "three", "four"], 3_000)
    path = tmp_path / "words.txt"
    path.write_text("\n".join(" ".join(line) for line in said.reshape(-1, 10)))
    report = tw.train(
        path,
        out=tmp_path / "run",
        listen=ignore,
        model={"name": "gpt", "layers": 1, "width": 32},
        context=16,
        steps=3,
        tokenizer="words",
    ).report
    unigram, bigram = report["baselines"]
    for each in (unigram, bigram, unigram["valid"]):
        assert each["perplexity"] == pytest.approx(np.exp(each["loss"])) and len(each["difference_interval"]) == 2
    ours = report["test"]["perplexity"]
    assert unigram["difference"] == pytest.approx(1 - ours / unigram["perplexity"])
    assert report["baseline"]["loss"] == min(unigram["loss"], bigram["loss"])


def test_reports_from_before_are_verified_and_repeated_without_them(run: tw.Run) -> None:
    report = {key: each for key, each in run.report.items() if key not in ("baselines", "signal")}
    report["machine"]["code"] = "another"
    run.folder.report.write_text(json.dumps(report))
    seal.renew(run.path, [run.folder.report])
    assert "points above the baseline" in scores.verdict(report)
    assert not tw.verify(run, source=texts()).wrong and not tw.replay(run, source=texts()).wrong


def test_a_report_with_other_baselines_is_not_verified(run: tw.Run) -> None:
    report = run.report
    report["baselines"][1]["accuracy"] += 0.01
    run.folder.report.write_text(json.dumps(report))
    seal.renew(run.path, [run.folder.report])
    assert tw.verify(run, source=texts()).wrong == ["baselines is another than in the report"]


@pytest.mark.parametrize("how", ["content", "group:g"])
def test_smaller_parts_lie_in_larger_ones(how: str) -> None:
    frame = texts().with_columns(g=pl.int_range(400).cast(pl.String).str.slice(0, 2))

    def rows(seed: int = 0, **more: float) -> dict[str, set[int]]:
        found = tw.load_data(frame, text="text", label="label", split=how, seed=seed, **more)
        return {name: set((found.rows(name) - 2).tolist()) for name in ("train", "valid", "test")}

    whole, half, quarter = rows(), rows(train_fraction=0.5), rows(train_fraction=0.25)
    assert (
        quarter["train"] < half["train"] < whole["train"] and half["valid"] == whole["valid"] and half["test"] == whole["test"]
    )
    assert abs(len(half["train"]) - len(whole["train"]) / 2) <= 3
    other = rows(seed=1, train_fraction=0.5)["train"]
    assert other != half["train"] and other < whole["train"]
    if how != "content":
        groups = [set(frame["g"].gather(sorted(part["train"])).to_list()) for part in (half, whole)]
        assert len(groups[0]) < 0.7 * len(groups[1])


def test_every_class_keeps_a_row_and_every_label_too() -> None:
    rare = [(name, f"{name} word{n} {n} times") for name in ("apple", "brick", "cloud", "drum") for n in range(8)]
    frame = pl.concat([texts(300), pl.DataFrame(rare, ["label", "text"], orient="row")])
    assert {"apple", "brick", "cloud", "drum"} < set(tw.load_data(frame, train_fraction=0.05).labels)
    sets = several().with_columns(rare=pl.int_range(300) < 6).cast({"rare": pl.Int64})
    assert tw.load_data(sets, label="sport,money,rare", task="text", train_fraction=0.05).labels == ("money", "rare", "sport")


def test_a_part_of_a_text_has_the_same_tokens(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(f"line {n} of the text" for n in range(400)))
    whole, part, other = (
        tw.load_data(path, task="language", tokenizer="words", **more)
        for more in ({}, {"train_fraction": 0.25}, {"train_fraction": 0.25, "seed": 1})
    )
    assert part.vocabulary == whole.vocabulary
    sizes = [len(each.rows("train")) for each in (whole, part, other)]
    assert sizes[1] == sizes[2] == -(-sizes[0] // 4)
