"""What is said of rows: texts that are the same but for marks, or nearly so; classes that cannot be measured."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.watch.events import Note

FIRST = 2  # the number of the first row below a header
HOW: dict[str, Any] = {"epochs": 1, "speed": "off"}


def trained(source: Any, out: Path, **settings: Any) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """What the run says of its data, and its notes."""
    events: list[object] = []
    run = tw.train(source, out=out, listen=events.append, **(HOW | settings))
    notes = [tuple(each) for each in events if isinstance(each, Note)]
    return json.loads((run.path / "data.json").read_text()), notes


def changed(text: str, draw: random.Random) -> str:
    """The same words to a model that knows words."""
    return f" {draw.choice([text.upper(), text.title(), text.replace(' ', '  ')])}{draw.choice('.!?')}"


def test_texts_that_differ_in_case_and_marks_leak(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = news_rows(300)
    write_csv(tmp_path / "train.csv", rows)
    test = [(label, changed(text, draw)) for label, text in rows[:12]] + rows[12:17] + news_rows(40, seed=9)[17:]
    write_csv(tmp_path / "test.csv", test)
    data, notes = trained(tmp_path / "train.csv", tmp_path / "run", test=tmp_path / "test.csv")
    found = data["audit"]
    pairs = ("train-test", "valid-test")  # of valid they are copies where the rows of the file went there
    assert sum(found["across"][each] for each in pairs) == 5
    assert sum(found["alike"]["across"][each] for each in pairs) == 12 and found["alike"]["rows"] == 12
    said = [value for what, value, why in notes if what == "leak" and "but for letter case, marks or blanks" in why]
    assert sum(map(int, said)) == 12


def test_texts_with_the_same_words_stay_in_one_split_and_all_others_where_they_were(tmp_path: Path) -> None:
    draw = random.Random(2)
    rows = news_rows(400)
    twins = [(label, changed(text, draw)) for label, text in rows[:60]]
    split: list[dict[str, str]] = []
    for name, part in (("alone", rows), ("both", [*twins, *rows])):
        write_csv(tmp_path / f"{name}.csv", part)
        events: list[object] = []
        run = tw.train(tmp_path / f"{name}.csv", out=tmp_path / name, listen=events.append, **HOW)
        found = dict.fromkeys((text for _, text in part), "train")
        for row, where in pl.read_parquet(run.path / "predictions.parquet").select("row", "split").iter_rows():
            found[part[row - FIRST][1]] = where
        split.append(found)
        assert not any(isinstance(event, Note) and event.what == "leak" for event in events)
    alone, both = split
    assert [both[twin] for _, twin in twins] == [both[text] for _, text in rows[:60]]
    assert [both[text] for _, text in rows[60:]] == [alone[text] for _, text in rows[60:]]
    assert len({both[twin] for _, twin in twins}) > 1


def test_texts_that_are_nearly_the_same_are_counted_and_named(tmp_path: Path) -> None:
    draw = random.Random(3)
    words = [f"w{each}" for each in range(300)]
    rows = [(draw.choice(["a", "b"]), " ".join(draw.choices(words, k=50))) for _ in range(200)]
    write_csv(tmp_path / "train.csv", rows)
    near = [(label, text + " indeed") for label, text in rows[:10]]
    fresh = [(draw.choice(["a", "b"]), " ".join(draw.choices(words, k=50))) for _ in range(30)]
    write_csv(tmp_path / "test.csv", [*near, *fresh])
    data, notes = trained(tmp_path / "train.csv", tmp_path / "run", test=tmp_path / "test.csv", valid_fraction=0)
    found = data["audit"]["near"]
    assert found["rows"] == found["across"]["train-test"] == 10
    one, other = found["examples"][0]
    assert (one["file"], other["file"]) == (str(tmp_path / "train.csv"), str(tmp_path / "test.csv"))
    assert one["row"] == other["row"] and 2 <= one["row"] <= 11
    leaks = [(value, why) for what, value, why in notes if what == "leak"]
    assert len(leaks) == 1 and leaks[0][0] == "10" and "80% of their runs of three tokens, are the same" in leaks[0][1]
    said = [why for what, value, why in notes if (what, value) == ("nearly the same", "10")]
    assert len(said) == 1 and f"{one['file']}, row {one['row']}, and {other['file']}, row {other['row']}" in said[0]


def many(kind: str, folder: Path) -> Any:
    """Files of two classes and a third, of many rows, that the test file does not have."""
    draw = random.Random(4)
    rows: dict[str, list[tuple[Any, ...]]] = {"train": [], "test": []}
    for number in range(150):
        label = ("pos", "neg", "unsup")[number % 3]
        for part in rows if label != "unsup" else ("train",):
            if kind == "image":
                name = f"{part}_{number}.png"
                Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)).save(folder / name)
                rows[part].append((label, name))
            else:
                rows[part].append(
                    (label, " ".join(draw.choices("abcdefgh", k=12))) if kind == "text" else (label, draw.random())
                )
    for part, each in rows.items():
        header = {"text": ["label", "text"], "image": ["label", "image"], "table": ["label", "x"]}[kind]
        pl.DataFrame(each, schema=header, orient="row").write_csv(folder / f"{part}.csv")
    return folder / "train.csv"


@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_a_class_without_test_rows_is_said(kind: str, tmp_path: Path) -> None:
    _, notes = trained(many(kind, tmp_path), tmp_path / "run", task=kind, test=tmp_path / "test.csv")
    said = {what: (value, why) for what, value, why in notes}
    assert said["not measured"] == ("1 classes", "'unsup': no rows in test")
    assert said["a label?"][0] == "'unsup'" and "none in test" in said["a label?"][1]


@pytest.mark.parametrize("kind", ["text", "table", "image"])
@pytest.mark.parametrize("how", ["time", "group"])
def test_rows_without_a_time_or_a_group_are_named(kind: str, how: str, tmp_path: Path) -> None:
    frame = pl.read_csv(many(kind, tmp_path)).with_columns(when=pl.int_range(pl.len()))
    frame = frame.with_columns(when=pl.when(pl.col("when") == 6).then(None).otherwise(pl.col("when") // 3 + 2000))
    frame.write_csv(tmp_path / "timed.csv")
    _, notes = trained(tmp_path / "timed.csv", tmp_path / "run", task=kind, split=f"{how}:when", label="label")
    said = {what: (value, why) for what, value, why in notes}
    assert said[f"no {how}"][0] == "1 rows"
    assert "'when' says none in rows 8:" in said[f"no {how}"][1]
