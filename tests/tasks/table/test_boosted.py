"""Boosted trees through the verbs: trained, stopped and gone on with, measured, used, explained, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from house_samples import CITIES, KINDS, PRICES, csv, fit, houses, refused
from samples import evaluate_all
from sklearn.ensemble import HistGradientBoostingClassifier

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Epoch, Event, Note, Step

GROWN = {"model": "boosted", "epochs": 3, "label": "kind"}
SEEN: list[Event] = []


class Stop(Exception):
    """Ends a run from a listener, as unprepared as a kill."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grown")
    return tw.train(csv(folder, KINDS), out=folder / "run", listen=SEEN.append, **GROWN)


def content(run: Path) -> list[Any]:
    """What must be equal: weights, history without seconds, report without times."""
    history = [line.split(",")[:-2] + line.split(",")[-1:] for line in (run / "history.csv").read_text().splitlines()]
    report = {key: value for key, value in json.loads((run / "report.json").read_text()).items() if "second" not in key}
    return [(run / "model" / "model.safetensors").read_bytes(), history, report]


def test_an_epoch_grows_ten_trees_which_are_measured(run) -> None:
    steps, epochs = ([event for event in SEEN if isinstance(event, kind)] for kind in (Step, Epoch))
    assert len(steps) == 30 and [event.epoch for event in epochs] == [1, 2, 3]
    losses = [event.loss for event in steps]
    assert losses == sorted(losses, reverse=True) and losses[0] == pytest.approx(np.log(2), rel=0.02)
    assert epochs[0].train.loss == pytest.approx(np.mean(losses[:10])) and 0.5 < epochs[0].train.accuracy <= 1
    report = run.report
    assert report["test"]["accuracy"] > 0.85 and report["model"] == "boosted.v1"
    assert report["parameters"] == len(run.predictor.weights["feature"]) + 1
    said = {(note.what, note.value): note.why for note in SEEN if isinstance(note, Note)}
    assert said["device", "cpu"] and "training rows" in said["lr", "0.05"]


def test_the_run_is_what_scikit_learn_makes_of_the_encoded_rows(run) -> None:
    data = tw.load_data(run.path.parent / "houses.csv", label="kind")
    predictor, problem = run.predictor, data._problem
    columns, targets = {}, {}
    for name in ("train", "valid", "test"):
        (batch,) = problem.batches_of(problem.splits[name], 1000, None, predictor.device).epoch(0)
        columns[name], targets[name] = predictor.model.columns(*batch.inputs).numpy(), batch.targets.numpy()
    kept = 10 * run.report["best_epoch"]
    model = HistGradientBoostingClassifier(
        max_iter=kept, learning_rate=0.05, min_samples_leaf=10, early_stopping=False, categorical_features=[0]
    ).fit(columns["train"], targets["train"])
    for name in ("valid", "test"):
        assert run.report[name]["accuracy"] == model.score(columns[name], targets[name])
    cells = KINDS[(data.rows("test") - 2).tolist()].drop("kind").to_dicts()  # the header is record 1
    assert [answer[0] for answer in run.predict(cells)] == [data.labels[place] for place in model.predict(columns["test"])]


def test_it_is_proven_again(run) -> None:
    assert not tw.verify(run).wrong
    assert not tw.replay(run).wrong


@pytest.mark.parametrize("after", [7, 10, 23])
def test_a_run_that_is_stopped_goes_on_to_the_same_bits(after: int, run, tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Step) and event.step == after:
            raise Stop

    source = run.path.parent / "houses.csv"
    with pytest.raises(Stop):
        tw.train(source, out=tmp_path / "run", listen=listen, checkpoint_every="4steps", **GROWN)
    events: list[Event] = []
    found = tw.resume(tmp_path / "run", listen=events.append)
    assert next(event.step for event in events if isinstance(event, Step)) == after + 1
    assert content(found.path) == content(run.path)


def test_more_epochs_grow_more_trees(run, tmp_path: Path) -> None:
    short = tw.train(run.path.parent / "houses.csv", out=tmp_path / "run", listen=lambda event: None, **GROWN | {"epochs": 1})
    assert len(short.predictor.weights["roots"]) == 10
    assert content(tw.resume(short, epochs=3, listen=lambda event: None).path) == content(run.path)


def test_steps_are_trees(run, tmp_path: Path) -> None:
    found = fit(run.path.parent / "houses.csv", tmp_path, model="boosted", label="kind", steps=13, epochs=None, keep="last")
    assert found.report["epochs"] == 2 and len(found.predictor.weights["roots"]) == 13


def test_patience_ends_it_and_the_best_epoch_is_kept(tmp_path: Path) -> None:
    noise = houses(300).with_columns(kind=pl.Series(np.random.default_rng(0).choice(["flat", "house"], 300)))
    found = fit(csv(tmp_path, noise.drop("price")), tmp_path, **GROWN | {"epochs": 30, "patience": 2, "lr": 0.3})
    report = found.report
    assert report["epochs"] == report["best_epoch"] + 2 < 30
    assert len(found.predictor.weights["roots"]) == 10 * report["best_epoch"]


@pytest.mark.parametrize("label", ["price", "city"])
def test_numbers_and_many_classes(label: str, tmp_path: Path) -> None:
    frame = PRICES if label == "price" else houses(400).filter(pl.col("city").is_not_null())
    found = fit(csv(tmp_path, frame), tmp_path, model="boosted", label=label, epochs=8, lr=0.1)
    assert found.report["test"]["r2"] > 0.7 if label == "price" else found.report["labels"] == sorted(CITIES)
    assert evaluate_all(found, csv(tmp_path, frame))["loss"] < 1.2


def test_several_labels_each_have_their_trees(tmp_path: Path) -> None:
    frame = houses(300).select("area", "city", big=pl.col("area").fill_null(0) > 110, dear=pl.col("price") > 450)
    frame = frame.with_columns(pl.col("big", "dear").cast(pl.Int8))
    found = fit(csv(tmp_path, frame), tmp_path, model="boosted", label="big,dear", epochs=4, lr=0.1, class_weights="balanced")
    assert found.predictor.weights["roots"].shape[1] == 2 and found.report["test"]["micro_f1"] > 0.85
    (answer,) = found.predict([{"area": 190.0, "city": "Jena"}])
    assert set(answer.labels) == {"big", "dear"}


def test_rows_without_weight_are_not_learned_from(tmp_path: Path) -> None:
    clean = houses(400).drop("price")
    wrong = clean.with_columns(kind=pl.when(pl.col("kind") == "flat").then(pl.lit("house")).otherwise(pl.lit("flat")))
    both = pl.concat([clean.with_columns(w=1.0), wrong.with_columns(w=0.0, id=pl.col("id") + 1000, area=pl.col("area") + 0.01)])
    found = fit(csv(tmp_path, both), tmp_path, model="boosted", label="kind", epochs=5, lr=0.1, sample_weight="w")
    assert evaluate_all(found, csv(tmp_path, clean, "clean.csv"))["accuracy"] > 0.9


def test_a_column_of_text_and_a_row_of_which_nothing_is_known(tmp_path: Path) -> None:
    said = {"flat": "small", "house": "stately"}
    words = pl.Series([f"a {said[kind]} place with {number} views" for number, kind in enumerate(KINDS["kind"])])
    frame = KINDS.select("area", "kind", about=words)
    found = fit(csv(tmp_path, frame), tmp_path, model="boosted", label="kind", epochs=2, columns={"about": "text"})
    assert found.report["test"]["accuracy"] == 1.0
    (answer,) = found.predict([{"area": None, "about": "a stately view"}])
    assert answer[0] == "house"
    assert len(found.predict([{"area": None, "about": None}])) == 1


# ---- what is told of it


def test_a_row_is_explained_without_an_update(run) -> None:
    found = tw.explain(run, {"area": 190.0, "garden": "no", "city": "Ulm", "sold": "2024-05-05"})
    assert found.step is None and found.answer == "house"
    parts = {unit.name: unit.parts for unit in found.units}
    assert abs(parts["area"][0] - parts["area"][1]) > 0.1 and np.isfinite(found.loss)


@pytest.mark.parametrize("verb", ["check", "landscape"])
def test_what_follows_gradients_is_refused(verb: str, run) -> None:
    with pytest.raises(TrainwrightError) as caught:
        if verb == "check":
            tw.check(run.path.parent / "houses.csv", model="boosted", label="kind")
        else:
            tw.landscape(run)
    assert caught.value.code == "E543"


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "SGD"},
        {"batch_size": 32},
        {"accumulate": 2},
        {"clip": 1.0},
        {"label_smoothing": 0.1},
        {"precision": "bfloat16"},
        {"freeze": ["output"]},
        {"loss": "MultiMarginLoss"},
        {"device": "cuda"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_setting_without_a_use_is_refused(given: dict[str, Any], tmp_path: Path) -> None:
    found = refused("E540", csv(tmp_path, KINDS), tmp_path, model="boosted", label="kind", **given)
    (key,) = given
    assert f"{key}=" in str(found)


def test_it_does_not_go_on_from_a_run(run, tmp_path: Path) -> None:
    refused("E541", run.path.parent / "houses.csv", tmp_path, from_run=run.path, label="kind")
