"""Corrected labels: a source with them is read as one that was edited, and a table of them that does not fit is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from image_samples import bars, write_folder
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

Line = tuple[Any, ...]


def fix(path: Path, lines: list[Line], head: str = "file,row,given,label") -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, line)) for line in lines)]) + "\n")
    return path


def same(one: Any, other: Any) -> None:
    """Every split has the same rows, inputs and targets."""
    assert one.labels == other.labels
    for split in ("train", "valid", "test"):
        assert np.array_equal(one.rows(split), other.rows(split))
        for a, b in zip(getattr(one, split), getattr(other, split), strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def refused(code: str, act: Callable[[], object]) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        act()
    assert caught.value.code == code
    return caught.value


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Texts with a label each; every path is as seen from their folder."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "news.csv", news_rows(200))
    return Path("news.csv")


def test_labels_are_corrected_and_rows_left_out_as_in_an_edited_file(source: Path) -> None:
    rows, notes = news_rows(200), list[Note]()
    lines = [(source, 2 + place, rows[place][0], "space") for place in range(40)]
    lines += [(source.absolute(), 62, rows[60][0], ""), (source, 102, rows[100][0], rows[100][0])]
    fixed = tw.load_data(source, fix=fix(Path("labels.csv"), lines), listen=lambda e: notes.append(e))  # type: ignore[arg-type]
    edited = [("space", text) if place < 40 else (label, text) for place, (label, text) in enumerate(rows)]
    edited[60] = ("", edited[60][1])  # a row without a label is left out too
    same(fixed, tw.load_data(write_csv(Path("edited.csv"), edited)))
    told = next(each for each in notes if isinstance(each, Note) and each.what == "corrected")
    changed = sum(label != "space" for label, _ in rows[:40])
    assert told.value == f"{changed + 0:,} labels" and told.why.endswith("; 1 row left out")
    again = tw.load_data(source, fix="labels.csv")  # from the cache
    same(fixed, again)
    assert len(tw.load_data(source).train) + 1 >= len(again.train)  # and not for a source without corrections


@pytest.mark.parametrize(
    ("rows", "value", "why"),
    [
        ([("sport", "space")], "1 label", "by labels.csv: 1 of "),
        ([("sport", "space")] * 2, "2 labels", "by labels.csv: "),
        ([("sport", "sport")], "0 labels", "by labels.csv"),
        ([("sport", "")], "0 labels", "by labels.csv; 1 row left out"),
    ],
)
def test_what_was_corrected_is_told_in_plain_words(source: Path, rows: list[Line], value: str, why: str) -> None:
    sport = [place + 2 for place, (label, _) in enumerate(news_rows(200)) if label == "sport"]
    lines = [(source, row, *labels) for row, labels in zip(sport, rows, strict=False)]
    notes: list[Any] = []
    tw.load_data(source, fix=fix(Path("labels.csv"), lines), listen=notes.append)
    told = next(each for each in notes if isinstance(each, Note) and each.what == "corrected")
    assert told.value == value and told.why.startswith(why) and "no label" not in told.why and " 0 rows" not in told.why


def test_numbers_and_sets_are_corrected(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"a": draw.normal(size=80), "b": draw.normal(size=80), "y": draw.normal(50, 9.0, 80).round(2)})
    frame.write_csv(tmp_path / "numbers.csv")
    lines = [(tmp_path / "numbers.csv", 12, frame["y"][10], -7.5), (tmp_path / "numbers.csv", 3, "", "1e2")]
    other = frame.with_columns(y=pl.Series([*frame["y"]]).scatter([10, 1], [-7.5, 100.0]))
    other.write_csv(tmp_path / "edited.csv")
    asked: dict[str, Any] = {"label": "y", "target": "number"}
    same(
        tw.load_data(tmp_path / "numbers.csv", fix=fix(tmp_path / "fix.csv", lines), **asked),
        tw.load_data(tmp_path / "edited.csv", **asked),
    )
    refused(
        "E497", lambda: tw.load_data(tmp_path / "numbers.csv", fix=fix(tmp_path / "fix.csv", [(*lines[0][:3], "x")]), **asked)
    )
    sets = [("|".join({label, "money"}), text) for label, text in news_rows(80)]
    write_csv(tmp_path / "sets.csv", sets, ("labels", "text"))
    lines = [
        (tmp_path / "sets.csv", 2, sets[0][0], '"[""sport"", ""space""]"'),
        (tmp_path / "sets.csv", 3, sets[1][0], "sport"),
    ]
    write_csv(tmp_path / "edited.csv", [("space|sport", sets[0][1]), ("sport", sets[1][1]), *sets[2:]], ("labels", "text"))
    same(
        tw.load_data(tmp_path / "sets.csv", target="labels", fix=fix(tmp_path / "fix.csv", lines)),
        tw.load_data(tmp_path / "edited.csv", target="labels"),
    )


def test_pictures_are_files_of_their_own(tmp_path: Path) -> None:
    write_folder(tmp_path / "bars", *bars(40))
    shutil.copytree(tmp_path / "bars", tmp_path / "edited" / "bars")
    kinds = sorted(path for path in (tmp_path / "bars").iterdir())
    first, second = sorted(kinds[0].iterdir())[:2]
    lines = [(first, "", kinds[0].name, kinds[1].name), (second, "", kinds[0].name, "")]
    moved = tmp_path / "edited" / "bars"
    (moved / kinds[0].name / second.name).unlink()
    fixed = tw.load_data(tmp_path / "bars", fix=fix(tmp_path / "fix.csv", lines))
    edited = tw.load_data(moved)
    before = {split: len(getattr(edited, split)) for split in ("train", "valid", "test")}
    assert {split: len(getattr(fixed, split)) for split in before} == before
    one, other = (
        np.concatenate([[int(row[-1]) for row in getattr(each, split)] for split in before]) for each in (fixed, edited)
    )
    assert (one != other).sum() == 1


def test_what_does_not_fit_is_refused(source: Path) -> None:
    rows, path = news_rows(200), Path("labels.csv")
    was = rows[0][0]
    other = "money" if was != "money" else "space"

    def load(lines: list[Line], **head: str) -> Callable[[], object]:
        return lambda: tw.load_data(source, fix=fix(path, lines, **head))

    assert "label" in refused("E492", load([(source, 2, was)], head="file,row,given")).what
    refused("E493", load([(source, "two", was, other)]))
    refused("E494", load([(source, 2, was, other), (source.absolute(), 2, was, was)]))
    refused("E495", load([(source, 999, was, other)]))
    refused("E495", load([("other/place.csv", 2, was, other)]))
    found = refused("E496", load([(source, 2, other, "sport" if was != "sport" else "space")]))
    assert was in found.what and other in found.what
    refused("E101", lambda: tw.load_data(source, fix="nosuch.csv"))
    load([(source, 2, was, other)])()
    load([("elsewhere/news.csv", 2, was.upper(), other)])()  # known by its name; spelled as people type
    load([])()  # nothing to correct
    load([(source, 2, other)], head="file,row,label")()  # nothing to check it by


def test_cells_that_a_spreadsheet_would_run_are_known_again(tmp_path: Path) -> None:
    rows = [("=a" if label == "space" else label, text) for label, text in news_rows(100)]
    source = write_csv(tmp_path / "news.csv", rows)
    place = next(place for place, (label, _) in enumerate(rows) if label == "=a")
    fixed = tw.load_data(source, fix=fix(tmp_path / "fix.csv", [(source, place + 2, "'=a", "sport")]))
    edited = write_csv(
        tmp_path / "edited.csv",
        [("sport", text) if each == place else (label, text) for each, (label, text) in enumerate(rows)],
    )
    same(fixed, tw.load_data(edited))
