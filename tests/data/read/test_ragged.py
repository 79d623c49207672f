"""Rows with further labels behind their last column, and rows that are merely broken."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from samples import TOPICS, news_rows

import trainwright as tw
from trainwright.data.read.options import ReadOptions
from trainwright.data.read.tables import read_table

NAMES = sorted(TOPICS)
AUTO, SAID, OFF = (ReadOptions(ragged=how) for how in ("auto", "yes", "no"))
KEPT = ReadOptions(ragged="2", kept=("ragged",))
NUMBERED = list(enumerate(NAMES * 20))


def lines(count: int = 60) -> list[str]:
    draw = random.Random(0)
    texts = [text.replace(",", "") for _, text in news_rows(count)]
    return [",".join([text, *draw.sample(NAMES, 1 + (number % 3 == 0))]) for number, text in enumerate(texts)]


def cells(path: Path, rows: list[str], options: ReadOptions = AUTO) -> list[str] | None:
    """The last column as it is read; None where no row is taken to have further labels."""
    path.write_text("\n".join(rows) + "\n")
    table = read_table(path, options)
    return table.frame[table.columns[-1]].to_list() if table.ragged else None


@pytest.mark.parametrize("header", [[], ["text,label"]])
@pytest.mark.parametrize("options", [AUTO, SAID, KEPT])
def test_fields_behind_the_last_column_are_labels(header: list[str], options: ReadOptions, tmp_path: Path) -> None:
    rows = lines()
    for order in (rows, sorted(rows, key=lambda row: -row.count(","))):  # the first row may be a long one
        found = cells(tmp_path / "a.csv", header + order, options)
        assert found == ["|".join(row.split(",")[1:]) for row in order]
    assert cells(tmp_path / "a.csv", header + rows, OFF) is None


BROKEN = {
    "a comma in a text": [f"{name},some words{', and more' * (place % 4 == 1)} {place}" for place, name in NUMBERED],
    "a text before its label": [f"words{', more' * (place % 4 == 1)} {place},{name}" for place, name in NUMBERED],
    "numbers": [f"{place},{place % 2}{',1' * (place % 4 == 1)}" for place in range(60)],
    "a label twice": [f"words {place},{name}{f',{name}' * (place % 4 == 1)}" for place, name in NUMBERED],
    "two slips": [f"words {place},{name}{',sport' * (place in (3, 9))}" for place, name in NUMBERED],
}


@pytest.mark.parametrize("rows", BROKEN.values(), ids=BROKEN)
def test_broken_rows_are_left_out_and_named(rows: list[str], tmp_path: Path) -> None:
    assert cells(tmp_path / "a.csv", rows) is None
    wide = [place for place, row in enumerate(rows, start=1) if row.count(",") > 1]
    assert [each.row for each in read_table(tmp_path / "a.csv").rejected] == wide


def test_what_is_said_needs_less_proof_but_some(tmp_path: Path) -> None:
    numbers = [f"words {place},{place % 3}{',2' * (place % 3 == 0)}" for place in range(60)]
    assert cells(tmp_path / "a.csv", numbers) is None and cells(tmp_path / "a.csv", numbers, SAID)[:2] == ["0|2", "1"]
    assert cells(tmp_path / "a.csv", BROKEN["a comma in a text"], SAID) is None


def test_a_run_learns_all_labels_and_keeps_how_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("\n".join(lines(90)) + "\n")
    run = tw.train(tmp_path / "all.csv", out=tmp_path / "run", epochs=1, speed="off", listen=lambda event: None)
    counted = json.loads((run.path / "data.json").read_text())["classes"]
    meant = [label for line in lines(90) for label in line.split(",")[1:]]
    assert {label: sum(each.values()) for label, each in counted.items()} == {name: meant.count(name) for name in NAMES}
    (tmp_path / "one.csv").write_text(f"a planet,{NAMES[0]},{NAMES[1]}\n")  # which says nothing of how rows are written
    found = tw.evaluate(run, tmp_path / "one.csv")
    assert found["n"] == 1 and [each["n"] for each in found["per_class"]].count(1) == 2
    assert not tw.verify(run.path).wrong
