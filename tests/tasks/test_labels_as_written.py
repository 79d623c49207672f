"""Labels, sets of labels and numbers as people write them: what is read in training is read the same way ever after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from samples import evaluate_all

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

ROWS = 90
KINDS = ("text", "table")


def source(path: Path, kind: str, **columns: list[Any]) -> Path:
    """A table of texts or of numbers, with these columns behind."""
    first = {"text": [f"some words {number % 3} n{number}" for number in range(ROWS)]}
    if kind == "table":
        first = {"x": [number + 0.5 for number in range(ROWS)], "z": [number % 7 + 0.25 for number in range(ROWS)]}  # type: ignore[dict-item]
    pl.DataFrame({**first, **columns}).write_csv(path)
    return path


def train(path: Path, **options: Any) -> tuple[Any, list[Note]]:
    said: list[Any] = []
    out = path.parent / f"run-{len(list(path.parent.glob('run-*')))}"
    run = tw.train(path, out=out, epochs=1, speed="off", listen=said.append, **options)
    return run, [note for note in said if isinstance(note, Note)]


def repeated(values: list[str]) -> list[str]:
    return [values[number % len(values)] for number in range(ROWS)]


SETS = repeated(["Sport|space", "sport", "SPACE | sport", "money", "space|money ", "Money"])


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_a_set_that_differ_as_people_type(tmp_path: Path, kind: str) -> None:
    path = source(tmp_path / "a.csv", kind, labels=SETS)
    run, said = train(path)
    assert run.report["labels"] == ["Money", "SPACE", "Sport", "money", "space", "sport"]
    assert any(note.what == "labels" and note.why.endswith("labels=merge") for note in said)
    merged, said = train(path, labels="merge")
    assert merged.report["labels"] == ["money", "space", "sport"]
    counts = json.loads(merged.folder.data.read_text())["classes"]
    assert {name: sum(each.values()) for name, each in counts.items()} == {"money": 45, "space": 45, "sport": 45}
    other = source(tmp_path / "b.csv", kind, labels=repeated(["SPORT|  Space", "mOney"]))
    found = {one["label"]: one["n"] for one in evaluate_all(merged, other)["per_class"]}
    assert found == {"money": 45, "space": 45, "sport": 45} and tw.verify(merged).wrong == []


def test_a_cache_keeps_what_is_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    path = source(tmp_path / "a.csv", "text", labels=SETS)
    for _ in range(2):  # the second time from the cache
        run, _ = train(path, labels="merge")
        assert run.predictor.target.to_json()["merged"] and run.report["labels"] == ["money", "space", "sport"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_is_said_to_be_words_is_no_set(tmp_path: Path, kind: str) -> None:
    path = source(tmp_path / "a.csv", kind, labels=SETS)
    run, _ = train(path, columns={"labels": "category"})
    assert "Sport|space" in run.report["labels"] and run.predictor.target.kind == "class"
    with pytest.raises(TrainwrightError) as caught:
        train(path, columns={"labels": "category"}, target="labels")
    assert caught.value.code == "E226"


PRICES = [f"{number % 17},{number % 10}5" for number in range(ROWS)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("values", "said", "written", "first"),
    [
        ([f"{each} kg" for each in PRICES], {}, "comma kg", 0.05),
        ([f"${each.replace(',', '.')}" for each in PRICES], {}, "point $", 0.05),
        ([f"{number},{number:03}" for number in range(1, ROWS + 1)], {"decimal": "comma"}, "comma", 1.001),
        ([f"{number},{number:03}" for number in range(1, ROWS + 1)], {"target": "number"}, "point", 1001.0),
        ([f"0:{number % 60:02}:30" for number in range(ROWS)], {"columns": {"amount": "number"}}, "duration", 30.0),
    ],
)
def test_numbers_as_they_are_written(
    tmp_path: Path, kind: str, values: list[str], said: Any, written: str, first: float
) -> None:
    path = source(tmp_path / "a.csv", kind, amount=values)
    run, notes = train(path, label="amount", **said)
    columns = run.predictor.columns
    assert run.report["task"] == f"{kind} regression"
    assert (columns["written"] if kind == "text" else columns["written"]["format"]) == written
    labels = run.predictor.read(path, need_label=True).labels
    assert labels[0] == pytest.approx(first) and labels.null_count() == 0
    assert evaluate_all(run, path)["n"] == ROWS and tw.verify(run).wrong == []
    doubtful = kind == "text" and written == "point"  # beside numbers with a decimal point it is clear
    assert any(note.what == "thousands" for note in notes) == doubtful


def test_columns_beside_decide_what_a_comma_is(tmp_path: Path) -> None:
    values = [f"{number},{number:03}" for number in range(1, ROWS + 1)]
    path = source(tmp_path / "a.csv", "text", beside=PRICES, amount=values)
    run, notes = train(path, label="amount", task="text")
    assert run.predictor.columns["written"] == "comma" and not any(note.what == "thousands" for note in notes)


def test_weights_are_read_as_numbers_are_meant(tmp_path: Path) -> None:
    weights = repeated(["1,500", "0,500"])
    path = source(tmp_path / "a.csv", "text", label=repeated(["a", "b", "c"]), weight=weights)
    _, notes = train(path, sample_weight="weight", decimal="comma")
    assert [note.why.partition(" in ")[0] for note in notes if note.what == "weights"] == ["from 0.5 to 1.5"]
    assert not any(note.what == "left out" and "weight" in note.value for note in notes)
