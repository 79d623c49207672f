"""The command line as a person meets it: processes and files of their own."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calls import call, talk
from safetensors.numpy import load_file
from samples import news_rows, write_csv

import trainwright as tw

TIME_FIELDS = ("seconds", "rows_per_second")  # all that may differ between two runs of the same command


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_says_what_it_does_and_ends_with_the_command_to_use(news: Path) -> None:
    done = call("train", news, "epochs=3", cwd=news.parent, forked=False)
    run = news.parent / "runs" / "news-1"
    assert "\x1b" not in done.stdout + done.stderr  # plain when piped
    for word in ("label", "a usual name for it", "model.ngrams", "valid acc", "95 % interval", "majority class"):
        assert word in done.stdout, word
    assert f'trainwright predict runs/{run.name} "' in done.stdout.splitlines()[-1]
    found = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert found == {
        "settings.toml", "data.json", "events.jsonl", "history.csv", "report.json", "report.html",
        "watched.json", "examples.json", "predictions.parquet", "fingerprints.safetensors",
        "plots/curves.png", "plots/confusion.png", "plots/reliability.png",
        "model/model.json", "model/model.safetensors", "model/encoder.safetensors", "model/vocabulary.json", "model/README.md",
        "model/SEAL", "SEAL", ".lock",
        *(f"checkpoints/step-000030/{name}" for name in ("state.json", "state.safetensors", "SEAL")),
    }  # fmt: skip
    assert len(list(csv.DictReader(io.StringIO((run / "history.csv").read_text())))) == 3
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events if event["event"] not in ("step", "answers", "note")] == [
        "started",
        "epoch",
        "epoch",
        "epoch",
        "saved",
        "finished",
    ]


def test_json_is_the_last_line_and_all_else_goes_to_standard_error(news: Path) -> None:
    done = call("train", news, "--json", "--out", "mine", "seed=3", cwd=news.parent)
    assert len(done.stdout.splitlines()) == 1 and "valid acc" in done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {"run", "task", "model", "valid", "test", "seconds"} and result["run"] == "mine"
    assert set(result["test"]) >= {"loss", "accuracy", "n", "interval", "macro_f1", "mcc"}
    assert not {"per_class", "confusion"} & set(result["test"])
    assert set(result["seconds"]) >= {"import", "read", "train", "evaluate", "save"}
    low, high = result["test"]["interval"]
    assert low <= result["test"]["accuracy"] <= high
    quiet = call("train", news, "--quiet", cwd=news.parent)
    assert quiet.stdout.startswith("runs/news-1\ttest accuracy ") and len(quiet.stdout.splitlines()) == 1
    assert quiet.stderr == ""


def test_the_same_command_twice_gives_the_same_model_and_report(news: Path) -> None:
    for name, forked in (("a", False), ("b", True)):
        words = ("train", news, "--out", name, "--quiet", "model.embedding=8", "model.dropout=0.2")
        call(*words, cwd=news.parent, forked=forked)
    a, b = (load_file(news.parent / name / "model" / "model.safetensors") for name in ("a", "b"))
    assert a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
    reports = [json.loads((news.parent / name / "report.json").read_text()) for name in ("a", "b")]
    differing = {key for key in reports[0] if reports[0][key] != reports[1][key]}
    assert differing <= set(TIME_FIELDS) and len(TIME_FIELDS) <= 3


def test_settings_of_a_run_repeat_it(news: Path) -> None:
    call("train", news, "--out", "a", "--quiet", "epochs=2", "lr=0.02", cwd=news.parent)
    call("train", news, "--out", "b", "--quiet", "--recipe", "a/settings.toml", cwd=news.parent)
    a, b = (load_file(news.parent / name / "model" / "model.safetensors") for name in ("a", "b"))
    assert all(np.array_equal(a[key], b[key]) for key in a)


def test_predict_texts_lines_and_files(trained, capsys, monkeypatch, here: Path) -> None:
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, "goal for the team", "shares of the bank")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["sport", "money"]
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, "rocket to the moon", "--top", 2)
    assert out.startswith("space\t0.") and out.count("\t") == 3
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, "-", "--json", stdin="goal of the match\n\nmoon orbit\n")
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["text"] for answer in answers] == ["goal of the match", "", "moon orbit"]
    assert answers[0]["label"] == "sport" and sum(answers[0]["probabilities"].values()) == pytest.approx(1)
    rows = [("7", 'the "goal", of\nthe match', "keep"), ("8", "", "this"), ("9", "moon rocket", "column")]
    source = write_csv(here / "new.csv", rows, ("id", "text", "label"))
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, source, "--out", "answers.csv")
    assert out == ""
    found = list(csv.DictReader(io.StringIO((here / "answers.csv").read_text(), newline="")))
    assert [(row["id"], row["text"], row["label"]) for row in found] == rows  # untouched, the label column too
    assert found[0]["predicted"] == "sport" and found[2]["predicted"] == "space" and 0 < float(found[1]["probability"]) < 1
    unlabelled = write_csv(here / "bare.csv", [("moon rocket",), ("goal in the match",)], ("text",))
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, unlabelled)
    assert [row["predicted"] for row in csv.DictReader(io.StringIO(out))] == ["space", "sport"]


def test_evaluate_the_run_and_another_file(trained, capsys, monkeypatch, here: Path) -> None:
    out, _, _ = talk(capsys, monkeypatch, "evaluate", trained.path, "--json")
    found = json.loads(out)
    assert found["split"] == "test" and found["accuracy"] == trained.report["test"]["accuracy"]
    other = write_csv(here / "other.csv", [*news_rows(50, seed=9), ("weather", "rain today"), ("", "no label")])
    out, _, _ = talk(capsys, monkeypatch, "evaluate", trained.path, other, "--json")
    scores = json.loads(out)
    assert scores["n"] == 50 and scores["rejected"] == 2 and scores["accuracy"] > 0.9 and not scores["trained_on"]
    out, _, _ = talk(capsys, monkeypatch, "evaluate", trained.path, other)
    assert "test accuracy" in out and "n = 50" in out
    assert scores["unknown_labels"] == {"weather": 1} and "1 row left out, as the run does not know the label: 'weather'" in out


def test_the_training_file_is_known_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
        write_csv(tmp_path / name / "news.csv", news_rows(60, seed=len(name)))
    monkeypatch.chdir(tmp_path / "there")
    tw.train("news.csv", out="run", listen=lambda event: None, epochs=1)
    monkeypatch.chdir(tmp_path / "here")
    opened = tw.load(tmp_path / "there" / "run")
    assert not opened.evaluate("news.csv")["trained_on"] and opened.evaluate("../there/news.csv")["trained_on"]


def test_lists(trained, capsys, monkeypatch, here: Path) -> None:
    out, _, _ = talk(capsys, monkeypatch, "runs", trained.path.parent)
    assert "bag.v1" in out and str(trained.path) in out
    out, _, _ = talk(capsys, monkeypatch, "runs", trained.path.parent, "--json")
    assert json.loads(out)["runs"][0]["report"]["test"]["n"] == trained.report["test"]["n"]
    _, err, code = talk(capsys, monkeypatch, "runs", here)
    assert "no runs" in err and code == 0
    out, _, _ = talk(capsys, monkeypatch, "recipes")
    assert "news-tutorial" in out
    out, _, _ = talk(capsys, monkeypatch, "recipes", "show", "news-tutorial")
    assert "gamma = 0.1" in out
    out, _, _ = talk(capsys, monkeypatch, "settings")
    assert "model.ngrams (bag)" in out and "batch_size" in out
    out, _, _ = talk(capsys, monkeypatch, "settings", "clip")
    assert len(out.splitlines()) == 2


def test_a_reader_that_goes_away_is_no_error(news: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_a_full_disk_behind_standard_output_is_one_message() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trainwright", "settings"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2 and done.stderr.startswith("E402: standard output cannot") and "Traceback" not in done.stderr


def test_no_formula_reaches_a_spreadsheet(trained, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new.csv").write_text('text,"=a"\n=1+1 moon,-5\n"@sum goal",-x\n')
    plain = talk(capsys, monkeypatch, "predict", trained.path, "new.csv")[0]
    safe = talk(capsys, monkeypatch, "predict", trained.path, "new.csv", "--spreadsheet")[0]
    assert [line.split(",")[:2] for line in plain.splitlines()] == [["text", "=a"], ["=1+1 moon", "-5"], ["@sum goal", "-x"]]
    assert [line.split(",")[:2] for line in safe.splitlines()] == [["text", "'=a"], ["'=1+1 moon", "-5"], ["'@sum goal", "'-x"]]
    assert [line.split(",")[2:] for line in plain.splitlines()] == [line.split(",")[2:] for line in safe.splitlines()]
