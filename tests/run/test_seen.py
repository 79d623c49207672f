"""Rows that a run has seen are known again, in whatever file and form they come."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from calls import call, talk
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.store import fingerprints
from trainwright.store.fingerprints import Fingerprints


@pytest.fixture(scope="module")
def distinct(tmp_path_factory: pytest.TempPathFactory) -> tuple[tw.Run, pl.DataFrame]:
    """A run on 400 texts that all differ, and these rows with their split."""
    folder, draw = tmp_path_factory.mktemp("distinct"), random.Random(0)
    rows = [(label, f"{text} {draw.randrange(10**9)}") for label, text in news_rows(400)]
    source = write_csv(folder / "news.csv", rows)
    run = tw.train(source, out=folder / "run", listen=lambda event: None, epochs=2, speed="off")
    there = pl.read_parquet(run.path / "predictions.parquet").select("split", "row")
    frame = pl.read_csv(source).with_row_index("row", offset=2).join(there.cast({"row": pl.UInt32}), on="row", how="left")
    return run, frame.with_columns(pl.col("split").cast(pl.String).fill_null("train"))


def test_rows_of_each_split_are_counted_and_measured_apart(distinct, tmp_path: Path) -> None:
    run, frame = distinct
    new = pl.DataFrame({"label": ["sport", "money"], "text": ["a wholly new goal", "bank shares never seen"]})
    frame.select("label", "text").vstack(new).write_csv(tmp_path / "other.csv")
    found = tw.evaluate(run, tmp_path / "other.csv")
    counts = dict(frame["split"].value_counts().iter_rows())
    assert (found["trained_on"], found["validated_on"], found["tested_on"]) == (
        counts["train"],
        counts["valid"],
        counts["test"],
    )
    assert found["n"] == counts["test"] + 2 and not found["other_label"]
    train = frame.filter(pl.col("split") == "train")
    answers = [label for label, _ in run.predict(train["text"].to_list())]
    assert found["apart"]["trained_on"]["accuracy"] == np.mean(train["label"].to_numpy() == np.array(answers))
    assert found == tw.evaluate(run, pl.read_csv(tmp_path / "other.csv"))  # data in memory as well


def test_letter_case_marks_and_labels_do_not_hide_a_row(distinct, capsys, monkeypatch, tmp_path: Path) -> None:
    run, frame = distinct
    train = frame.filter(pl.col("split") == "train").head(30)
    shouted = train.select(pl.col("label"), text=pl.col("text").str.to_uppercase() + " ... !")
    turned = shouted.with_columns(label=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("space")).otherwise("label"))
    wrong = int((turned["label"] != shouted["label"]).sum())
    turned.write_csv(tmp_path / "shouted.csv")
    found = tw.evaluate(run, tmp_path / "shouted.csv")
    assert (found["trained_on"], found["n"], found["other_label"], found["accuracy"]) == (30, 0, wrong, None)
    out, _, code = talk(capsys, monkeypatch, "evaluate", run.path, tmp_path / "shouted.csv")
    assert code == 0 and out.startswith("of 30 rows 30 were trained on") and "none is new" in out and "test accuracy" not in out
    assert f"{wrong} of them under another label" in out


def test_the_headline_comes_first(distinct, tmp_path: Path) -> None:
    run, frame = distinct
    frame.head(200).select("label", "text").write_csv(tmp_path / "first.csv")
    shown = call("evaluate", run.path, "first.csv", cwd=tmp_path).stdout
    assert "their score is no measure of new data" in shown.splitlines()[0] and "Rows that are not new" in shown
    found = json.loads(call("evaluate", run.path, "first.csv", "--json", cwd=tmp_path).stdout)
    assert found["trained_on"] > 100 and found["apart"]["trained_on"]["n"] == found["trained_on"]


def test_what_an_earlier_run_was_trained_on_is_known_too(distinct, tmp_path: Path) -> None:
    run, frame = distinct
    more = write_csv(
        tmp_path / "more.csv", [(label, f"{text} more {n}") for n, (label, text) in enumerate(news_rows(60, seed=3))]
    )
    on = tw.train(more, from_run=run.path, out=tmp_path / "on", listen=lambda event: None, epochs=1)
    frame.select("label", "text").write_csv(tmp_path / "old.csv")
    assert tw.evaluate(on, tmp_path / "old.csv")["trained_on"] == (frame["split"] == "train").sum()


def test_a_run_of_an_earlier_version_cannot_tell(trained, capsys, monkeypatch, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained.path, tmp_path / "old")
    (tmp_path / "old" / "fingerprints.safetensors").unlink()
    source = write_csv(tmp_path / "rows.csv", news_rows(30))
    found = tw.evaluate(tmp_path / "old", source)
    assert found["trained_on"] is None and found["n"] == 30
    out, _, _ = talk(capsys, monkeypatch, "evaluate", tmp_path / "old", source)
    assert "cannot be told" in out.splitlines()[0]
    (tmp_path / "old" / "fingerprints.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0" + b"x" * 40)
    with pytest.raises(TrainwrightError) as caught:
        tw.evaluate(tmp_path / "old", source)
    assert caught.value.code == "E408"


def test_fingerprints_are_written_the_same_and_verified(distinct, tmp_path: Path) -> None:
    run, _ = distinct
    kept = fingerprints.read(run.folder.fingerprints)
    assert kept is not None and kept.of("train").dtype == np.uint64
    fingerprints.write(tmp_path / "again", kept)
    facts = {key: value for key, value in kept.facts.items() if key != "format"}
    fingerprints.write(tmp_path / "twice", Fingerprints(kept.arrays, facts))
    assert (tmp_path / "twice").read_bytes() == run.folder.fingerprints.read_bytes()
    proof = tw.verify(run)
    assert not proof.wrong and "fingerprints" in [note.what for note in proof.checked]


def test_running_text_is_known_by_its_passages(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = [f"w{n}" for n in range(300)]
    lines = [" ".join(draw.choices(words, k=12)) + "\n" for _ in range(400)]
    (tmp_path / "text.txt").write_text("".join(lines))
    settings = {"tokenizer": "words", "epochs": 1, "model": {"name": "lstm", "hidden": 8, "layers": 1}, "batch_size": 4}
    run = tw.train(tmp_path / "text.txt", out=tmp_path / "run", listen=lambda event: None, **settings)
    new = [" ".join(draw.choices(words, k=12)) + "\n" for _ in range(100)]
    (tmp_path / "mixed.txt").write_text("".join(new[:50] + lines[100:200] + new[50:]))
    found = tw.evaluate(run, tmp_path / "mixed.txt")
    assert 0.85 * 1300 < found["trained_on"] < 1.01 * 1300 and found["n"] + found["trained_on"] == 200 * 13
    assert found["apart"]["trained_on"]["n"] == found["trained_on"] and found["perplexity"] > 1
