"""Runs compared row by row, how often test rows were looked at, and the spread over seeds."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from calls import call, talk
from samples import news_rows, write_csv
from scipy import stats

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.run import looks
from trainwright.run.compare import _pairs
from trainwright.run.seen import _described
from trainwright.store import fingerprints
from trainwright.store.fingerprints import Fingerprints
from trainwright.watch import spread

QUIET = {"listen": lambda event: None, "speed": "off"}


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs on the same rows with labels of which one in four is wrong, and one on other test rows."""
    folder, draw = tmp_path_factory.mktemp("several"), np.random.default_rng(0)
    rows = [(label if draw.random() < 0.75 else "space", f"{text} {draw.integers(10**9)}") for label, text in news_rows(600)]
    write_csv(folder / "news.csv", rows)
    for name, settings in {"a": {"seed": 0}, "b": {"seed": 1, "model": {"ngrams": 1}}, "c": {"lr": 1e-5}}.items():
        how = {"epochs": 2, "loss": "BCEWithLogitsLoss", **settings}
        tw.train(folder / "news.csv", out=folder / "runs" / name, test_fraction=0.4, **QUIET, **how)
    other = [(label, f"{text} other {n}") for n, (label, text) in enumerate(news_rows(80, seed=5))]
    write_csv(folder / "other.csv", other)
    tw.train(folder / "news.csv", test=folder / "other.csv", out=folder / "runs" / "z", epochs=2, **QUIET)
    return folder


def right(run: Path) -> np.ndarray:
    rows = pl.read_parquet(run / "predictions.parquet").filter(pl.col("split") == "test")
    return (rows["truth"] == rows["answer"]).to_numpy()


def test_a_difference_is_that_of_the_rows_of_both(several: Path) -> None:
    runs = several / "runs"
    found = tw.compare(runs / "a", runs / "c", top=3)
    (each,) = found["compared"]
    first, second = right(runs / "a"), right(runs / "c")
    assert found["split"] == "test" and each["n"] == len(first) and each["paired"]
    assert each["difference"] == pytest.approx(second.mean() - first.mean())
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    assert (each["better"], each["worse"]) == (gained, lost) and lost > gained
    changed, fewer = gained + lost, min(gained, lost)
    assert each["p"] == pytest.approx(2 * stats.binom.cdf(fewer, changed, 0.5) - stats.binom.pmf(fewer, changed, 0.5))
    assert "c is " in each["sentence"] and "points worse than a (a difference of -" in each["sentence"]
    shown = [float(each["sentence"].split(word)[1].split()[0].rstrip("),")) for word in ("difference of ", "interval ", " to ")]
    assert shown[1] < shown[0] < shown[2] and shown[0] < 0
    assert f"{len(first):,} rows of both" in each["sentence"] and each["settings"]["lr"] == [each["settings"]["lr"][0], 1e-5]
    worse = [row for row in each["changed"] if row["change"] == "worse"]
    table = pl.read_csv(several / "news.csv")
    for row in worse:
        assert row["answer_before"] == row["truth"] != row["answer"] and row["input"] == table["text"][row["row"] - 2]
    assert len(worse) == 3


def test_several_are_each_against_the_first_and_corrected(several: Path, capsys, monkeypatch) -> None:
    runs = several / "runs"
    found = tw.compare(runs / "a", tw.load(runs / "b"), str(runs / "c"), top=0)
    assert [each["run"] for each in found["compared"]] == [str(runs / "b"), str(runs / "c")]
    assert all(each["p_holm"] >= each["p"] and "Holm" in each["sentence"] for each in found["compared"])
    out, _, code = talk(capsys, monkeypatch, "compare", runs / "a", runs / "b", runs / "c", "--json", "--top", "0")
    assert code == 0 and json.loads(out) == json.loads(json.dumps(found))


def test_equal_runs_are_within_noise(several: Path, capsys, monkeypatch) -> None:
    out, _, _ = talk(capsys, monkeypatch, "compare", several / "runs" / "a", several / "runs" / "a")
    assert "within noise of each other" in out and "0 rows better, 0 worse" in out and "Settings that differ" not in out


def test_what_a_run_of_an_earlier_version_could_not_know_is_not_listed(several: Path, tmp_path: Path) -> None:
    runs = several / "runs"
    (now,) = tw.compare(runs / "a", runs / "b", top=0)["compared"]
    assert "seed" in now["settings"]
    shutil.copytree(runs / "a", tmp_path / "a")
    lines = (tmp_path / "a" / "settings.toml").read_text().splitlines(keepends=True)
    old = [line for line in lines if not line.startswith(("calibrate =", "keep =", "baselines =", "graph ="))]
    assert len(lines) - len(old) == 4
    (tmp_path / "a" / "settings.toml").write_text("".join(old))
    for order in ((tmp_path / "a", runs / "b"), (runs / "b", tmp_path / "a")):
        (each,) = tw.compare(*order, top=0)["compared"]
        assert each["settings"].keys() == now["settings"].keys()


def test_other_test_rows_are_said(several: Path) -> None:
    (each,) = tw.compare(several / "runs" / "a", several / "runs" / "z")["compared"]
    assert not each["paired"] and "none of them of both" in each["sentence"] and each["changed"] == []
    assert each["interval"][0] < each["difference"] < each["interval"][1]


def test_rows_are_known_by_content_where_files_differ(several: Path, tmp_path: Path) -> None:
    table = pl.read_csv(several / "news.csv")
    more = [(label, f"{text} more {n}") for n, (label, text) in enumerate(news_rows(100, seed=7))]
    whole = pl.concat([pl.DataFrame(more, schema=["label", "text"], orient="row"), table]).reverse()
    whole.write_csv(tmp_path / "whole.csv")
    run = tw.train(tmp_path / "whole.csv", out=tmp_path / "run", epochs=2, test_fraction=0.4, **QUIET)
    (each,) = tw.compare(several / "runs" / "a", run)["compared"]
    assert each["paired"] and each["n"] == each["of"][0] < each["of"][1] and "the others are left out" in each["sentence"]


def test_rows_that_moved_or_have_no_fingerprints_are_known_by_their_numbers(several: Path, tmp_path: Path) -> None:
    from trainwright.run.compare import Side

    shutil.copytree(several / "runs" / "b", tmp_path / "b")
    (tmp_path / "b" / "fingerprints.safetensors").unlink()
    first, second = Side.open(several / "runs" / "a"), Side.open(tmp_path / "b")
    here, there = _pairs(first, second, "test")
    assert here.tolist() == there.tolist() == list(range(len(right(several / "runs" / "a"))))


def test_the_changed_rows_as_a_table(several: Path, capsys, monkeypatch) -> None:
    runs = several / "runs"
    out, _, _ = talk(capsys, monkeypatch, "compare", runs / "a", runs / "c", "--csv", "--top", "4")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) >= 4 and set(rows[0]) >= {"run", "row", "truth", "answer_before", "answer", "change", "input"}


def test_what_cannot_be_compared(several: Path, trained, tmp_path: Path) -> None:
    for runs, code in (([several / "runs" / "a"], "E439"), ([several / "runs" / "a", tmp_path], "E403")):
        with pytest.raises(TrainwrightError) as caught:
            tw.compare(*runs)
        assert caught.value.code == code
    draw = np.random.default_rng(0)
    table = pl.DataFrame({"size": draw.normal(size=60), "price": draw.normal(size=60)})
    run = tw.train(table, label="price", target="number", out=tmp_path / "numbers", epochs=1, **QUIET)
    with pytest.raises(TrainwrightError, match="cannot be compared") as caught:
        tw.compare(several / "runs" / "a", run)
    assert caught.value.code == "E438"
    assert tw.compare(run, run)["compared"][0]["difference"] == 0.0


def test_looks_at_the_same_test_rows_are_counted(several: Path, capsys, monkeypatch) -> None:
    (found,) = tw.looks(several / "runs")
    assert [Path(run).name for run in found["runs"]] == ["a", "b", "c"] and not found["at_most"]
    out, _, _ = talk(capsys, monkeypatch, "runs", several / "runs")
    assert "test rows looked at by 3 runs here; the best of 3 is expected to be" in out and "(a, b, c)" in out
    out, _, _ = talk(capsys, monkeypatch, "runs", several / "runs", "--json")
    assert json.loads(out)["looks"] == [found]
    assert looks.of_run(several / "runs" / "b") == found and looks.of_run(several / "runs" / "z") is None


def test_other_labels_are_another_test_and_runs_that_cannot_be_told_are_counted(several: Path, tmp_path: Path) -> None:
    shutil.copytree(several / "runs" / "a", tmp_path / "a")
    table = pl.read_csv(several / "news.csv")
    table.with_columns(label=table["label"].shuffle(seed=1)).write_csv(tmp_path / "shuf.csv")
    tw.train(tmp_path / "shuf.csv", out=tmp_path / "shuf", epochs=1, test_fraction=0.4, **QUIET)
    assert tw.looks(tmp_path) == []
    (each,) = tw.compare(tmp_path / "a", tmp_path / "shuf")["compared"]
    assert not each["paired"] and each["n"] == 0  # though some have their own label again
    shutil.copytree(several / "runs" / "b", tmp_path / "old", ignore=shutil.ignore_patterns("fingerprints*"))
    (found,) = tw.looks(tmp_path)
    assert found["sentence"] == "which test rows 1 of the 3 runs here looked at is not known"
    assert found["optimism"] is None and looks.of_run(tmp_path / "a") == found
    shutil.copytree(several / "runs" / "b", tmp_path / "b")
    (found,) = tw.looks(tmp_path)
    assert len(found["runs"]) == 2 and found["sentence"].endswith("; of 1 more here it is not known")


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_labels_that_were_dealt_out_anew_are_another_test_however_they_fall(share: float, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    contents = draw.integers(1 << 48, size=400, dtype=np.uint64) << np.uint64(16)
    labels = (draw.random(400) < share).astype(np.uint64)
    corrected = np.where(draw.random(400) < 0.04, 1 - labels, labels)
    for name, these in {
        "first": labels,
        "corrected": corrected,
        **{f"{n}": draw.permutation(labels) for n in range(60)},
    }.items():
        (tmp_path / name).mkdir()
        rows = contents | these
        reached = {"n": 400, "metric": "accuracy", "score": 0.5, "deviation": 0.02}
        found = Fingerprints({"test": rows}, {"test": _described(rows) | reached})
        fingerprints.write(tmp_path / name / fingerprints.NAME, found)
    (found,) = tw.looks(tmp_path)
    assert [Path(run).name for run in found["runs"]] == ["corrected", "first"]


def test_rows_that_were_added_do_not_hide_looks(several: Path, tmp_path: Path) -> None:
    shutil.copytree(several / "runs" / "a", tmp_path / "a")
    more = [(label, f"{text} more {n}") for n, (label, text) in enumerate(news_rows(60, seed=9))]
    table = pl.concat([pl.read_csv(several / "news.csv"), pl.DataFrame(more, schema=["label", "text"], orient="row")])
    table.write_csv(tmp_path / "more.csv")
    tw.train(tmp_path / "more.csv", out=tmp_path / "b", epochs=1, test_fraction=0.4, **QUIET)
    (found,) = tw.looks(tmp_path)
    assert len(found["runs"]) == 2 and found["at_most"] and "at most" in found["sentence"]


def test_looks_among_many_runs_take_no_time(several: Path, tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"run-{number}").mkdir()
        shutil.copyfile(
            several / "runs" / "abc"[number % 3] / "fingerprints.safetensors",
            tmp_path / f"run-{number}" / "fingerprints.safetensors",
        )
    for junk, content in (("empty", b""), ("text", b"{" * 9000), ("far", b"\xff" * 100)):
        (tmp_path / junk).mkdir()
        (tmp_path / junk / "fingerprints.safetensors").write_bytes(content)
    took = []
    for _ in range(5):
        before = time.process_time()
        (found,) = tw.looks(tmp_path)
        took.append(time.process_time() - before)
    assert len(found["runs"]) == 200 and min(took) < 0.03  # 0.01 on a machine that is not busy


def test_train_says_how_often_its_test_rows_were_looked_at(several: Path, tmp_path: Path) -> None:
    shutil.copytree(several / "runs" / "a", tmp_path / "runs" / "a")
    words = (several / "news.csv", "epochs=1", "speed=off", "test_fraction=0.4", "--out", "runs/b")
    assert "looks    test rows looked at by 2 runs here" in call("train", *words, cwd=tmp_path).stdout


def test_seeds(several: Path, tmp_path: Path) -> None:
    words = (
        "train",
        several / "news.csv",
        "epochs=1",
        "speed=off",
        "test_fraction=0.4",
        "--seeds",
        3,
        "seed=0",
        "--out",
        "many",
    )
    out = call(*words, "--json", cwd=tmp_path).stdout
    found = json.loads(out.splitlines()[-1])
    runs = [tmp_path / run for run in found["runs"]]
    assert [run.name for run in runs] == ["seed-0", "seed-1", "seed-2"] and {run.parent.name for run in runs} == {"many"}
    scores = [tw.load(run).report["test"]["accuracy"] for run in runs]
    assert found["scores"] == scores and found["mean"] == pytest.approx(np.mean(scores))
    assert found["deviation"] == pytest.approx(np.std(scores, ddof=1))
    values = np.stack([right(run) for run in runs]).astype(float)
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    by_rows = (rest**2).sum() / (2 * (values.shape[1] - 1)) / values.shape[1]
    assert found["test_share"] == pytest.approx(min(by_rows / found["deviation"] ** 2, 1.0))
    assert "3 seeds: accuracy" in found["sentence"] and "so few cannot tell whether the training" in found["sentence"]
    assert len(found["sentence"].split()) < 48 and "% comes from" not in found["sentence"]
    five = spread.sentence(found | {"scores": scores + scores[:2], "test_share": 0.25})
    assert "of its variance 25 % comes from the" in five and "75 % from the training;" in five
    assert (
        json.loads(call(*words, "--resume", "--json", cwd=tmp_path).stdout.splitlines()[-1]) == found
    )  # nothing is done twice


def test_seeds_that_cannot_be_meant(several: Path, tmp_path: Path) -> None:
    source = several / "news.csv"
    for words, code in (
        (("--seeds", 1), "E320"),
        (("--seeds", 2, "seed=x"), "E320"),
        (("--seeds", 2, "--resume"), "E440"),
        (("seeds=3",), "E330"),
    ):
        assert code in call("train", source, *words, cwd=tmp_path, code=2).stderr
    assert not list(tmp_path.iterdir())
