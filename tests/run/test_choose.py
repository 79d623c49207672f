"""Candidates measured out of fold: what is taken, that nothing leaks, and that it can be repeated and gone on with."""

from __future__ import annotations

import csv
import json
import random
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.evaluation import choice
from trainwright.evaluation.intervals import Units
from trainwright.store import seal
from trainwright.watch.events import Event

QUICK: dict[str, Any] = {"device": "cpu", "speed": "off"}


def exclusive(rows: int, noise: float = 0.05) -> list[tuple[str, str, str, str]]:
    """(label, first, second, spare): whether exactly one of two numbers is above a half, which no line tells."""
    draw = random.Random(5)
    found = []
    for _ in range(rows):
        first, second, spare = (draw.random() for _ in range(3))
        label = ((first > 0.5) != (second > 0.5)) != (draw.random() < noise)
        found.append(("yes" if label else "no", f"{first:.5f}", f"{second:.5f}", f"{spare:.5f}"))
    return found


def write_table(path: Path, rows: int) -> Path:
    return write_csv(path, exclusive(rows), ("label", "first", "second", "spare"))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tw.Run, list[Event]]:
    """A source, the run that was chosen on it, and what was said."""
    folder, said = tmp_path_factory.mktemp("choose"), list[Event]()
    source = write_table(folder / "table.csv", 300)
    run = tw.train(source, choose="auto", out=folder / "run", listen=said.append, **QUICK)
    return source, run, said


def test_what_tells_more_is_taken_and_said(table: tuple[Path, tw.Run, list[Event]]) -> None:
    _, run, said = table
    found = json.loads((run.path / "choice.json").read_text())
    by_name = {each["name"]: each for each in found["candidates"]}
    taken = by_name[found["taken"]]
    assert taken["name"] != "linear" and by_name["linear"]["error"] > taken["error"] + 0.1
    told = {event.value.partition(":")[0]: event.why for event in said if event.kind == "note" and event.what == "candidate"}
    assert told.keys() == by_name.keys() and told[taken["name"]].startswith("taken") and "behind by" in told["linear"]
    assert tomllib.loads((run.path / "settings.toml").read_text())["choose"] == "off"
    assert not (run.path / "candidates").exists()


def test_every_row_but_those_of_the_test_is_learned_from_and_judged(table: tuple[Path, tw.Run, list[Event]]) -> None:
    _, run, _ = table
    report = run.report
    assert report["rows"]["train"] + report["rows"]["test"] == 300 and "valid" not in report["rows"]
    assert report["folds"] == 5 and report["valid"]["n"] == report["rows"]["train"]
    rows = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "valid")
    assert rows["row"].n_unique() == report["valid"]["n"]
    assert (rows["truth"] == rows["answer"]).mean() == pytest.approx(report["valid"]["accuracy"])


def test_it_is_repeated_verified_and_used(table: tuple[Path, tw.Run, list[Event]]) -> None:
    source, run, _ = table
    assert not tw.verify(run).wrong and not tw.replay(run).wrong
    assert run.predict({"first": 0.9, "second": 0.1, "spare": 0.3})[0][0] == "yes"
    again = tw.train(source, choose="auto", out=run.path, resume=True, **QUICK)
    assert again.path == run.path


def test_a_damaged_part_is_named(table: tuple[Path, tw.Run, list[Event]], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(table[1].path, copy)
    part = next((copy / "folds").iterdir())
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert any(part.name in each for each in tw.verify(copy).wrong)
    seal.renew(copy, [part])
    assert any("4 whole parts of 5" in each for each in tw.verify(copy).wrong)


def test_of_labels_without_meaning_nothing_is_told_out_of_fold(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [(draw.choice("ab"), text) for _, text in news_rows(240)]
    run = tw.train(write_csv(tmp_path / "rows.csv", rows), folds=4, epochs=8, out=tmp_path / "run", **QUICK)
    with (run.path / "history.csv").open() as file:
        assert float([*csv.DictReader(file)][-1]["train_accuracy"]) > 0.9, "it learned them by heart"
    n = run.report["valid"]["n"]
    assert abs(run.report["valid"]["accuracy"] - 0.5) < 3 * 0.5 / np.sqrt(n)


def test_what_an_earlier_training_kept_is_not_taken_for_rows_out_of_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    source = write_csv(tmp_path / "rows.csv", news_rows(120))
    plain = tw.train(source, epochs=1, out=tmp_path / "plain", **QUICK).report["rows"]
    rows = tw.train(source, choose="auto", epochs=1, out=tmp_path / "run", **QUICK).report["rows"]
    assert rows["train"] == plain["train"] + plain["valid"] and "valid" not in rows


def test_only_what_is_left_open_is_tried(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "rows.csv", news_rows(120))
    given = {"model": {"name": "bag", "ngrams": 2}, "choose": "auto", "epochs": 1, **QUICK}
    run = tw.train(source, out=tmp_path / "pairs", **given)
    tried = json.loads((run.path / "choice.json").read_text())["candidates"]
    assert {each["settings"].get("model", {}).get("ngrams", 2) for each in tried} == {2}
    assert not (
        tw.train(source, model="lstm", choose="auto", steps=1, out=tmp_path / "lstm", **QUICK).path / "choice.json"
    ).exists()


def test_more_rows_keep_some_for_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwright.run import choose

    monkeypatch.setattr(choose, "FEW", 100)
    monkeypatch.setattr(choose, "SAMPLE", 90)
    run = tw.train(write_table(tmp_path / "table.csv", 240), choose="auto", epochs=2, out=tmp_path / "run", **QUICK)
    found = json.loads((run.path / "choice.json").read_text())
    assert not found["whole"] and found["candidates"][0]["rows"] <= 90
    assert run.report["rows"]["valid"] and "folds" not in run.report and not (run.path / "folds").exists()
    assert not tw.verify(run).wrong and not tw.replay(run).wrong


def test_a_run_that_goes_on_for_longer_is_judged_anew(tmp_path: Path) -> None:
    source = write_table(tmp_path / "table.csv", 80)
    longer, shorter = tmp_path / "longer", tmp_path / "shorter"
    tw.train(source, folds=3, epochs=4, schedule=[], out=longer, **QUICK)
    tw.train(source, folds=3, epochs=1, schedule=[], out=shorter, **QUICK)
    before = tw.load(shorter).report["valid"]["loss"]
    on = tw.resume(shorter, epochs=4)
    assert on.report["valid"] == tw.load(longer).report["valid"] and on.report["valid"]["loss"] != before
    assert not tw.verify(on).wrong


def test_a_run_that_had_nothing_to_choose_goes_on(tmp_path: Path) -> None:
    source = write_table(tmp_path / "table.csv", 40)
    run = tw.train(source, choose="auto", epochs=1, out=tmp_path / "run", **QUICK)
    assert tw.resume(run.path, epochs=2).report["epochs"] == 2


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"folds": 5, "valid_fraction": 0.2}, "E570"),
        ({"folds": 5, "split": "time:day"}, "E571"),
        ({"folds": 1}, "E302"),
        ({"choose": "auto", "optimizer": {"name": "SGD", "momentum": -1.0}}, "E312"),
    ],
)
def test_what_cannot_be_leaves_nothing(tmp_path: Path, settings: dict[str, Any], code: str) -> None:
    rows = [(label, text, f"2026-01-{1 + place % 28:02}") for place, (label, text) in enumerate(news_rows(100))]
    source = write_csv(tmp_path / "rows.csv", rows, ("label", "text", "day"))  # type: ignore[arg-type]
    with pytest.raises(TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run", **QUICK, **settings)
    assert caught.value.code == code and caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_difference_and_its_error() -> None:
    draw = np.random.default_rng(0)
    one, other = draw.random(50), draw.random(50)
    more, spread = choice.difference(one, other)
    assert more == pytest.approx((one - other).mean())
    assert spread == pytest.approx((one - other).std(ddof=1) / np.sqrt(50))
    twice = Units(np.repeat(np.arange(50), 2))
    assert choice.difference(np.repeat(one, 2), np.repeat(other, 2), twice) == pytest.approx((more, spread))


def test_within_noise_the_first_is_the_best() -> None:
    right = np.zeros(100)
    one_wrong, many_wrong = right.copy(), right.copy()
    one_wrong[3] = 1
    many_wrong[:40] = 1
    other = np.roll(one_wrong, 5)
    assert choice.best([one_wrong, other], None) == 0 and choice.best([many_wrong, right], None) == 1
    assert choice.hopeless(many_wrong, right, None) and not choice.hopeless(one_wrong, other, None)
