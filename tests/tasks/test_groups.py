"""Rows that belong together: found, said, kept in one split, and counted as what they tell; in texts, images and tables."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from samples import evaluate_all

import trainwright as tw
from trainwright.evaluation.intervals import wilson
from trainwright.tasks.grouping import units_of
from trainwright.watch.events import Note

DRAW = np.random.default_rng(7)
HOW: dict[str, Any] = {"epochs": 1, "speed": "off"}


def trained(source: Any, out: Path, **settings: Any) -> tuple[tw.Run, dict[str, Note]]:
    """A run, and the last note on each thing."""
    events: list[object] = []
    run = tw.train(source, out=out, listen=events.append, **(HOW | settings))
    return run, {each.what: each for each in events if isinstance(each, Note)}


def patients(groups: int = 30, each: int = 8) -> pl.DataFrame:
    """A label drawn for each patient, and measurements nearly the same in all of a patient's rows."""
    draw = np.random.default_rng(1)
    label, pulse, heat = draw.integers(0, 2, groups), draw.normal(70, 10, groups), draw.normal(37, 1, groups)
    rows = np.repeat(np.arange(groups), each)
    order = draw.permutation(len(rows))
    frame = pl.DataFrame(
        {
            "patient_id": [f"P{row:03}" for row in rows],
            "pulse": (pulse[rows] + draw.normal(0, 0.1, len(rows))).round(2),
            "heat": (heat[rows] + draw.normal(0, 0.01, len(rows))).round(3),
            "label": np.where(label[rows] == 1, "ill", "well"),
        }
    )
    return frame[order]


def test_an_id_with_several_rows_is_said_and_how_much_it_tells(tmp_path: Path) -> None:
    frame = patients()
    run, said = trained(frame, tmp_path / "run")
    found = json.loads((run.path / "data.json").read_text())["audit"]["groups"]
    note = said["groups"]
    assert note.value == "patient_id: 30 values with 8 rows each"
    assert "split=group:patient_id keeps each in one" in note.why and "columns.patient_id=ignore" in note.why
    assert found["column"] == "patient_id" and found["groups"] == 30 and found["rows"] == 240
    assert found["right"] == 1.0 and found["measured"] == run.report["test"]["n"] and found["chance"] < 0.9
    assert "100% have the label most frequent in its rows there" in note.why
    assert "units" not in run.report["test"]


def test_a_split_by_groups_counts_groups_in_training_and_on_files(tmp_path: Path) -> None:
    frame = patients()
    frame.write_csv(tmp_path / "all.csv")
    run, said = trained(tmp_path / "all.csv", tmp_path / "run", split="group:patient_id")
    test = run.report["test"]
    assert "groups" not in said and test["n"] == 8 * test["units"] and test["units_of"] == "patient_id"
    hits = round(test["accuracy"] * test["units"])
    if hits == test["accuracy"] * test["units"]:  # every patient is all right, or all wrong
        assert test["interval"] == pytest.approx(wilson(hits, test["units"]), abs=0.02)
    assert test["interval"][1] - test["interval"][0] > np.diff(wilson(test["accuracy"] * test["n"], test["n"]))[0]
    again = evaluate_all(run, tmp_path / "all.csv")
    assert (again["n"], again["units"], again["units_of"]) == (240, 30, "patient_id")
    frame.drop("patient_id").write_csv(tmp_path / "unnamed.csv")
    assert "units" not in evaluate_all(run, tmp_path / "unnamed.csv")
    assert f"n = {test['n']} ({test['units']} groups by patient_id)" in " ".join(shown(run))
    assert not tw.verify(run.path).wrong


def shown(run: tw.Run) -> list[str]:
    from trainwright.watch import scores

    return [fact.remark for fact in scores.facts(run.report)]


def test_rows_that_repeat_count_once(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [(f"{draw.random():.3f}", f"{draw.random():.3f}", "ab"[draw.random() > 0.5]) for _ in range(200)]
    train = pl.DataFrame(rows, schema=["one", "other", "label"], orient="row")
    test = pl.concat([train.head(6)] * 10)
    train.slice(6).write_csv(tmp_path / "train.csv")
    test.write_csv(tmp_path / "test.csv")
    run, _ = trained(tmp_path / "train.csv", tmp_path / "run", test=tmp_path / "test.csv")
    found = run.report["test"]
    assert (found["n"], found["units"], found["units_of"]) == (60, 6, "")
    assert found["interval"] == pytest.approx(wilson(round(6 * found["accuracy"]), 6))
    assert any("n = 60 (6 distinct)" in each for each in shown(run))
    assert evaluate_all(run, tmp_path / "test.csv")["interval"] == pytest.approx(found["interval"])


def test_numbers_of_groups_are_said_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    shops = np.repeat(np.arange(25), 8)
    sales = draw.normal(100, 30, 25)[shops] + draw.normal(0, 1, 200)
    frame = pl.DataFrame({"shop": [f"S{each}" for each in shops], "week": np.tile(np.arange(8), 25), "sales": sales.round(2)})
    run, said = trained(frame, tmp_path / "run", label="sales")
    assert (
        said["groups"].value == "shop: 25 values with 8 rows each"
        and "of the variance, the mean of all 0%" in said["groups"].why
    )
    found = json.loads((run.path / "data.json").read_text())["audit"]["groups"]
    assert found["kind"] == "number" and found["right"] > 0.95
    frame.write_csv(tmp_path / "shops.csv")
    grouped, _ = trained(tmp_path / "shops.csv", tmp_path / "other", label="sales", split="group:shop")
    assert grouped.report["test"]["units"] * 8 == grouped.report["test"]["n"]
    assert not tw.verify(grouped.path).wrong


def test_texts_of_few_writers(tmp_path: Path) -> None:
    draw = random.Random(2)
    style = {f"w{each}": draw.choices(["sun", "rain", "snow", "wind"], k=2) for each in range(30)}
    rows = [
        (writer, " ".join([*words, *draw.choices("abcdefghij", k=5), str(number)]), "yes" if "sun" in words else "no")
        for writer, words in style.items()
        for number in range(6)
    ]
    frame = pl.DataFrame(rows, schema=["author", "text", "label"], orient="row").sample(fraction=1, shuffle=True, seed=1)
    _, said = trained(frame, tmp_path / "one", task="text")
    assert said["groups"].value == "author: 30 values with 6 rows each" and "ignore" not in said["groups"].why
    frame.write_csv(tmp_path / "texts.csv")
    for out in ("two", "three"):  # read, and taken from the cache
        run, said = trained(tmp_path / "texts.csv", tmp_path / out, task="text", split="group:author")
        test = run.report["test"]
        assert "groups" not in said and test["units"] * 6 == test["n"] and test["units_of"] == "author"
    assert evaluate_all(run, tmp_path / "texts.csv")["units"] == 30
    assert not tw.verify(run.path).wrong


def test_pictures_of_few_things(tmp_path: Path) -> None:
    rows = []
    for thing in range(30):
        for number in range(4):
            pixels = np.full((8, 8), 60 + 120 * (thing % 2), np.uint8) + DRAW.integers(0, 40, (8, 8)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{thing}_{number}.png")
            rows.append((f"{thing}_{number}.png", f"d{thing}", ("dark", "light")[thing % 2]))
    frame = pl.DataFrame(rows, schema=["image", "device", "label"], orient="row")
    frame.write_csv(tmp_path / "photos.csv")
    _, said = trained(tmp_path / "photos.csv", tmp_path / "one", task="image")
    assert said["groups"].value == "device: 30 values with 4 rows each"
    run, said = trained(tmp_path / "photos.csv", tmp_path / "two", task="image", split="group:device")
    test = run.report["test"]
    assert "groups" not in said and test["units"] * 4 == test["n"] and test["units_of"] == "device"
    assert evaluate_all(run, tmp_path / "photos.csv")["units"] == 30
    frame.tail(20).write_csv(tmp_path / "last.csv")
    frame.head(100).write_csv(tmp_path / "first.csv")
    how: dict[str, Any] = {"task": "image", "split": "group:device", "test": tmp_path / "last.csv"}
    test = trained(tmp_path / "first.csv", tmp_path / "three", **how)[0].report["test"]
    assert (test["n"], test["units"], test["units_of"]) == (20, 5, "device")


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("store", [f"s{row % 12}" for row in range(240)], True),
        ("PatientID", [row % 40 for row in range(240)], True),
        ("customer_type", [f"t{row % 12}" for row in range(240)], False),
        ("region", [f"r{row % 12}" for row in range(240)], False),
        ("order_id", list(range(240)), False),
        ("ward", [f"w{row // 8}" for row in range(240)], True),  # by what its rows hold
        ("floor", [f"f{row % 30}" for row in range(240)], False),
        ("user_id", [row // 2 if row < 40 else 1000 + row for row in range(240)], False),  # hardly any recurs
    ],
)
def test_what_looks_like_groups(tmp_path: Path, name: str, values: list[Any], found: bool) -> None:
    label = np.repeat(np.random.default_rng(8).integers(0, 2, 30), 8)
    frame = pl.DataFrame({name: values, "x": DRAW.normal(size=240), "label": np.where(label == 1, "a", "b")})
    _, said = trained(frame, tmp_path / "run")
    assert ("groups" in said) == found


def test_rows_without_a_group_are_parts_of_their_content() -> None:
    content = pl.Series(["a", "b", "a", "c", "d"])
    found = units_of(content, pl.Series(["g", "g", None, None, "h"]), "who")
    assert found is not None and found.codes.tolist() == [0, 0, 1, 2, 3] and found.of == "who"
    found = units_of(content, None, "who")
    assert found is not None and found.codes.tolist() == [0, 1, 0, 2, 3] and found.of == ""
    assert units_of(content.unique(), None, "") is None
