"""Real files at real size; skipped, saying why, where TRAINWRIGHT_TEST_DATA names no such folder."""

from __future__ import annotations

import random
import re
from pathlib import Path

import polars as pl

import trainwright as tw
from trainwright.run.request import Request
from trainwright.run.train import Session


def test_news(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "ag_news_10k"
    run = tw.train(folder / "train.csv", test=folder / "test.csv", out=tmp_path / "run", listen=lambda event: None)
    report = run.report
    assert report["test"]["n"] == 7600 and report["test"]["accuracy"] >= 0.88
    assert run.predict(["The striker scored twice in the second half"])[0][0] == "Sports"


def test_long_documents_in_twenty_classes(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "ng20"
    run = tw.train(folder / "train.parquet", test=folder / "test.parquet", out=tmp_path / "run", listen=lambda event: None)
    assert run.report["test"]["n"] == 7532 and run.report["test"]["accuracy"] >= 0.85


def test_the_official_news_layout(real_data: Path, tmp_path: Path) -> None:
    run = tw.train(real_data / "ag_news" / "test.csv", out=tmp_path / "run", listen=lambda event: None)
    assert run.report["labels"] == ["1", "2", "3", "4"] and run.report["test"]["accuracy"] > 0.8
    assert sum(run.report["rows"].values()) == 7600
    assert len(pl.read_csv(tmp_path / "run" / "history.csv")) == run.report["epochs"]


def edited(text: str, draw: random.Random, words: list[str]) -> str:
    """The text with another case, other marks or another word."""
    how = draw.randrange(3)
    if how == 0:
        return draw.choice([str.upper, str.lower, str.title])(text)
    if how == 1:
        return re.sub(r"[.,;:]", " ", text) + "!"
    changed = text.split(" ")
    changed[draw.randrange(len(changed))] = draw.choice(words)
    return " ".join(changed)


def test_training_rows_that_were_edited_into_the_test_split_are_found(real_data: Path, tmp_path: Path) -> None:
    draw = random.Random(0)
    train, test = (pl.read_csv(real_data / "ag_news_10k" / f"{part}.csv") for part in ("train", "test"))
    words = sorted({word for text in train["text"].head(2000) for word in re.findall("[A-Za-z]{3,}", text)})
    rows, places = test.rows(), draw.sample(range(len(test)), 500)
    for place, source in zip(places, draw.sample(range(len(train)), 500), strict=True):
        label, text = train.row(source)
        rows[place] = (label, edited(text, draw, words))
    pl.DataFrame(rows, schema=test.columns, orient="row").write_csv(tmp_path / "test.csv")
    where = real_data / "ag_news_10k" / "train.csv", None, tmp_path / "test.csv"
    asked = Request.of(*where, "", None, None, Path(), True, {"valid_fraction": 0.0})
    part = Session(lambda event: None).read(asked, {})[1].splits["test"]
    found = set((part.rows[part.leaked] - 2).tolist())  # rows count from 2
    assert len(found & set(places)) >= 0.95 * 500
    assert len(found & set(places)) >= 0.9 * len(found)
