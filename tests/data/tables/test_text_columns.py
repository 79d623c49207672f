"""Column choice: names given are kept, derived ones explained, doubts asked back."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Table
from trainwright.data.tables.text_columns import TextSchema, choose_columns
from trainwright.errors import DataError

DATA = os.environ.get("TRAINWRIGHT_TEST_DATA", "")
N = 40
PROSE = [f"a film of {n} minutes that I liked" for n in range(N)]
LONGER = [f"{text}, and so did everyone else in the hall" for text in PROSE]
CLASSES = ["good", "bad"] * (N // 2)
OTHERS = ["red", "green", "blue", "grey"] * (N // 4)


def table(has_header: bool = True, **columns: Any) -> Table:
    frame = pl.DataFrame(columns, strict=False)
    if not has_header:
        frame.columns = [f"column_{place}" for place in range(1, frame.width + 1)]
    return Table(frame.with_columns(pl.int_range(frame.height).alias(ROW)), "a.csv", has_header=has_header)


def choose(*args: Any, **more: Any) -> TextSchema:
    chosen = choose_columns(*args, **more)
    assert all(what and value and why for what, value, why in chosen.notes)
    return chosen


def refusal(*args: Any, **more: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        choose_columns(*args, **more)
    return caught.value


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"label": CLASSES, "text": PROSE}, ("text",), "label"),
        ({"Review Text": PROSE, "Sentiment": CLASSES}, ("Review Text",), "Sentiment"),
        ({"class": CLASSES, "title": PROSE, "description": LONGER}, ("title", "description"), "class"),
        ({"description": LONGER, "title": PROSE, "y": CLASSES}, ("title", "description"), "y"),
        ({"v1": CLASSES, "v2": PROSE}, ("v2",), "v1"),
        ({"id": range(N), "text": PROSE, "label": CLASSES, "split": ["train", "test"] * 20}, ("text",), "label"),
        ({"n": range(N), "kind": CLASSES, "words": PROSE}, ("words",), "kind"),
        ({"when": ["2024-01-02 10:00"] * N, "kind": CLASSES, "words": PROSE}, ("words",), "kind"),
        ({"link": [f"https://x.org/{n}" for n in range(N)], "k": CLASSES, "w": PROSE}, ("w",), "k"),
        ({"part": ["train", "dev"] * 20, "k": CLASSES, "w": PROSE}, ("w",), "k"),
        ({"price": [n / 7 for n in range(N)], "k": CLASSES, "w": PROSE}, ("w",), "k"),
        ({"label": [0, 1] * 20, "class_name": CLASSES, "text": PROSE}, ("text",), "label"),
        ({"label": [0, 1] * 20, "class": CLASSES, "text": PROSE}, ("text",), "label"),
        ({"text": PROSE, "body": LONGER, "label": CLASSES}, ("text",), "label"),
        ({"k": CLASSES, "word": [f"w{n}" for n in range(N)]}, ("word",), "k"),
        ({"text": PROSE, "score": [n / 7 for n in range(N)]}, ("text",), "score"),
    ],
)
def test_derived(columns: dict[str, Any], text: tuple[str, ...], label: str) -> None:
    chosen = choose(table(**columns))
    assert (chosen.text, chosen.label) == (text, label)
    assert [what for what, _, _ in chosen.notes] == ["label", "text"]


def test_without_names() -> None:
    plain = table(False, a=["1", "2"] * 20, b=PROSE, c=LONGER)
    assert choose(plain) == choose(plain)
    assert (choose(plain).text, choose(plain).label) == (("column_2", "column_3"), "column_1")
    assert choose(plain, text=("3",), label="1").text == ("column_3",)
    assert choose(plain, text=("column_2",), label="column_1").notes == []


def test_given_names_are_kept() -> None:
    rows = table(text=PROSE, topic=OTHERS, label=CLASSES, words=LONGER)
    chosen = choose(rows, text=("words", "text"), label="topic")
    assert (chosen.text, chosen.label, chosen.notes) == (("words", "text"), "topic", [])
    assert choose(rows, text=("words",)).label == "label"
    assert choose(rows, label="topic").text == ("text",)


@pytest.mark.parametrize(
    ("columns", "asked", "code", "part"),
    [
        ({"label": CLASSES, "text": PROSE}, {"label": "lable"}, "E201", "Did you mean 'label'?"),
        ({"label": CLASSES, "text": PROSE}, {"text": ("txt",)}, "E201", "label, text"),
        ({"label": CLASSES, "text": PROSE}, {"label": "1"}, "E201", "label, text"),
        ({"label": CLASSES, "text": PROSE}, {"text": ("label",), "label": "label"}, "E204", "label="),
        ({"label": CLASSES, "text": PROSE}, {"text": ("text", "text")}, "E206", "once"),
        ({"label": CLASSES, "text": PROSE}, {"label": "text"}, "E205", "'good'"),
        ({"label": range(N), "text": PROSE}, {}, "E205", "id"),
        ({"a": CLASSES, "b": OTHERS, "text": PROSE}, {}, "E202", "label=NAME"),
        ({"label": CLASSES, "target": OTHERS, "text": PROSE}, {}, "E202", "'a film of 0 minutes"),
        ({"a": PROSE, "b": LONGER}, {}, "E202", "label=NAME"),
        ({"label": CLASSES, "a": PROSE, "b": LONGER}, {}, "E203", "text=NAME"),
        ({"label": CLASSES, "review": PROSE, "comment": LONGER}, {}, "E203", "text=NAME"),
        ({"label": CLASSES, "n": range(N)}, {}, "E203", "text=NAME"),
        ({"label": CLASSES, "text": [None] * N}, {}, "E203", "nothing"),
    ],
)
def test_doubts_are_asked_back(columns: dict[str, Any], asked: dict[str, Any], code: str, part: str) -> None:
    problem = refusal(table(**columns), **asked)
    assert problem.code == code and part in problem.mend, str(problem)


def test_a_number_to_predict_is_the_only_column_of_numbers() -> None:
    ages = [20 + n % 37 for n in range(N)]
    assert refusal(table(words=PROSE, age=ages)).mend.startswith("To predict a number: target=number.")
    for columns in ({"words": PROSE, "age": ages}, {"id": range(N), "words": PROSE, "kind": CLASSES, "age": ages}):
        assert choose(table(**columns), target="number").label == "age"
    assert refusal(table(words=PROSE, age=ages, size=ages[::-1]), target="number").code == "E202"
    assert refusal(table(words=PROSE, kind=CLASSES), target="number").code == "E202"
    amounts = {"price": [n / 7 for n in range(N)], "weight": [n * n / 3 for n in range(N)]}  # no value of which recurs
    assert "'price', 'weight' fit equally well" in str(refusal(table(words=PROSE, **amounts)))


def test_predicting_needs_no_label() -> None:
    assert choose(table(text=PROSE), need_label=False).text == ("text",)
    assert choose(table(words=PROSE), text=("words",), label="label", need_label=False).label is None
    assert choose(table(words=PROSE[:3]), need_label=False).label is None
    both = choose(table(words=PROSE, kind=CLASSES), need_label=False)
    assert (both.text, both.label) == (("words",), "kind")
    assert refusal(table(words=PROSE), text=("text",), need_label=False).code == "E201"


def test_every_column_is_shown_but_not_endlessly() -> None:
    wide = table(**{f"c{n}": OTHERS for n in range(50)}, other=CLASSES)
    assert re.search(r"and [1-9]\d more", refusal(wide).mend)


@pytest.mark.skipif(not DATA, reason="TRAINWRIGHT_TEST_DATA does not name the folder of real data sets")
def test_real_files() -> None:
    official = choose(read_table(Path(DATA) / "ag_news" / "test.csv"))
    assert (official.text, official.label) == (("column_2", "column_3"), "column_1")
    assert choose(read_table(Path(DATA) / "ag_news_10k" / "train.csv")).text == ("text",)
    assert choose(read_table(Path(DATA) / "ng20" / "train.parquet")).label == "label"
