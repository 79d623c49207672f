"""Every type of column in every role, in a table and beside a text or a picture: it is used, or one message says why not."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from PIL import Image
from samples import TOPICS, news_rows

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

ROWS = 120
MOST_BYTES = 2048 + 256  # of a message, its headings counted


@cache
def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), shade, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def moment(n: int) -> dt.datetime:
    return dt.datetime(2024, 1, 1, 8) + dt.timedelta(hours=31 * n)


def word(n: int) -> str:
    return ("red", "green", "blue", "black", "white")[n % 5] + ("", "ish", "er", " one", " two", " three")[n // 5 % 6]


WORDS = sorted(map(word, range(30)))
TYPES: dict[str, tuple[Callable[[int], Any], Any]] = {  # the value of a number below 30, and the type
    "int8": (lambda n: n - 3, pl.Int8),
    "int64": (lambda n: (2**53 + 1) * (n - 3), pl.Int64),
    "uint64": (lambda n: 2**64 - 1 - n * 2**40, pl.UInt64),
    "int128": (lambda n: 2**100 * (n - 3), pl.Int128),
    "float32": (lambda n: n / 4 - 3, pl.Float32),
    "float64 with NaN and infinity": (lambda n: [0.5, math.nan, math.inf, 1e300][n] if n < 4 else n / 3, pl.Float64),
    "boolean": (lambda n: n % 2 == 0, pl.Boolean),
    "strings": (word, pl.String),
    "numbers in strings": (lambda n: f"{n},5", pl.String),
    "json in strings": (lambda n: f'{{"a": {n}}}', pl.String),
    "categorical": (word, pl.Categorical),
    "enum": (word, pl.Enum(WORDS)),
    "date": (lambda n: moment(n).date(), pl.Date),
    "datetime": (moment, pl.Datetime("ms")),
    "datetime with a zone": (lambda n: moment(n).replace(tzinfo=ZoneInfo("Asia/Tokyo")), pl.Datetime("ns", "Asia/Tokyo")),
    "time": (lambda n: moment(n).time(), pl.Time),
    "duration": (lambda n: dt.timedelta(minutes=n - 3), pl.Duration),
    "decimal": (lambda n: Decimal(n * 25 - 100) / 100, pl.Decimal(12, 2)),
    "lists of words": (lambda n: [word(n), word(n % 3)][n % 2 :], pl.List(pl.String)),
    "lists of numbers": (lambda n: [n / 2] * (n % 3), pl.List(pl.Float64)),
    "arrays": (lambda n: [n, 3], pl.Array(pl.Int32, 2)),
    "struct": (lambda n: {"a": n, "b": word(n)}, None),
    "struct of an image": (lambda n: {"bytes": picture(8 * n % 251), "path": f"{n}.png"}, None),
    "struct of yes and no": (lambda n: {"a": int(n % 3 == 0), "b": int(n % 3 == 1), "c": int(n % 3 == 2)}, None),
    "bytes": (lambda n: bytes([0, 255, n]), pl.Binary),
    "images": (lambda n: picture(8 * n % 251), pl.Binary),
    "null": (lambda n: None, pl.Null),
    "gaps": (lambda n: None if n % 3 else word(n), pl.String),
    "objects": (lambda n: {n}, pl.Object),
    "weights": (lambda n: 1 + n / 8, pl.Float64),
    "splits": (lambda n: ("train", "valid", "train", "test", "train")[n % 5], pl.String),
}


@cache
def column(kind: str, distinct: int) -> pl.Series:
    """A column of a type with so many different values, as far as the type has them."""
    value, dtype = TYPES[kind]
    return pl.Series("x", [value(n * 7 % distinct) for n in range(ROWS)], dtype=dtype)


NUMBERS = {"int8", "int64", "uint64", "int128", "float32", "float64 with NaN and infinity", "numbers in strings", "decimal"}
TIMES = {"date", "datetime", "datetime with a zone", "time"}
WORDED = {"strings", "json in strings", "categorical", "enum"}
NESTED = {"lists of words", "lists of numbers", "arrays", "struct", "struct of yes and no"}
USELESS = NESTED | {"bytes", "null", "objects"}
PICTURES = {"images", "struct of an image"}
ROLES: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "label": {"label": "x"},
    "class": {"label": "x", "target": "class"},
    "number": {"label": "x", "target": "number"},
    "text": {"text": ["x"]},
    "feature": {"features": ["x"]},
    "image": {"image": "x"},
    "group": {"split": "group:x"},
    "time": {"split": "time:x"},
    "split": {"split": "column:x"},
    "weight": {"sample_weight": "x"},
    "ignored": {"columns": {"x": "ignore"}},
    **{f"said to be {kind}": {"columns": {"x": kind}} for kind in ("category", "number", "date", "boolean", "text", "image")},
}
FEW = {"label", "class", "said to be category", "said to be boolean"}  # roles for values that recur
MUST = {  # the types that are fit for a role, whatever they stand beside
    "nothing said": set(TYPES),
    "ignored": set(TYPES),
    "label": WORDED | {"int8", "int64", "boolean"},
    "group": WORDED | NUMBERS | TIMES | {"gaps", "duration"},
    "time": NUMBERS | TIMES | {"duration"},
    "split": {"splits"},
    "number": {"int8", "int64", "float32", "numbers in strings", "duration", "decimal"},
    "class": WORDED | {"int8", "int64", "boolean"},
    "weight": {"weights"},
}
IN_A_TABLE = {  # besides, in a table
    "feature": WORDED | NUMBERS | TIMES | {"duration"},
    "said to be category": WORDED | NUMBERS | TIMES | {"boolean", "duration"},
    "said to be number": NUMBERS | {"duration"},
    "said to be date": TIMES,
    "said to be boolean": {"boolean"},
    "said to be text": WORDED,
}
BESIDE = {"table": IN_A_TABLE, "text": {"text": WORDED}, "image": {"image": PICTURES, "said to be image": PICTURES}}


@cache
def learned_from(task: str) -> pl.DataFrame:
    """Columns of which a model of the task learns."""
    draw = np.random.default_rng(0)
    topics = [sorted(TOPICS)[n % 3] for n in range(ROWS)]
    if task == "text":
        rows = news_rows(ROWS)
        given = {"text": [text for _, text in rows], "topic": [topic for topic, _ in rows]}
    elif task == "image":
        given = {"picture": [picture(80 * (n % 3) + n % 80) for n in range(ROWS)], "topic": topics}
    else:
        given = {"size": draw.normal(size=ROWS), "shop": draw.choice(["north", "south"], ROWS), "topic": topics}
    return pl.DataFrame(given)


def pose(task: str, kind: str, role: str) -> Any:
    """The encoded data, or the one message why there are none."""
    try:
        table = learned_from(task).with_columns(column(kind, 3 if role in FEW else 60 if role == "group" else 30))
        return tw.load_data(table, **({"label": "topic"} | ROLES[role]), task=task, listen=lambda event: None)
    except TrainwrightError as refused:
        return refused


def beside(task: str, role: str) -> list[str]:
    """The types to be seen in a role: all in a table, half beside texts and half beside pictures."""
    if task == "table" or role in ("text", "image") or role.startswith("said"):
        return [*TYPES]
    return [*TYPES][task == "image" :: 2]


SAID = {"text": ("text", "category"), "image": ("image", "number")}  # of a column that only a table uses anyway


@pytest.mark.parametrize(
    ("task", "role"),
    [
        (task, role)
        for task in ("text", "image", "table")
        for role in ROLES
        if task == "table" or not role.startswith("said") or role.endswith(SAID[task])
    ],
)
def test_works_or_one_clear_refusal(task: str, role: str) -> None:
    fit = MUST.get(role, set()) | BESIDE[task].get(role, set())
    for kind in beside(task, role):
        found = pose(task, kind, role)
        if isinstance(found, TrainwrightError):
            assert kind not in fit, (kind, str(found))
            assert found.what and found.mend, (kind, str(found))
            assert len(str(found).encode()) < MOST_BYTES, (kind, str(found))
        else:
            assert len(found.rows("train")) and len(found.rows("valid")), kind


@pytest.mark.parametrize("task", ["text", "image", "table"])
@pytest.mark.parametrize("kind", sorted(MUST["label"]))
def test_classes_are_the_values(task: str, kind: str) -> None:
    written = {str(value).lower() if kind == "boolean" else str(value) for value in map(TYPES[kind][0], range(3))}
    assert set(pose(task, kind, "label").labels) == written


@pytest.mark.parametrize("kind", sorted(NUMBERS | {"duration"}))
def test_numbers_are_the_values(kind: str) -> None:
    found = pose("table", kind, "feature")
    values = [TYPES[kind][0](n * 7 % 30) for n in range(ROWS)]
    if kind == "duration":
        values = [value.total_seconds() for value in values]
    if kind == "numbers in strings":
        values = [value.replace(",", ".") for value in values]
    meant = np.array(values, float)[found.rows("train") - 1]
    numeric = np.array([np.asarray(item[0]) for item in found.train])[:, 0]
    known = np.isfinite(meant) & (abs(meant) < 1e38)
    assert known.sum() > ROWS / 2
    np.testing.assert_allclose(numeric[known], (meant[known] - meant[known].mean()) / meant[known].std(), atol=1e-4)


def test_a_file_of_all_types_through_every_verb(tmp_path: Path) -> None:
    """Rows that are predicted, measured and gone on from are read as those of training."""
    stored = [kind for kind in TYPES if kind not in ("objects", "int128", "null")]
    table = pl.DataFrame([column(kind, 30).alias(kind) for kind in stored])
    draw = np.random.default_rng(0)
    table = table.with_columns(size=draw.normal(size=ROWS), price=draw.normal(size=ROWS))
    table.write_parquet(tmp_path / "all.parquet")
    notes: list[Note] = []
    settings = {"label": "price", "task": "table", "epochs": 1, "speed": "off"}
    told = [notes.append, lambda event: None]
    run = tw.train(tmp_path / "all.parquet", out=tmp_path / "run", listen=told[0], **settings)
    said = " ".join(f"{note.value} {note.why}" for note in notes if isinstance(note, Note))
    assert all(kind in said for kind in stored)  # used or left out, each is named
    good = table.filter(pl.col("float64 with NaN and infinity").is_nan() | (pl.col("float64 with NaN and infinity") < 1e38))
    with pytest.raises(TrainwrightError, match="1e\\+300"):
        tw.predict(run, table)
    found = tw.predict(run, good)
    scores = tw.evaluate(run, tmp_path / "all.parquet")  # where rows that cannot be used are left out
    parts = [scores, *scores["apart"].values()]  # new rows, those trained on, those validated on
    assert scores == tw.evaluate(run, table) and len(parts) == 3
    assert sum(each["n"] for each in parts) == len(found) == good.height < ROWS
    residuals = np.array(found) - good["price"].to_numpy()
    assert sum(each["n"] * each["rmse"] ** 2 for each in parts) == pytest.approx(float((residuals**2).sum()), rel=1e-4)
    again = tw.train(tmp_path / "all.parquet", from_run=run.path, out=tmp_path / "on", listen=told[1], **settings)
    assert again.report["parameters"] == run.report["parameters"]
    assert not tw.verify(again).wrong
