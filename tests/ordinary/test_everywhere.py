"""What data may look like goes through every verb: predict, evaluate, resume, verify, report, --from."""

from __future__ import annotations

import datetime as dt
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import talk
from PIL import Image
from samples import TOPICS, evaluate_all, news_rows, write_csv
from workbook_samples import workbook

import trainwright as tw

ROWS = 80
QUICK = {"epochs": 1, "speed": "off"}
NAMES = sorted(TOPICS)
Given = tuple[Any, dict[str, Any]]  # a source, and settings


def sets() -> list[str]:
    draw = random.Random(0)
    return ["|".join(draw.sample(NAMES, draw.choice([1, 2]))) for _ in range(ROWS)]


def _rows() -> list[tuple[str, str]]:
    return news_rows(ROWS)


def texts_of_labels(folder: Path) -> Given:
    return write_csv(folder / "a.csv", [(each, text) for each, (_, text) in zip(sets(), _rows(), strict=True)]), {}


def table_of_labels(folder: Path) -> Given:
    draw = np.random.default_rng(0)
    flags = {name: draw.integers(0, 2, ROWS) for name in NAMES}
    pl.DataFrame({"size": draw.normal(size=ROWS), "n": range(ROWS), **flags}).write_csv(folder / "a.csv")
    return folder / "a.csv", {"label": ",".join(NAMES), "task": "table"}


def pictures_of_labels(folder: Path) -> Given:
    (folder / "img").mkdir()
    for n in range(ROWS):
        Image.fromarray(np.full((8, 8), 2 * n, np.uint8)).save(folder / "img" / f"{n}.png")
    rows = [(each, f"img/{n}.png") for n, each in enumerate(sets())]
    return write_csv(folder / "a.csv", rows, ("tags", "filename")), {"model": {"name": "mlp", "hidden": [8]}}


def numbers_of_texts(folder: Path) -> Given:
    return write_csv(folder / "a.csv", [(f"{n / 7:.2f}", text) for n, (_, text) in enumerate(_rows())], ("score", "text")), {}


def mixed_table(folder: Path) -> Given:
    rows = [(label, f"{text} of it", str(n % 13)) for n, (label, text) in enumerate(_rows())]
    frame = pl.DataFrame(rows, schema=["category", "description", "price"], orient="row")
    frame.write_csv(folder / "a.csv")
    return folder / "a.csv", {}


def read_as_said(folder: Path) -> Given:
    """Every setting of reading is one that would not have been guessed."""
    lines = [f"{n % 10 + 100}~{n},{n % 8}00~{'été' if n % 2 else 'forêt'}" for n in range(ROWS)]
    (folder / "a.dat").write_bytes("\r\n".join(["shop~size~season", *lines, ""]).encode("mac_roman"))
    said = {"delimiter": "~", "encoding": "mac_roman", "decimal": "comma", "columns": {"shop": "category"}, "header": "yes"}
    return folder / "a.dat", {**said, "label": "season", "task": "table"}


def split_by_a_column(folder: Path) -> Given:
    rows = [f"{text},{label},{('train', 'train', 'dev', 'test')[n % 4]}" for n, (label, text) in enumerate(_rows())]
    (folder / "a.csv").write_text("\n".join(["text,label,part", *rows, ""]))
    return folder / "a.csv", {"split": "column:part"}


def merged_labels(folder: Path) -> Given:
    rows = [(label.upper() if n % 3 else label, text) for n, (label, text) in enumerate(_rows())]
    return write_csv(folder / "a.csv", rows), {"labels": "merge"}


def weighted(folder: Path) -> Given:
    rows = [f"{n % 7},{n},{'ab'[n % 2]},{1 + n % 3}" for n in range(ROWS)]
    (folder / "a.csv").write_text("\n".join(["size,n,label,w", *rows, ""]))
    return folder / "a.csv", {"sample_weight": "w", "threshold": "auto"}


def zipped(folder: Path) -> Given:
    with zipfile.ZipFile(folder / "a.zip", "w") as packed:
        packed.write(write_csv(folder / "a.csv", _rows()), "inside.csv")
    return folder / "a.zip", {}


def folder_of_tables(folder: Path) -> Given:
    (folder / "set").mkdir()
    write_csv(folder / "set" / "train.csv", _rows()[:60])
    write_csv(folder / "set" / "test.csv", _rows()[60:])
    return folder / "set", {}


def class_numbers_in_lists(folder: Path) -> Given:
    lists = [[NAMES.index(name) for name in each.split("|")] for each in sets()]
    data = pl.DataFrame({"text": [text for _, text in _rows()], "labels": lists})
    feature = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
    data.write_parquet(folder / "a.parquet", metadata={"huggingface": json.dumps({"info": {"features": {"labels": feature}}})})
    return folder / "a.parquet", {}


def in_a_workbook(folder: Path) -> Given:
    first = dt.datetime(2024, 1, 31)
    rows = [[n % 13, first + dt.timedelta(days=n % 50), "north" if n % 3 else "south", n * 1.5] for n in range(ROWS)]
    return workbook(folder / "a.xlsx", {"notes": [["nothing here"]], "data": [["size", "day", "place", "price"], *rows]}), {}


def frame(folder: Path) -> Given:
    return pl.DataFrame(_rows(), schema=["label", "text"], orient="row"), {}


CAPABILITIES: list[Callable[[Path], Given]] = [
    texts_of_labels, table_of_labels, pictures_of_labels, numbers_of_texts, mixed_table, read_as_said, split_by_a_column,
    merged_labels, weighted, zipped, folder_of_tables, class_numbers_in_lists, in_a_workbook, frame,
]  # fmt: skip


@pytest.mark.parametrize("make", CAPABILITIES, ids=lambda make: make.__name__)
def test_through_every_verb(make: Callable[[Path], Given], tmp_path: Path, capsys, monkeypatch) -> None:
    (tmp_path / "data").mkdir()
    source, said = make(tmp_path / "data")
    held = {"source": source} if make is frame else {}

    def quiet(event: object) -> None:
        pass

    run = tw.train(source, out=tmp_path / "run", listen=quiet, **said, **QUICK)
    assert run.report["test"]["n"] > 0

    # the rows of its source, measured and predicted, are those of training
    scores = evaluate_all(run, source)
    counted = sum(json.loads((run.path / "data.json").read_text())["rows"].values())
    assert scores["n"] == (run.report["test"]["n"] if make is folder_of_tables else counted)
    if make is not frame:
        out, err, code = talk(capsys, monkeypatch, "predict", run.path, source)
        assert code == 0 and len(out.splitlines()) == 1 + scores["n"], err
    else:
        assert len(tw.predict(run, source["text"].to_list())) == ROWS

    # proofs, pages and what is said of it
    assert not tw.verify(run, **held).wrong
    assert not tw.replay(run, **held).wrong
    out, err, code = talk(capsys, monkeypatch, "report", run.path)
    assert code == 0 and "Result of" in out
    assert talk(capsys, monkeypatch, "plots", run.path)[2] == 0 and (run.path / "report.html").stat().st_size > 10_000

    # going on: the same run longer is trained on for another epoch, and another one begins from it
    longer = tw.resume(run.path, epochs=2, listen=quiet, **held)
    at_once = tw.train(source, out=tmp_path / "two", listen=quiet, **{**said, **QUICK, "epochs": 2})
    assert len((longer.path / "history.csv").read_text().splitlines()) == 3
    assert longer.report["parameters"] == at_once.report["parameters"]
    on = tw.train(source, from_run=run.path, out=tmp_path / "on", listen=quiet, **said, **QUICK)
    assert on.report["parameters"] == run.report["parameters"]
    assert evaluate_all(on, source)["n"] == scores["n"]


def test_estimators_take_what_data_may_look_like() -> None:
    """A table with numbers as people write them, dates, free text and numbers that are codes, and what each row counts."""
    rows = _rows()
    given = pl.DataFrame(
        {
            "text": [f"{text} of it" for _, text in rows],
            "price": [f"$1,{n % 10}00.50" for n in range(ROWS)],
            "day": [f"{n % 28 + 1}/0{n % 9 + 1}/2024" for n in range(ROWS)],
            "shop": [n % 3 + 101 for n in range(ROWS)],
        }
    )
    said = {"dates": "dmy", "columns": {"shop": "category"}, "max_vocabulary": 50}
    weights = np.arange(ROWS) % 4 + 1
    learned = tw.TableClassifier(epochs=8, lr=0.02, settings=said).fit(
        given, [label for label, _ in rows], sample_weight=weights
    )
    kinds = {each.name: each.kind for each in learned.predictor_.chosen.features}
    assert kinds == {"text": "text", "price": "number", "day": "date", "shop": "category"}
    assert {note.what for note in learned.notes_} >= {"weights", "vocabulary", "units"}
    assert learned.score(given, [label for label, _ in rows]) > 0.9
    assert learned.predict(given[:0]).shape == (0,)
    several = np.array([[name in each.split("|") for name in NAMES] for each in sets()]).astype(int)
    of_texts = tw.TextClassifier(epochs=2, valid_fraction=0.2).fit([text for _, text in rows], several, sample_weight=weights)
    assert of_texts.predict([rows[0][1]]).shape == (1, len(NAMES))
