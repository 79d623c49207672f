"""The worst answers of a run, with their inputs from where the data are now."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from image_samples import bars, write_folder
from samples import news_rows, write_csv
from typer.testing import CliRunner

import trainwright as tw
from trainwright import cli, cli_output

QUICK = {"epochs": 1, "listen": lambda event: None}


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """Texts of which every fifth has a wrong label."""
    rows = [("sport" if number % 5 == 0 else label, text) for number, (label, text) in enumerate(news_rows(300))]
    return write_csv(tmp_path / "news.csv", rows)


def test_the_worst_come_first_with_their_inputs(noisy: Path, tmp_path: Path) -> None:
    run = tw.train(noisy, out=tmp_path / "run", **QUICK)
    found = tw.mistakes(run, 5)
    source = dict(enumerate(pl.read_csv(noisy).rows(), start=2))
    losses = [row["loss"] for row in found]
    assert len(found) == 5 and losses == sorted(losses, reverse=True)
    for row in found:
        assert row["answer"] != row["truth"] and source[row["row"]] == (row["truth"], row["input"])
        assert run.predict(row["input"])[0][0] == row["answer"]
    report = run.report["test"]
    assert len(tw.mistakes(run, 1000)) == round(report["n"] * (1 - report["accuracy"]))


def test_data_that_have_moved(noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = tw.train("news.csv", out="run", **QUICK)
    before = tw.mistakes(run, 3)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert tw.mistakes(tmp_path / "run", 3) == before  # the words are meant from where they were said
    noisy.rename(tmp_path / "elsewhere" / "moved.csv")
    with pytest.raises(tw.TrainwrightError, match="E422"):
        tw.mistakes(tmp_path / "run", 3)
    assert [row["input"] for row in tw.mistakes(tmp_path / "run", 3, source="moved.csv")] == [row["input"] for row in before]


def test_pictures_of_a_folder_that_moved(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shapes", *bars(120))
    run = tw.train(folder, out=tmp_path / "run", model={"name": "convnet", "channels": [2]}, lr=1e-6, **QUICK)
    shutil.move(folder, tmp_path / "other")
    found = tw.mistakes(run, 3, source=tmp_path / "other")
    assert found and all(row["input"].startswith("data:image/png;base64,") for row in found)


def test_numbers_and_tokens(tmp_path: Path) -> None:
    run = tw.train("diabetes", out=tmp_path / "numbers", **QUICK)
    off = [abs(row["truth"] - row["answer"]) for row in tw.mistakes(run, 10)]
    assert off == sorted(off, reverse=True) and len(off) == 10
    (tmp_path / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(60)))
    model = {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}
    run = tw.train(tmp_path / "text.txt", out=tmp_path / "run", model=model, context=8, tokenizer="characters", **QUICK)
    for row in tw.mistakes(run, 5):
        assert row["input"].endswith(row["truth"]) and row["input"] in (tmp_path / "text.txt").read_text()


def test_on_the_command_line(noisy: Path, tmp_path: Path) -> None:
    run = tw.train(noisy, out=tmp_path / "run", **QUICK)
    found = tw.mistakes(run, 2)

    def said(*words: str) -> str:
        result = CliRunner().invoke(cli.app, ["mistakes", str(run.path), "--top", "2", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert json.loads(said("--json"))["mistakes"] == found
    rows = list(csv.DictReader(io.StringIO(said("--csv"))))
    assert [(row["input"], int(row["row"])) for row in rows] == [(row["input"], row["row"]) for row in found]
    shown = said()
    assert all(row["input"].split()[0] in shown and f"row {row['row']}" in shown for row in found)
    with pytest.raises(tw.TrainwrightError, match="E403"):
        tw.mistakes(tmp_path / "nothing")


def test_a_run_without_mistakes_says_so(tmp_path: Path) -> None:
    run = tw.train(write_csv(tmp_path / "news.csv", news_rows(300)), out=tmp_path / "run", listen=lambda event: None)
    assert run.report["test"]["accuracy"] == 1 and tw.mistakes(run) == []
    assert "every answer was right" in CliRunner().invoke(cli.app, ["mistakes", str(run.path)]).output


def test_a_loss_that_is_not_known_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"file": "a.csv", "row": 3, "truth": "x", "answer": "y", "probability": 0.9, "input": "a text"}
    cli_output.print_mistakes([row | {"loss": None}, row | {"loss": 0.5}], "")
    first, second = [line for line in capsys.readouterr().out.splitlines() if "taken for" in line]
    assert "x taken for y (90.00 % sure)   a.csv, row 3" in first and "sure), loss 0.5000   a.csv" in second
