"""Tables in several files: which are taken for which split, what is said, and that every row keeps its file and number."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from samples import news_rows, rows_measured, write_csv

import trainwright as tw
from trainwright.data.files.virtual import Glob, as_path
from trainwright.data.read import shards
from trainwright.data.read.source import find
from trainwright.data.read.table_files import find_tables
from trainwright.data.read.tables import open_table, read_table
from trainwright.data.tables.table import ROW, spot
from trainwright.errors import TrainwrightError

QUICK = {"epochs": 1, "speed": "off", "listen": lambda event: None}


def parted(folder: Path, names: list[str], count: int = 120, seed: int = 0) -> list[list[tuple[str, str]]]:
    """Write rows to files of these names, which take turns; return the rows of each."""
    rows = news_rows(count, seed)
    parts = [rows[place :: len(names)] for place in range(len(names))]
    for name, part in zip(names, parts, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame(part, schema=["label", "text"], orient="row")
        if name.endswith(".parquet"):
            frame.write_parquet(folder / name)
        elif name.endswith(".jsonl"):
            frame.write_ndjson(folder / name)
        else:
            write_csv(folder / name, part)
    return parts


def found(folder: Path) -> dict[str, list[str]]:
    tables = find_tables(folder)
    assert tables is not None
    return {part: [each.relative_to(folder).as_posix() for each in files] for part, files in tables.splits.items()}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train.csv", "test.csv"], {"train": ["train.csv"], "test": ["test.csv"]}),
        (
            ["train.csv", "validation.csv", "test.csv"],
            {"train": ["train.csv"], "valid": ["validation.csv"], "test": ["test.csv"]},
        ),
        (["news_train.jsonl", "news_dev.jsonl"], {"train": ["news_train.jsonl"], "valid": ["news_dev.jsonl"]}),
        (
            ["train-00001-of-00002.parquet", "train-00000-of-00002.parquet", "test-00000-of-00001-0aff12.parquet"],
            {
                "train": ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
                "test": ["test-00000-of-00001-0aff12.parquet"],
            },
        ),
        (["part-0002.csv", "part-0001.csv"], {"train": ["part-0001.csv", "part-0002.csv"]}),
        (
            ["train/b.parquet", "train/a.parquet", "test/a.parquet"],
            {"train": ["train/a.parquet", "train/b.parquet"], "test": ["test/a.parquet"]},
        ),
        (["data/train-0.csv", "data/test-0.csv"], {"train": ["data/train-0.csv"], "test": ["data/test-0.csv"]}),
        (["a/b/rows.csv"], {"train": ["a/b/rows.csv"]}),
        (["rows.csv", "test.csv"], {"train": ["rows.csv"], "test": ["test.csv"]}),
        (["train.csv", "test.csv", "sample_submission.csv"], {"train": ["train.csv"], "test": ["test.csv"]}),
    ],
)  # fmt: skip
def test_files_are_taken_by_their_names(tmp_path: Path, names: list[str], expected: dict[str, list[str]]) -> None:
    parted(tmp_path, names)
    (tmp_path / "README.md").write_text("About the data.\n")
    (tmp_path / ".hidden.csv").write_text("a,b\n")
    assert found(tmp_path) == expected


def test_every_row_keeps_its_file_and_number(tmp_path: Path) -> None:
    parts = parted(tmp_path, ["part-1.csv", "part-2.csv", "part-3.csv"])
    table = read_table(tmp_path)
    assert len(table.frame) == 120 and table.frame[ROW].n_unique() == 120
    for label, text, row in table.frame.select("label", "text", ROW).iter_rows():
        file, number = spot(table.file, row)
        assert parts[int(file[-5]) - 1][number - 2] == (label, text), "the header is record 1"


def test_large_shards_are_read_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parted(tmp_path, ["part-1.csv", "part-2.csv", "part-3.csv"])
    whole = read_table(tmp_path).frame
    monkeypatch.setattr(shards, "HEAD_BYTES", 0)
    stream = open_table(tmp_path)
    assert [len(table.frame) for table in stream.tables()] == [40, 40, 40]
    assert stream.whole().frame.equals(whole)


def test_rejected_rows_and_predictions_name_the_shard(tmp_path: Path) -> None:
    parted(tmp_path, ["part-1.csv", "part-2.csv"])
    with (tmp_path / "part-2.csv").open("a") as file:
        file.write("sport,a text,too much\n,no label here\n")
    run = tw.train(tmp_path, out=tmp_path / "run", **QUICK)
    data = json.loads((run.path / "data.json").read_text())
    shard = str(tmp_path / "part-2.csv")
    assert [(each["file"], each["row"]) for each in data["rejected_rows"]] == [(shard, 62), (shard, 63)]
    rows = pl.read_parquet(run.path / "predictions.parquet")
    tables = {str(tmp_path / name): read_table(tmp_path / name).frame for name in ("part-1.csv", "part-2.csv")}
    assert set(rows["file"]) == set(tables)
    for file, row, truth in rows.select("file", "row", "truth").iter_rows():
        assert tables[file].filter(pl.col(ROW) == row)["label"][0] == truth
    for each in tw.mistakes(run):
        assert tables[each["file"]].filter(pl.col(ROW) == each["row"])["text"][0] == each["input"]
    assert not tw.verify(run).wrong


def test_a_second_training_from_the_cache_knows_the_shards(tmp_path: Path) -> None:
    parted(tmp_path / "data", ["part-1.csv", "part-2.csv"])
    frames = [
        pl.read_parquet(tw.train(tmp_path / "data", out=tmp_path / name, **QUICK).path / "predictions.parquet") for name in "ab"
    ]
    assert frames[0].equals(frames[1])


def test_a_folder_with_train_and_test_is_both_files(tmp_path: Path) -> None:
    parted(tmp_path / "tt", ["train.csv", "test.csv"])
    notes = []
    one = tw.train(tmp_path / "tt", out=tmp_path / "one", **QUICK | {"listen": notes.append})
    two = tw.train(tmp_path / "tt" / "train.csv", test=tmp_path / "tt" / "test.csv", out=tmp_path / "two", **QUICK)
    assert one.report["test"] == two.report["test"] and one.report["test"]["n"] == 60
    assert (
        next(each.value for each in notes if each.kind == "note" and each.what == "files") == "train: train.csv; test: test.csv"
    )
    assert tw.evaluate(one, tmp_path / "tt")["loss"] == pytest.approx(one.report["test"]["loss"])


def test_a_given_split_comes_before_one_that_is_found(tmp_path: Path) -> None:
    parted(tmp_path / "tt", ["train.csv", "test.csv", "valid.csv"])
    write_csv(tmp_path / "other.csv", news_rows(10, seed=5))
    source = find(str(tmp_path / "tt"), None, tmp_path / "other.csv", offline=True)
    assert {name: path.name for name, path in source.files.items()} == {
        "train": "train.csv", "valid": "valid.csv", "test": "other.csv",
    }  # fmt: skip


def test_rows_whose_label_is_to_be_found_are_passed_over(tmp_path: Path) -> None:
    parted(tmp_path, ["train.csv"])
    (tmp_path / "test.csv").write_text("text\n" + "\n".join(text for _, text in news_rows(9)) + "\n")
    source = find(str(tmp_path), None, None, offline=True)
    assert list(source.streams) == list(source.files) == ["train"]
    assert [each.value for each in source.notes if each.what == "passed over"] == ["test: test.csv"]
    assert tw.train(tmp_path, out=tmp_path / "run", **QUICK).report["test"]["n"] > 0


def test_a_pattern_is_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parted(tmp_path / "data", ["a-1.csv", "a-2.csv", "b-1.csv"])
    monkeypatch.chdir(tmp_path)
    assert isinstance(as_path("data/a-*.csv"), Glob) and not isinstance(as_path("data/z-*.csv"), Glob)
    run = tw.train("data/a-*.csv", out="run", **QUICK)
    assert sum(json.loads((run.path / "data.json").read_text())["rows"].values()) == 80
    assert run.path.name == "run" and rows_measured(tw.evaluate(run, "data/*.csv")) == 120
    assert not tw.verify(run).wrong and not tw.replay(run).wrong
    (tmp_path / "what is [this]?.csv").write_text((tmp_path / "data" / "a-1.csv").read_text())
    assert len(read_table(Path("what is [this]?.csv")).frame) == 40, "a file of that very name comes first"


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (["train.csv", "train.parquet"], "E183", "train.csv is csv, and train.parquet parquet"),
        (["rows.csv", "rows.jsonl"], "E183", "csv"),
    ],
)
def test_files_that_are_no_parts_of_one_table_are_refused(tmp_path: Path, names: list[str], code: str, said: str) -> None:
    parted(tmp_path, names)
    with pytest.raises(TrainwrightError, match=code) as refused:
        find(str(tmp_path), None, None, offline=True)
    assert said in str(refused.value)


def test_shards_with_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    parted(tmp_path, ["a.csv", "b.csv"])
    (tmp_path / "b.csv").write_text("label,text,when\nsport,a text,1\nspace,a moon,2\n")
    with pytest.raises(TrainwrightError, match="E184") as refused:
        read_table(tmp_path)
    assert "b.csv" in str(refused.value) and "also 'when'" in str(refused.value)


def test_an_empty_shard_is_none(tmp_path: Path) -> None:
    parted(tmp_path, ["b.csv", "d.csv"])
    (tmp_path / "a.csv").write_text("label,text\n")
    (tmp_path / "c.csv").write_text("")
    table = read_table(tmp_path)
    assert Counter(Path(spot(table.file, row)[0]).name for row in table.frame[ROW]) == {"b.csv": 60, "d.csv": 60}
    for name in "bcd":
        (tmp_path / f"{name}.csv").write_text("label,text\n")
    with pytest.raises(TrainwrightError, match="E109"):
        read_table(tmp_path)


def test_several_sources_are_told_how_to_be_one() -> None:
    done = subprocess.run([sys.executable, "-m", "trainwright", "train", "a.csv", "b.csv"], capture_output=True, text=True)
    assert done.returncode == 2 and "E317" in done.stderr and "'FOLDER/*.csv'" in done.stderr


def test_predictions_of_shards_name_file_and_row(tmp_path: Path, trained: tw.Run) -> None:
    parts = parted(tmp_path, ["part-1.csv", "part-2.csv"])
    words = [sys.executable, "-m", "trainwright", "predict", str(trained.path), str(tmp_path)]
    lines = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True).stdout.splitlines()
    places = [(each["file"], each["row"]) for each in map(json.loads, lines)]
    assert places == [(str(tmp_path / f"part-{part + 1}.csv"), row + 2) for part in (0, 1) for row in range(60)]
    table = pl.read_csv(subprocess.run(words, capture_output=True, check=True).stdout)
    assert list(zip(table["file"], table["row"], strict=True)) == places
    assert table["text"].to_list() == [text for part in parts for _, text in part]
