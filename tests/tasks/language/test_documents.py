"""A language model from the text column of a table: the same model as from its documents in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from samples import evaluate_all, news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError

SMALL = {"name": "lstm", "embedding": 8, "hidden": 8, "layers": 1}
QUICK: dict[str, Any] = {"task": "language", "model": SMALL, "steps": 3, "speed": "off", "listen": lambda event: None}
ROWS = news_rows(300)
FRAME = pl.DataFrame(ROWS, schema=["label", "text"], orient="row")


@pytest.fixture(scope="module")
def of_file(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "news.txt").write_text("".join(f"{text}\n" for _, text in ROWS))
    return tw.train(folder / "news.txt", out=folder / "run", **QUICK)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "shards", "frame"])
def test_documents_of_a_table(tmp_path: Path, of_file: tw.Run, kind: str) -> None:
    source: Any = tmp_path / f"news.{kind}"
    if kind == "csv":
        write_csv(source, ROWS)
    elif kind == "parquet":
        FRAME.write_parquet(source)
    elif kind == "jsonl":
        FRAME.write_ndjson(source)
    elif kind == "shards":
        source.mkdir()
        FRAME[:100].write_parquet(source / "part-0.parquet")
        FRAME[100:].write_parquet(source / "part-1.parquet")
    else:
        source = FRAME
    run = tw.train(source, out=tmp_path / "run", **QUICK)
    assert run.report["test"]["loss"] == of_file.report["test"]["loss"]
    assert evaluate_all(run, source)["loss"] == evaluate_all(of_file, Path(of_file.path).parent / "news.txt")["loss"]
    if kind != "frame":
        assert not tw.verify(run).wrong
        assert len(run.predictor.predict_file(source).answers) == 300


def test_the_column_is_given_or_told_and_kept(tmp_path: Path) -> None:
    frame = FRAME.rename({"text": "words"}).with_columns(other=pl.col("words").str.reverse())
    frame.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(TrainwrightError, match="E203"):
        tw.train(tmp_path / "rows.parquet", **QUICK)
    run = tw.train(tmp_path / "rows.parquet", text="words", out=tmp_path / "run", **QUICK)
    assert json.loads((run.path / "data.json").read_text())["columns"] == {"text": ["words"]}
    assert evaluate_all(run, tmp_path / "rows.parquet")["n"] > 0
    again = tw.train(tmp_path / "rows.parquet", text="words", out=tmp_path / "again", **QUICK)
    assert again.report["test"] == run.report["test"], "from the cache"


def test_a_column_of_running_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("the moon is a balloon. " * 300)
    with pytest.raises(TrainwrightError, match="E272"):
        tw.train(tmp_path / "book.txt", text="words", **QUICK)


def test_empty_documents_are_none(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["", "  ", None]})
    frame.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(TrainwrightError, match=r"E161|E203"):
        tw.train(tmp_path / "rows.parquet", text="text", **QUICK)
