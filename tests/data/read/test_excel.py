"""Workbooks, made cell by cell: which sheet and which rows are the table, and what its cells mean."""

from __future__ import annotations

import builtins
import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from samples import news_rows, rows_measured
from workbook_samples import workbook

import trainwright as tw
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW
from trainwright.errors import TrainwrightError

HEAD = ["name", "price", "count", "day", "sold"]
ROWS = [
    ["pear", 1.5, 3, dt.datetime(2024, 1, 31), True],
    ["apple", 2.25, None, dt.datetime(2024, 2, 1, 12, 30), False],
    ["plum", "#DIV/0!", 5, None, True],
]


def test_cells_keep_their_kinds(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    sheets = {"about": [["Prices of fruit"]], "fruit": [["Prices, 2024"], [], HEAD, *ROWS], "more": [HEAD, *ROWS]}
    table = read_table(workbook(tmp_path / "fruit.xlsx", sheets))
    assert table.columns == HEAD and table.frame[ROW].to_list() == [4, 5, 6]
    assert table.frame["price"].to_list() == [1.5, 2.25, None] and table.frame["count"].to_list() == [3, None, 5]
    assert table.frame["count"].dtype == pl.Int64 and table.frame["sold"].to_list() == [True, False, True]
    assert table.frame["day"].dtype.is_temporal() and str(table.frame["day"][1]).startswith("2024-02-01 12:30")
    notes = {note.what: (note.value, note.why) for note in table.notes}
    assert notes["sheet"] == ("fruit", "the first with a table; passed over: about, more")
    assert notes["passed over"][0] == "rows 1"


def test_a_sheet_without_a_header(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    table = read_table(workbook(tmp_path / "fruit.xlsx", {"fruit": ROWS}))
    assert table.columns == [f"column_{place}" for place in range(1, 6)] and len(table.frame) == 3


def test_it_is_trained_on_like_any_table(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    rows = news_rows(120)
    path = workbook(tmp_path / "news.xlsx", {"news": [["label", "text"], *map(list, rows)]})
    run = tw.train(path, out=tmp_path / "run", epochs=1, speed="off", listen=lambda event: None)
    assert run.predictor.task == "text" and rows_measured(tw.evaluate(run, path)) == 120
    assert len(run.predictor.predict_file(path).answers) == 120


@pytest.mark.parametrize("sheets", [{"a": []}, {"a": [["only one row", "here"]]}])
def test_a_workbook_without_a_table_is_refused(tmp_path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    pytest.importorskip("python_calamine")
    with pytest.raises(TrainwrightError, match="E188"):
        read_table(workbook(tmp_path / "a.xlsx", sheets))


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no more", b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_a_damaged_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("python_calamine")
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(TrainwrightError, match="E188"):
        read_table(tmp_path / "a.xlsx")


def test_without_the_library_it_is_said_how_to_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *args: Any, **how: Any) -> Any:
        if name == "python_calamine":
            raise ImportError(name)
        return found(name, *args, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TrainwrightError, match="E187") as refused:
        read_table(workbook(tmp_path / "a.xlsx", {"a": [HEAD, *ROWS]}))
    assert "pip install 'trainwright[excel]'" in refused.value.mend
