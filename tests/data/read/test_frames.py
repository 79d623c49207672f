"""Data in memory: frames of several libraries, dictionaries and rows are the table that their file would be."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from frame_samples import PandasColumn, PandasFrame
from hypothesis import given
from hypothesis import strategies as st
from samples import news_rows, rows_measured, write_csv

import trainwright as tw
from trainwright.data.files.virtual import has_columns, is_records
from trainwright.data.read.frames import by_split, digest, table_of
from trainwright.data.tables.table import ROW
from trainwright.errors import TrainwrightError

QUICK: dict[str, Any] = {"epochs": 1, "speed": "off", "listen": lambda event: None}


class ArrowTable:
    """A table of Arrow, which is told by its stream."""

    def __init__(self, frame: pl.DataFrame, description: str = "") -> None:
        self._frame = frame
        self.schema = type("Schema", (), {"metadata": {b"huggingface": description.encode()} if description else None})()

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested)


class ClassLabel:
    """The feature of a column of class numbers."""

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Dataset:
    """As much of a data set of the datasets library as is asked for."""

    def __init__(self, frame: pl.DataFrame, features: dict[str, Any]) -> None:
        self._frame, self.features, self.column_names = frame, features, frame.columns

    def with_format(self, name: str) -> Dataset:
        assert name == "arrow"
        return self

    def __getitem__(self, which: slice) -> ArrowTable:
        return ArrowTable(self._frame)

    def __len__(self) -> int:
        return len(self._frame)


NEWS = news_rows(80)
FRAME = pl.DataFrame(NEWS, schema=["label", "text"], orient="row")
CODES = ["money", "space", "sport"]
NUMBERED = FRAME.with_columns(pl.col("label").replace_strict({name: place for place, name in enumerate(CODES)}))
COLUMNS = {"label": [label for label, _ in NEWS], "text": [text for _, text in NEWS]}
OBJECT = np.dtype(object)


@pytest.mark.parametrize(
    "given",
    [
        FRAME,
        FRAME.lazy(),
        COLUMNS,
        {name: np.array(values) for name, values in COLUMNS.items()},
        [{"label": label, "text": text} for label, text in NEWS],
        ArrowTable(FRAME),
        PandasFrame({name: PandasColumn(values, OBJECT) for name, values in COLUMNS.items()}),
        Dataset(FRAME, {}),
        Dataset(NUMBERED, {"label": ClassLabel(CODES), "text": object()}),
        FRAME.with_columns(pl.col("label").cast(pl.Categorical)),
        FRAME.with_columns(pl.col("label").cast(pl.Enum(CODES))),
    ],
    ids=["polars", "lazy", "columns", "arrays", "rows", "arrow", "pandas", "dataset", "class names", "categorical", "enum"],
)  # fmt: skip
def test_every_form_is_the_same_table(given: Any) -> None:
    assert has_columns(given) or is_records(given)
    table = table_of(given)
    assert table.frame.select("label", "text").rows() == NEWS and table.frame[ROW].to_list() == list(range(1, 81))
    assert digest(table_of(given)) == digest(table) != digest(table_of(FRAME[1:]))


def test_what_has_no_named_columns() -> None:
    texts = ["a", "b"]
    for data in (
        texts,
        pl.Series(texts),
        np.array(texts),
        PandasColumn(texts, OBJECT),
        {"age": 3, "name": "x"},
        "text",
        iter(texts),
    ):
        assert not has_columns(data) and not is_records(data)


def test_lists_of_class_numbers_are_named() -> None:
    frame = pl.DataFrame({"label": [[0, 2], [1], [], None], "text": ["a", "b", "c", "d"]})
    features = {"label": type("Sequence", (), {"feature": ClassLabel(CODES)})(), "text": object()}
    assert table_of(Dataset(frame, features)).frame["label"].to_list() == [["money", "sport"], ["space"], [], None]


def test_a_training_on_a_frame_equals_that_on_its_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "news.csv", news_rows(200))
    frame = pl.DataFrame(news_rows(200), schema=["label", "text"], orient="row")
    of_file = tw.train(tmp_path / "news.csv", out=tmp_path / "file", **QUICK)
    of_frame = tw.train(frame, out=tmp_path / "frame", **QUICK)
    assert of_frame.report["test"] == of_file.report["test"]
    texts = ["the moon", "the bank"]
    assert of_frame.predict(texts) == of_file.predict(texts)
    assert tw.evaluate(of_frame, frame)["loss"] == pytest.approx(tw.evaluate(of_file, tmp_path / "news.csv")["loss"])
    assert of_frame.predict(frame) == of_frame.predict(frame["text"].to_list())
    assert all(isinstance(each["input"], str) for each in json.loads((of_frame.path / "examples.json").read_text()))


def test_splits_in_memory(tmp_path: Path) -> None:
    rows = news_rows(200)
    frames = {
        name: pl.DataFrame(part, schema=["label", "text"], orient="row")
        for name, part in {"train": rows[:140], "validation": rows[140:160], "test": rows[160:], "unsupervised": rows}.items()
    }
    assert list(by_split(frames)) == ["train", "valid", "test"] and list(by_split(COLUMNS)) == ["train"]
    one = tw.train(frames, out=tmp_path / "one", **QUICK)
    two = tw.train(frames["train"], valid=frames["validation"], test=frames["test"], out=tmp_path / "two", **QUICK)
    assert one.report["test"]["n"] == 40 and one.report["test"] == two.report["test"]
    write_csv(tmp_path / "train.csv", rows[:140])
    three = tw.train(tmp_path / "train.csv", valid=frames["validation"], test=frames["test"], out=tmp_path / "three", **QUICK)
    assert three.report["test"] == one.report["test"]
    assert tw.evaluate(one, frames)["n"] == 40


def test_data_in_memory_have_to_be_given_again(tmp_path: Path) -> None:
    frame = pl.DataFrame(news_rows(200), schema=["label", "text"], orient="row")
    run = tw.train(frame, out=tmp_path / "run", **QUICK)
    before = run.report["test"]
    for verb in (lambda: tw.resume(run, epochs=2), lambda: tw.replay(run), lambda: tw.mistakes(run)):
        with pytest.raises(TrainwrightError, match="E277"):
            verb()
    assert "E277" in str(tw.verify(run).wrong) or "source=" in str(tw.verify(run).wrong)
    assert not tw.verify(run, source=frame).wrong and not tw.replay(run, source=frame).wrong
    assert len(tw.verify(run, source=frame[:150]).wrong) == 1
    assert all(each["input"] for each in tw.mistakes(run, source=frame))
    longer = tw.resume(run, source=frame, epochs=2, listen=lambda event: None)
    assert len(pl.read_csv(longer.path / "history.csv")) == 2 and longer.report["test"] != before


def test_a_table_of_numbers_in_a_frame_of_pandas(tmp_path: Path) -> None:
    draw = random.Random(0)
    size = [draw.gauss(0, 1) for _ in range(200)]
    color = [draw.choice(["red", "blue", None]) for _ in size]
    columns = {
        "size": PandasColumn([math.nan if place % 50 == 0 else value for place, value in enumerate(size)], np.dtype(float)),
        "color": PandasColumn(color, OBJECT),
        "day": PandasColumn([f"2024-01-{place % 28 + 1:02}" for place in range(200)], np.dtype("datetime64[ns]")),
        "big": PandasColumn(["yes" if value > 0 else "no" for value in size], OBJECT),
    }
    frame = PandasFrame(columns)
    table = table_of(frame).frame
    assert table["size"].null_count() == 4 and table["color"].to_list() == color
    assert table["day"].dtype == pl.Datetime("ns") and table["day"][1] == dt.datetime(2024, 1, 2)
    run = tw.train(frame, label="big", out=tmp_path / "run", **QUICK)
    assert run.predictor.task == "table"
    assert rows_measured(tw.evaluate(run, frame)) == 200


@pytest.mark.parametrize(
    ("values", "expected", "dtype"),
    [
        ([1, None, 3], [1, None, 3], pl.Int64),
        ([1, 2.5], [1.0, 2.5], pl.Float64),
        ([1, "a", None], ["1", "a", None], pl.String),
        ([1.0, math.nan], [1.0, None], pl.Float64),
        ([True, False], [True, False], pl.Boolean),
        ([2**70, 1], [str(2**70), "1"], pl.String),
        ([np.int64(3), np.int64(4)], [3, 4], pl.Int64),
    ],
)
def test_values_of_a_list(values: list[Any], expected: list[Any], dtype: Any) -> None:
    for data in ({"a": values}, [{"a": value} for value in values]):
        column = table_of(data).frame["a"]
        assert column.dtype == dtype and column.to_list() == expected


@given(
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False), st.booleans()), min_size=1)
)
def test_no_value_is_lost(values: list[Any]) -> None:
    column = (
        pl.Series("a", table_of({"a": values, "b": list(range(len(values)))}).frame["a"]).to_list()
        if any(value is not None for value in values)
        else values
    )
    for before, after in zip(values, column, strict=True):
        assert (before is None) == (after is None)
        assert before is None or after == before or str(after) == str(before)


@pytest.mark.parametrize(
    "given", [3, b"bytes", {"a": [1, 2], "b": [1]}, {"a": "text"}, {"a": 3}, {"test": FRAME}, [1, 2], {"a": np.zeros((2, 2))}]
)
def test_what_is_no_data_is_refused(given: Any) -> None:
    with pytest.raises(TrainwrightError, match="E276"):
        tw.train(given, **QUICK)


def test_no_rows_are_refused() -> None:
    with pytest.raises(TrainwrightError, match="E109"):
        tw.train(FRAME.clear(), **QUICK)


def test_images_in_the_cells_of_a_data_set(tmp_path: Path) -> None:
    from PIL import Image

    draw = np.random.default_rng(0)
    cells, labels = [], []
    for place in range(60):
        label = place % 2
        pixels = draw.integers(0, 90, (8, 8)).astype(np.uint8) + 160 * label
        content = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(content, "PNG")
        cells.append({"bytes": content.getvalue(), "path": None})
        labels.append(label)
    kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    frame = pl.DataFrame({"image": pl.Series(cells, dtype=kind), "label": labels})
    data = Dataset(frame, {"label": ClassLabel(["black", "white"])})
    run = tw.train(data, out=tmp_path / "run", **QUICK | {"epochs": 3})
    assert run.report["labels"] == ["black", "white"] and run.predictor.task == "image"
    assert rows_measured(tw.evaluate(run, data)) == 60
    frame.write_parquet(tmp_path / "images.parquet")
    of_file = tw.train(tmp_path / "images.parquet", out=tmp_path / "file", **QUICK | {"epochs": 3})
    assert of_file.report["test"]["loss"] == pytest.approx(run.report["test"]["loss"])
    assert [label for label, _ in run.predict([cell["bytes"] for cell in cells[:2]])] == [
        {"0": "black", "1": "white"}[label] for label, _ in of_file.predict([cell["bytes"] for cell in cells[:2]])
    ]
    found = of_file.predictor.predict_file(tmp_path / "images.parquet")
    assert len(found.answers) == 60 and found.frame.columns == ["label"]
    assert rows_measured(tw.evaluate(of_file, tmp_path / "images.parquet")) == 60
    assert all(
        each["input"].startswith("data:image/png") for each in json.loads((of_file.path / "watched.json").read_text())["rows"]
    )
