"""Workbooks, made here cell by cell: which sheet and which rows are the table, and what its cells mean."""

from __future__ import annotations

import builtins
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest
from samples import news_rows

import trainwright as tw
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW
from trainwright.errors import TrainwrightError

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
EPOCH = dt.datetime(1899, 12, 30)


def cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, dt.datetime):
        return f'<c r="{place}" s="1"><v>{(value - EPOCH) / dt.timedelta(1)}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    content = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships {RELS}><Relationship Id="r1" Type="{KIND}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/>'
        "</cellXfs></styleSheet>",
    }
    named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(sheets, 1))
    content["xl/workbook.xml"] = f'<workbook {MAIN} xmlns:r="{KIND}"><sheets>{named}</sheets></workbook>'
    links = "".join(
        f'<Relationship Id="s{n}" Type="{KIND}/worksheet" Target="worksheets/s{n}.xml"/>' for n in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="st" Type="{KIND}/styles" Target="styles.xml"/>'
    content["xl/_rels/workbook.xml.rels"] = f"<Relationships {RELS}>{links}</Relationships>"
    for number, rows in enumerate(sheets.values(), 1):
        lines = [
            f'<row r="{r}">{"".join(cell(f"{chr(64 + c)}{r}", value) for c, value in enumerate(row, 1))}</row>'
            for r, row in enumerate(rows, 1)
        ]
        content[f"xl/worksheets/s{number}.xml"] = f"<worksheet {MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    path.write_bytes(file.getvalue())
    return path


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
    assert run.predictor.task == "text" and tw.evaluate(run, path)["n"] == 120
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
