"""Real files at real size; skipped, saying why, where TRAINWRIGHT_TEST_DATA names no such folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import trainwright as tw


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
