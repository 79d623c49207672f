"""Tables from a file to a model and back: classes and numbers, columns of every kind, splits, going on, mistakes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from house_samples import KINDS, PRICES, csv, fit, houses, refused
from samples import evaluate_all

import trainwright as tw
from trainwright.data.tables.encoder import TargetScaler
from trainwright.errors import TrainwrightError
from trainwright.tasks import supervised
from trainwright.tasks.number_target import NumberTarget
from trainwright.watch.events import Epoch, Note

# ---- from a file to a model


def test_a_number_is_learned(price_run) -> None:
    report = price_run.report
    test, baseline = report["test"], report["baseline"]
    assert report["task"] == "table regression" and report["labels"] == []
    assert test["accuracy"] is None and test["target"] == "price" and test["n"] == report["rows"]["test"]
    assert test["rmse"] < baseline["rmse_interval"][0] and test["r2"] > 0.7 > 0.1 > baseline["r2"]
    assert baseline["name"] == "mean of the training targets" and 200 < baseline["value"] < 700
    for scores in (test, report["valid"]):
        for name in ("loss", "rmse", "mae", "r2"):
            assert scores[f"{name}_interval"][0] <= scores[name] <= scores[f"{name}_interval"][1], name
    actual, predicted = np.array(test["points"]).T
    assert len(actual) == test["n"] and set(actual) <= set(PRICES["price"])
    assert test["rmse"] == pytest.approx(np.sqrt(np.mean((actual - predicted) ** 2)), rel=1e-5)
    assert test["mae"] == pytest.approx(np.mean(np.abs(actual - predicted)), rel=1e-5)
    assert test["r2"] == pytest.approx(1 - np.mean((actual - predicted) ** 2) / np.var(actual), rel=1e-4)


def test_a_class_is_learned(kind_run) -> None:
    report = kind_run.report
    assert report["task"] == "table classification" and report["labels"] == ["flat", "house"]
    assert report["test"]["accuracy"] > 0.85 and len(report["test"]["per_class"]) == 2
    assert report["baseline"]["name"] == "majority class"


def test_the_columns_are_said(tmp_path: Path) -> None:
    notes = []
    run = tw.train(csv(tmp_path), out=tmp_path / "run", epochs=1, listen=notes.append)
    said = {(note.what, note.value) for note in notes if isinstance(note, Note)}
    assert said >= {
        ("label", "price"),
        ("target", "number"),
        ("numbers", "area"),
        ("yes or no", "garden"),
        ("dates", "sold"),
        ("categories", "city"),
        ("left out", "id"),
        ("missing", "area"),
        ("values", "city 4"),
        ("loss", "MSELoss"),
    }
    found = json.loads((run.path / "data.json").read_text())
    assert [each["name"] for each in found["columns"]["features"]] == ["area", "city", "garden", "sold"]
    assert found["classes"] == {} and found["columns"]["label"] == "price"
    epochs = [event for event in notes if isinstance(event, Epoch)]
    assert epochs[0].valid.accuracy is None and {"rmse", "mae", "r2"} <= epochs[0].valid.metrics.keys()
    assert "valid_rmse" in (run.path / "history.csv").read_text()


@pytest.mark.parametrize("label", ["price", "kind"])
def test_csv_and_parquet_give_the_same_model(label: str, tmp_path: Path) -> None:
    frame = PRICES if label == "price" else KINDS
    frame.write_parquet(tmp_path / "a.parquet")
    frame.with_columns(pl.col("sold").cast(pl.String)).write_ndjson(tmp_path / "a.jsonl")
    made = [csv(tmp_path, frame), tmp_path / "a.parquet", tmp_path / "a.jsonl"]
    runs = [fit(source, tmp_path, source.suffix[1:], epochs=3, label=label) for source in made]
    assert all(run.report["test"] == runs[0].report["test"] for run in runs)


def test_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    frame = PRICES.with_columns(pl.col("area", "price").cast(pl.String))
    broken = frame[:3].with_columns(
        area=pl.Series(["large", "30", "40"]), price=pl.Series(["400", "cheap", None]), city=pl.lit("Ulm")
    )
    run = fit(csv(tmp_path, pl.concat([frame, broken])), tmp_path, epochs=1)
    found = json.loads((run.path / "data.json").read_text())["rejected_rows"]
    assert [(each["row"], each["reason"]) for each in found] == [
        (302, "column 'area': 'large' is not a number"),
        (303, "label: 'cheap' is not a number"),
        (304, "no label"),
    ]


def test_equal_rows_stay_together(tmp_path: Path) -> None:
    twice = pl.concat([PRICES, PRICES]).with_columns(id=pl.int_range(0, 600))
    run = fit(csv(tmp_path, twice), tmp_path, epochs=1)
    found = json.loads((run.path / "data.json").read_text())
    assert found["audit"]["duplicate_rows"] >= 300 and set(found["audit"]["across"].values()) == {0}


def test_given_files_and_names_that_are_patterns(tmp_path: Path) -> None:
    names = {"area": "^.*$", "city": "*", "garden": "label", "sold": "row", "price": "content"}
    parts = [houses(count, seed).drop("kind").rename(names) for seed, count in ((1, 200), (2, 40), (3, 50))]
    train, valid, test = (csv(tmp_path, part, f"{n}.csv") for n, part in enumerate(parts))
    run = fit(train, tmp_path, valid=valid, test=test, label="content")
    assert run.report["rows"] == {"train": 200, "valid": 40, "test": 50, "rejected": 0}
    assert run.report["test"]["r2"] > 0.8


@pytest.mark.parametrize("how", ["group:city", "time:sold", "time:id", "content"])
def test_every_way_to_split_numbers(how: str, tmp_path: Path) -> None:
    german = PRICES.with_columns(pl.col("sold").dt.strftime("%d.%m.%Y"), pl.col("city").fill_null("Rom"))
    many = german.with_columns(city=pl.col("city") + (pl.col("id") % 12).cast(pl.String))
    run = fit(csv(tmp_path, many), tmp_path, split=how, epochs=1)
    sizes = run.report["rows"]
    assert sizes["train"] + sizes["valid"] + sizes["test"] == 300 and sizes["test"] > 5
    columns = json.loads((run.path / "data.json").read_text())["columns"]["features"]
    assert ("city" in [each["name"] for each in columns]) == (how != "group:city")
    if how == "time:sold":
        newest = many["sold"].str.to_date("%d.%m.%Y").sort(descending=True)[sizes["test"] - 1]
        points = {round(actual, 2) for actual, _ in run.report["test"]["points"]}
        assert points == set(many.filter(pl.col("sold").str.to_date("%d.%m.%Y") >= newest)["price"])


def test_stratified_is_for_classes(tmp_path: Path) -> None:
    assert fit(csv(tmp_path, KINDS), tmp_path, label="kind", split="stratified", epochs=1).report["rows"]["test"] == 30
    refused("E302", csv(tmp_path), tmp_path, split="stratified")


def test_whole_numbers_as_classes_and_as_numbers(tmp_path: Path) -> None:
    frame = PRICES.with_columns(rooms=(pl.col("area").fill_null(50) / 50).cast(pl.Int64)).drop("price")
    classes = fit(csv(tmp_path, frame), tmp_path, "a", label="rooms", epochs=3)
    numbers = fit(csv(tmp_path, frame), tmp_path, "b", label="rooms", target="number", epochs=3)
    assert classes.report["labels"] == ["0", "1", "2", "3"] and numbers.report["labels"] == []
    assert classes.predict(frame[:2])[0][0] in "0123" and isinstance(numbers.predict(frame[:2])[0], float)


@pytest.mark.parametrize(
    "settings", [{"model": "linear"}, {"model": {"hidden": [], "dropout": 0.0}}, {"min_count": 50}], ids=str
)
def test_models_and_settings(settings: dict, tmp_path: Path) -> None:
    run = fit(csv(tmp_path), tmp_path, lr=0.03, **settings)
    assert run.report["test"]["r2"] > 0.7


@pytest.mark.parametrize("model, taken", [("linear", 1e-3), ("mlp", 3e-4)])
def test_what_an_update_takes_from_the_weights_goes_by_the_model(model: str, taken: float, tmp_path: Path) -> None:
    chosen = tomllib.loads((fit(csv(tmp_path), tmp_path, model=model, lr=0.02, epochs=1).path / "settings.toml").read_text())
    assert chosen["optimizer"]["weight_decay"] * chosen["lr"] == pytest.approx(taken)


@pytest.mark.parametrize(
    "loss", ["L1Loss", {"name": "HuberLoss", "delta": 0.5}, {"name": "SmoothL1Loss", "beta": 0.3}, "MSELoss"], ids=str
)
def test_every_loss_of_numbers(loss, tmp_path: Path) -> None:
    run = fit(csv(tmp_path, PRICES), tmp_path, epochs=4, loss=loss)
    name = loss if isinstance(loss, str) else loss["name"]
    assert run.report["test"]["r2"] > 0 and type(run.predictor.objective.loss).__name__ == name
    settings = (run.path / "settings.toml").read_text()
    assert isinstance(loss, str) or all(f"{key} = {value}" in settings for key, value in loss.items() if key != "name")


# ---- numbers that do not lie


def test_the_network_gives_one_column_and_targets_are_flat() -> None:
    loss = NumberTarget("y", TargetScaler(0.0, 1.0), {"loss": {"name": "MSELoss"}}).objective(torch.device("cpu"))
    mean, weight = loss(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 5.0]))
    assert mean.item() == pytest.approx(4 / 3) and weight == 3  # broadcast it would be 26 / 9
    for outputs, targets in (((3, 1), (3, 1)), ((3, 2), (3,)), ((3, 1), (1, 3)), ((3, 1), (1,))):
        with pytest.raises(TrainwrightError, match="E605"):
            loss(torch.zeros(outputs), torch.zeros(targets))


@pytest.mark.parametrize("label", ["price", "kind"])
def test_the_size_of_the_batches_does_not_matter(label: str, price_run, kind_run, tmp_path: Path, monkeypatch) -> None:
    run, frame = (price_run, PRICES) if label == "price" else (kind_run, KINDS)
    found = []
    for size in (1, 7, 1024):
        monkeypatch.setattr(supervised, "EVALUATION_BATCH", size)
        scores = evaluate_all(run, csv(tmp_path, frame))
        found.append([scores[name] for name in ("loss", *(("rmse", "mae", "r2") if label == "price" else ("accuracy",)))])
    assert found[0] == pytest.approx(found[2], rel=1e-5) and found[1] == pytest.approx(found[2], rel=1e-5)


def test_same_command_same_model(price_run, tmp_path: Path) -> None:
    again = fit(csv(tmp_path), tmp_path)
    assert again.report["test"] == price_run.report["test"]


@pytest.mark.parametrize(("name", "score", "least"), [("wine", "accuracy", 0.8), ("diabetes", "r2", 0.2)])
def test_embedded_tables(name: str, score: str, least: float, tmp_path: Path) -> None:
    report = tw.train(name, out=tmp_path / "run", listen=lambda event: None).report
    assert report["test"][score] > least
    ends = "interval" if name == "wine" else "rmse_interval"
    better, worse = (report["test"], report["baseline"]) if name == "wine" else (report["baseline"], report["test"])
    assert better[ends][0] > worse[ends][1]


# ---- the model in use


# ---- going on from an earlier run


def test_going_on_with_new_rows(price_run, kind_run, tmp_path: Path) -> None:
    more = houses(200, seed=9)
    for run, label in ((price_run, "price"), (kind_run, "kind")):
        frame = more.select("kind" if label == "kind" else "price", "sold", "garden", "city", "area", "id")
        source = csv(tmp_path, frame, f"{label}.csv")
        notes = []
        options = {"out": tmp_path / label, "listen": notes.append, "epochs": 1, "lr": 0.0}
        same = tw.train(source, from_run=run.path, label=label, **options)
        assert same.predict(more[:20]) == run.predict(more[:20])  # nothing was learned: columns, codes and scale are kept
        said = {note.what: note.value for note in notes if isinstance(note, Note)}
        assert said["columns"] == "4" and "new" not in said and "left out" not in said


def test_going_on_makes_it_better(price_run, tmp_path: Path) -> None:
    dearer = houses(200, seed=9).drop("kind").with_columns(pl.col("price") * 2)
    source = csv(tmp_path, dearer)
    run = fit(source, tmp_path, task="auto", from_run=price_run.path)
    assert evaluate_all(run, source)["rmse"] < 0.5 * evaluate_all(price_run, source)["rmse"]
    assert run.predictor.target.scaler == price_run.predictor.target.scaler


def test_going_on_with_a_new_class(kind_run, tmp_path: Path) -> None:
    more = houses(250, seed=8, kinds=("flat", "house", "castle")).drop("price")
    run = fit(csv(tmp_path, more), tmp_path, task="auto", from_run=kind_run.path)
    assert run.report["labels"] == ["castle", "flat", "house"] and run.report["test"]["accuracy"] > 0.7


def test_going_on_is_refused(price_run, kind_run, tmp_path: Path) -> None:
    prices, kinds = csv(tmp_path, PRICES, "prices.csv"), csv(tmp_path, KINDS, "kinds.csv")
    refused("E247", csv(tmp_path, PRICES.drop("city")), tmp_path, from_run=price_run.path)
    refused("E247", kinds, tmp_path, from_run=price_run.path)
    refused("E260", kinds, tmp_path, from_run=price_run.path, label="kind")
    refused("E260", prices, tmp_path, from_run=kind_run.path, label="price")
    refused("E260", prices, tmp_path, from_run=price_run.path, target="class")
    refused("E328", prices, tmp_path, from_run=price_run.path, features=["area"])
    refused("E328", prices, tmp_path, from_run=price_run.path, model={"hidden": [7]})


# ---- settings that do not fit


def test_settings_that_are_refused(tmp_path: Path) -> None:
    source = csv(tmp_path)
    says = str(refused("E313", source, tmp_path, loss="CrossEntropyLoss"))
    assert "MSELoss, L1Loss" in says
    refused("E310", source, tmp_path, loss="MSLoss")
    refused("E311", source, tmp_path, loss={"name": "HuberLoss", "dleta": 1.0})
    refused("E312", source, tmp_path, loss={"name": "HuberLoss", "delta": -1.0})
    refused("E263", source, tmp_path, class_weights="balanced")
    refused("E263", source, tmp_path, label_smoothing=0.1)
    for given in ({"tokenizer": "words"}, {"lowercase": False}, {"max_vocabulary": 9}, {"model": {"ngrams": 2}}):
        assert "city (category)" in str(refused("E249", source, tmp_path, **given))
    assert "Did you mean 'city'?" in str(refused("E213", source, tmp_path, split="group:cty"))
    refused("E245", csv(tmp_path, KINDS), tmp_path, label="kind", target="number")
    refused("E247", source, tmp_path, test=csv(tmp_path, PRICES.drop("city"), "test.csv"))
