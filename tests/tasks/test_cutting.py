"""Splits that a column says, by time and by group, and labels in several spellings: the same in every kind of problem."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from image_samples import bars
from PIL import Image
from samples import evaluate_all

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

KINDS = ("text", "table", "image")
WORDS = ["train"] * 24 + ["Val "] * 6 + ["TEST"] * 6


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))


def source(kind: str, folder: Path, labels: list[str] | None = None, name: str = "a.csv", **columns: list[Any]) -> Path:
    """A table for a kind of problem, with a label and other columns."""
    count = len(next(iter(columns.values()))) if columns else len(labels or [])
    labels = labels or ["ab"[number % 2] for number in range(count)]
    first: dict[str, list[Any]] = {"text": [f"some words {label} n{number}" for number, label in enumerate(labels)]}
    if kind == "table":
        first = {"x": [number + 0.5 for number in range(count)], "z": [number % 7 + 0.25 for number in range(count)]}
    if kind == "image":
        first = {"image": [f"{number}.png" for number in range(count)]}
        for number, pixels in enumerate(bars(count)[0]):
            Image.fromarray(pixels).save(folder / f"{number}.png")
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*first, *columns, "label"])
        writer.writerows(zip(*first.values(), *columns.values(), labels, strict=True))
    return folder / name


def load(path: Path, **options: Any) -> tuple[dict[str, list[int]], list[Note], Any]:
    """The rows of each split, counted from 0; what was said; and the data."""
    said: list[Any] = []
    found = tw.load_data(path, listen=said.append, **options)
    splits = {name: (found.rows(name) - 2).tolist() for name in ("train", "valid", "test") if getattr(found, name) is not None}
    return splits, [note for note in said if isinstance(note, Note)], found


def refusal(path: Path, **options: Any) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        load(path, **options)
    return caught.value


def reasons(notes: list[Note], what: str) -> str:
    return "; ".join(f"{value}: {why}" for each, value, why in notes if each == what)


# ---- a column says the split


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_says_the_split_is_used(kind: str, tmp_path: Path) -> None:
    splits, notes, found = load(source(kind, tmp_path, split=WORDS), task=kind)
    assert splits == {"train": [*range(24)], "valid": [*range(24, 30)], "test": [*range(30, 36)]}
    assert "column 'split' says so" in reasons(notes, "split") and "split=content" in reasons(notes, "split")
    assert found.settings.split == "column:split"
    by_content, _, _ = load(tmp_path / "a.csv", task=kind, split="content")
    assert by_content != splits


def test_it_is_known_by_its_words_alone_but_is_no_label(tmp_path: Path) -> None:
    assert load(source("table", tmp_path, part=WORDS))[2].settings.split == "column:part"
    assert load(source("table", tmp_path, part=[*WORDS[:-1], "other"]))[2].settings.split == "content"
    assert load(source("table", tmp_path, part=["train"] * 36))[2].settings.split == "content"
    path = source("table", tmp_path, [("train", "test")[number % 2] for number in range(36)], other=WORDS)
    assert load(path, task="table", label="label")[2].settings.split == "column:other"
    both = load(source("table", tmp_path, one=WORDS, other=WORDS))
    assert both[2].settings.split == "content" and "split=column:NAME" in reasons(both[1], "not used")
    assert load(source("table", tmp_path, split=WORDS, other=WORDS))[2].settings.split == "column:split"


def test_what_it_lacks_is_cut_from_the_training_rows(tmp_path: Path) -> None:
    words = ["train"] * 60 + ["test"] * 12
    splits, notes, _ = load(source("table", tmp_path, split=words), valid_fraction=0.25)
    assert splits["test"] == [*range(60, 72)] and 5 <= len(splits["valid"]) < 30
    assert {*splits["train"], *splits["valid"]} == {*range(60)}
    assert "0.25 for valid, by content" in reasons(notes, "split")
    assert refusal(tmp_path / "a.csv", test_fraction=0.1).code == "E222"


def test_eval_is_the_test_where_nothing_else_is(tmp_path: Path) -> None:
    assert load(source("table", tmp_path, split=["train"] * 30 + ["eval"] * 6))[0]["test"] == [*range(30, 36)]
    words = ["train"] * 24 + ["eval"] * 6 + ["test"] * 6
    assert load(source("table", tmp_path, split=words))[0]["valid"] == [*range(24, 30)]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_another_word_or_none_are_named(kind: str, tmp_path: Path) -> None:
    path = source(kind, tmp_path, split=["", "junk", *WORDS[2:]])
    splits, notes, _ = load(path, task=kind, split="column:split")
    assert splits["train"] == [*range(2, 24)]
    assert "row 2: column 'split' says no split" in reasons(notes, "left out")
    assert "row 3: column 'split': 'junk' is no split" in reasons(notes, "left out")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(["a", "b"] * 18, "E224", "'a', 'b'"), (["test", "valid"] * 18, "E224", "'test', 'valid'"), (WORDS, "E213", "colum")],
)
def test_a_column_that_says_no_training_rows(words: list[str], code: str, says: str, tmp_path: Path) -> None:
    problem = refusal(source("table", tmp_path, part=words), split="column:part" if code == "E224" else "column:prt")
    assert problem.code == code and says in str(problem)


def test_beside_files_of_splits(tmp_path: Path) -> None:
    test = source("table", tmp_path, name="t.csv", split=["test"] * 10)
    path = source("table", tmp_path, split=WORDS)
    splits, notes, found = load(path, test=test)
    assert found.settings.split == "content" and splits["test"] == [*range(10)] and "split" in reasons(notes, "not used")
    assert refusal(path, test=test, split="column:split").code == "E225"
    path = source("table", tmp_path, split=["train"] * 30 + ["dev"] * 6)
    splits, _, _ = load(path, test=test)
    assert splits["valid"] == [*range(30, 36)] and splits["test"] == [*range(10)]


# ---- by time and by group


def _moments(count: int) -> list[str]:
    """Moments one after the other, each in another zone or another way to write one."""
    begin = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    written = []
    for number in range(count):
        zone = dt.timezone(dt.timedelta(hours=(number * 7) % 25 - 12))
        written.append((begin + dt.timedelta(minutes=20 * number)).astimezone(zone).isoformat(" T"[number % 2]))
    return written


@pytest.mark.parametrize("kind", KINDS)
def test_times_are_compared_as_instants(kind: str, tmp_path: Path) -> None:
    order = [(number * 17) % 40 for number in range(40)]
    moments = _moments(40)
    splits, _, _ = load(source(kind, tmp_path, when=[moments[place] for place in order]), task=kind, split="time:when")
    assert {order[row] for row in splits["test"]} == {*range(36, 40)}
    assert {order[row] for row in splits["valid"]} == {*range(32, 36)}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_a_time_are_trained_on_and_named(kind: str, tmp_path: Path) -> None:
    when = ["", *(f"{day:02}/12/2023" for day in range(1, 31)), "NA", *(f"{day:02}/11/2023" for day in range(1, 9))]
    splits, notes, _ = load(source(kind, tmp_path, when=when), task=kind, split="time:when")
    assert {0, 31} <= {*splits["train"]} and set(splits["test"]) == {*range(27, 31)}
    assert "2 rows: column 'when' says none in rows 2, 33: they are trained on" in reasons(notes, "no time")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_a_group_are_groups_of_their_own(kind: str, tmp_path: Path) -> None:
    groups = [""] * 60 + [f"g{number // 3}" for number in range(60)]
    splits, notes, _ = load(source(kind, tmp_path, who=groups), task=kind, split="group:who", valid_fraction=0.3)
    assert len({name for name, rows in splits.items() if any(row < 60 for row in rows)}) == 3
    of_group = Counter(
        groups[row] for rows in splits.values() for row in {groups[row]: row for row in rows if row >= 60}.values()
    )
    assert set(of_group.values()) == {1}
    assert "60 rows: column 'who' says none in rows 2, 3, 4, 5, 6, ...: each is a group of its own" in reasons(
        notes, "no group"
    )


# ---- labels


@pytest.mark.parametrize("kind", KINDS)
def test_yes_and_no_in_several_spellings_are_two_classes(kind: str, tmp_path: Path) -> None:
    labels = ["true", "0", "True", "FALSE", "1", "False", "TRUE", "false", "1.0", "0.0"] * 4
    _, notes, found = load(source(kind, tmp_path, labels), task=kind)
    assert found.labels == ("false", "true")
    assert "true = 1, TRUE, True, true" in reasons(notes, "labels")


@pytest.mark.parametrize("kind", KINDS)
def test_spellings_are_kept_apart_and_said_or_merged(kind: str, tmp_path: Path) -> None:
    labels = ["food", "sport", "Food", "food", "s port", "sport ", "S  port", "s port"] * 5
    path = source(kind, tmp_path, labels)
    _, notes, found = load(path, task=kind)
    assert set(found.labels) == {"food", "Food", "sport", "s port", "S  port"}
    assert "'food', 'Food'" in reasons(notes, "labels") and "labels=merge" in reasons(notes, "labels")
    _, notes, found = load(path, task=kind, labels="merge")
    assert found.labels == ("food", "s port")  # the most frequent spelling of each
    assert "'food' = 'Food'" in reasons(notes, "labels")


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_are_the_same_with_and_without_a_fraction(kind: str, tmp_path: Path) -> None:
    test = source(kind, tmp_path, ["0.0", "1.0", "2.00"] * 4, "t.csv")
    path = source(kind, tmp_path, ["0", "1", "2"] * 12)
    splits, _, found = load(path, task=kind, test=test, **({"target": "class"} if kind == "table" else {}))
    assert found.labels == ("0", "1", "2") and len(splits["test"]) == 12


def test_codes_and_numbers_of_any_size_are_classes(tmp_path: Path) -> None:
    for kind in ("text", "table"):
        codes = ["01", "02", "1"] * 12
        assert load(source(kind, tmp_path, codes), task=kind)[2].labels == ("1", "01", "02")
        big = ["9007199254740993", "9007199254740992"] * 18
        assert load(source(kind, tmp_path, big), task=kind)[2].labels == ("9007199254740992", "9007199254740993")


def test_a_label_spelled_otherwise_in_the_test_file_is_named(tmp_path: Path) -> None:
    test = source("text", tmp_path, ["food", "Sport"] * 4, "t.csv")
    _, notes, _ = load(source("text", tmp_path, ["food", "sport"] * 20), test=test, task="text")
    assert "'sport' is: labels=merge takes both as one" in reasons(notes, "left out")


def test_a_trained_model_knows_the_spellings(tmp_path: Path) -> None:
    path = source("text", tmp_path, ["food", "Sport", "Food", "food", "sport", "sport"] * 8)
    run = tw.train(path, out=tmp_path / "run", labels="merge", epochs=1, speed="off", listen=lambda event: None)
    assert json.loads((run.path / "model" / "model.json").read_text())["merged"] is True
    other = source("text", tmp_path, ["FOOD", " SPORT"] * 5, "o.csv")
    scores = evaluate_all(run, other)
    assert scores["n"] == 10 and scores["rejected"] == 0
    strange = source("text", tmp_path, ["weather", "rain"] * 5, "s.csv")
    with pytest.raises(TrainwrightError) as caught:
        tw.evaluate(run, strange)
    assert caught.value.code == "E219" and "weather" in caught.value.what


# ---- what is said of columns


def test_kinds_that_are_given(tmp_path: Path) -> None:
    columns = {"net.price": ["1,5", "2,5", "3,5"] * 12, "zip": [10001, 10002, 10003] * 12, "note": ["a", "b", "c"] * 12}
    path = source("table", tmp_path, **columns)
    features = {each.name: (each.kind, each.format) for each in load(path)[2].encoder.features}
    assert (
        features["net.price"] == ("number", "comma") and features["zip"][0] == "category" and features["note"][0] == "category"
    )
    given = {"net.price": "category", "zip": "number", "note": "ignore"}
    _, notes, found = load(path, columns=given)
    features = {each.name: each.kind for each in found.encoder.features}
    assert features == {"x": "number", "z": "number", "net.price": "category", "zip": "number"}
    assert "columns.note=ignore" in reasons(notes, "left out")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"columns": {"not": "number"}}, "E201", "Did you mean 'note'?"),
        ({"columns": {"note": "numbr"}}, "E302", "columns.note"),
        ({"columns": {"note": "number"}}, "E227", "36 of the 36"),
        ({"columns": {"x": "number"}, "label": "x", "target": "class"}, "E226", "target=class"),
        ({"columns": {"note": "ignore"}, "features": ["note"]}, "E226", "ignore"),
    ],
)
def test_kinds_that_cannot_be(options: dict[str, Any], code: str, says: str, tmp_path: Path) -> None:
    problem = refusal(source("table", tmp_path, note=["a", "b"] * 18), task="table", **options)
    assert problem.code == code and says in str(problem)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_the_label_agrees_with_the_target(kind: str, tmp_path: Path) -> None:
    path = source(kind, tmp_path, ["1", "2", "3"] * 12)
    assert load(path, task=kind, columns={"label": "category"})[2].labels == ("1", "2", "3")
    assert load(path, task=kind, columns={"label": "number"})[2].labels == ()
    assert refusal(path, task=kind, columns={"label": "category"}, target="labels").code == "E226"


def test_a_kind_decides_the_task(tmp_path: Path) -> None:
    path = source("table", tmp_path, word=["a", "b", "c"] * 12)
    assert load(path)[2].task == "table"
    assert load(path, columns={"word": "text"})[2].task == "table"  # of texts and numbers
    said = {"word": "text", "x": "ignore", "z": "ignore"}
    found = load(path, columns=said)[2]
    assert found.task == "text" and found.settings.columns == said
    named = [f"{number}.png" for number in range(36)]
    path = source("image", tmp_path, other=named)
    assert load(path, columns={"other": "image"}, task="auto")[2].task == "image"


def test_a_table_of_amounts_is_read_the_same_when_it_is_used(tmp_path: Path) -> None:
    count = 60
    path = source(
        "table",
        tmp_path,
        ["hi" if number % 10 > 4 else "lo" for number in range(count)],
        weight=[f"{number % 10 + 0.5} kg" for number in range(count)],
        off=[f"{number % 5}5 %" for number in range(count)],
        at=[f"{number % 24}:30" for number in range(count)],
    )
    run = tw.train(path, out=tmp_path / "run", epochs=2, speed="off", listen=lambda event: None)
    features = {each["name"]: (each["kind"], each["format"]) for each in run.predictor.columns["features"]}
    assert features == {
        "x": ("number", "point"), "z": ("number", "point"), "weight": ("number", "point kg"), "off": ("number", "point %"),
        "at": ("date", "clock"),
    }  # fmt: skip
    row = {"x": 1.5, "z": 0.25, "weight": "3.5 kg", "off": "15%", "at": "14:30"}
    bare = row | {"weight": 3.5, "off": 15, "at": dt.time(14, 30)}
    assert run.predict(row, top=2) == run.predict(bare, top=2)
    with pytest.raises(TrainwrightError) as caught:
        run.predict(row | {"weight": "3.5 lb"})
    assert caught.value.code == "E261" and "'3.5 lb' is not a number in kg" in str(caught.value)
    again = evaluate_all(run, path)
    assert again["n"] == count


def test_spans_of_time_are_seconds(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "took": [dt.timedelta(seconds=number) for number in range(40)],
            "label": ["a", "b"] * 20,
            "x": [0.5, 1.5, 2.5, 3.5] * 10,
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    _, notes, found = load(tmp_path / "a.parquet")
    assert {each.name for each in found.encoder.features} == {"took", "x"} and "seconds" in reasons(notes, "seconds")
    found = load(tmp_path / "a.parquet", label="took")[2]
    assert found.settings.target == "number" or found.labels == ()
