"""How sure answers are, from training to ``predict``: temperature, promises, intervals of numbers."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tomli_w
from calls import talk
from samples import reseal, reseal_checkpoint
from scipy.special import log_expit, softmax
from sklearn.linear_model import LinearRegression

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.evaluation.promises import Rung, threshold
from trainwright.plain_files import read_toml
from trainwright.store import predictions, seal
from trainwright.watch import words

QUICK: dict[str, Any] = {"speed": "off", "listen": lambda event: None, "label": "y", "valid_fraction": 0.3}
SMOOTHED = QUICK | {"epochs": 12, "label_smoothing": 0.4}  # which makes it far less sure than it could be


def table(rows: int = 1500, seed: int = 0) -> pl.DataFrame:
    """Three classes that are the harder to tell the less their columns differ; a number, and three labels."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 4))
    kind = (x[:, :3] + 0.3 * draw.normal(size=(rows, 3))).argmax(axis=1)
    names = np.array(["a", "b", "c"])
    several = ["|".join(names[row]) for row in (x[:, :3] + draw.normal(size=(rows, 3)) > 0.5)]
    columns = {f"x{place}": x[:, place] for place in range(4)}
    return pl.DataFrame({**columns, "y": names[kind], "sets": several, "number": x @ [1, 2, 3, 4] + draw.normal(size=rows)})


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("classes")
    table().drop("sets", "number").write_csv(folder / "a.csv")
    return tw.train(folder / "a.csv", out=folder / "run", **SMOOTHED)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("numbers")
    table(600).select("x0", "x1", "x2", "x3", y="number").write_csv(folder / "a.csv")
    return tw.train(folder / "a.csv", out=folder / "run", epochs=10, **QUICK)


def rows_of(run: tw.Run, split: str) -> pl.DataFrame:
    return predictions.read(run.folder.predictions).filter(pl.col("split") == split)


def kept(run: tw.Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder.model / "model.json").read_text())
    return found


def code_of(call: Any) -> str:
    with pytest.raises(TrainwrightError) as caught:
        call()
    return caught.value.code


# ---- temperature


def test_a_temperature_makes_probabilities_what_they_say_and_moves_no_answer(classes: tw.Run, tmp_path: Path) -> None:
    told, test = classes.report["calibration"], classes.report["test"]
    assert told["temperature"] < 0.8 and told["why"].startswith("fitted on ")
    assert kept(classes)["temperature"] == told["temperature"]
    assert test["ece"] < told["ece_before"] - 0.02
    plain = tw.train(classes.path.parent / "a.csv", out=tmp_path / "run", calibrate="off", **SMOOTHED)
    assert plain.report["calibration"] == {"temperature": 1.0, "why": "", "ece_before": plain.report["test"]["ece"]}
    assert told["ece_before"] == plain.report["test"]["ece"] and "temperature" not in kept(plain)
    for key in ("accuracy", "loss", "confusion", "macro_f1"):
        assert plain.report["test"][key] == test[key], key
    for split in ("valid", "test"):
        before, after = rows_of(plain, split), rows_of(classes, split)
        assert before["answer"].equals(after["answer"]) and before["loss"].equals(after["loss"])
        shares = np.log(np.stack(before["probabilities"].to_list()).astype(np.float64))
        wanted = softmax(shares / told["temperature"], axis=1)
        assert np.stack(after["probabilities"].to_list()) == pytest.approx(wanted, abs=1e-5)


def test_the_model_in_use_is_that_of_the_report(classes: tw.Run) -> None:
    source = classes.path.parent / "a.csv"
    test = rows_of(classes, "test")
    answers = classes.predict(table().drop("sets", "number").to_dicts())
    for row, answer, probability in test["row", "answer", "probability"].iter_rows():
        assert answers[row - 2] == (answer, pytest.approx(probability, abs=1e-6))
    scores = classes.evaluate(source)
    assert scores["n"] == len(test)  # the rows that it has not seen
    for key in ("ece", "ece_by_chance", "promises"):
        assert scores[key] == classes.report["test"][key], key
    assert sum(n * mean for n, mean, _ in scores["reliability"]) == pytest.approx(test["probability"].sum(), rel=1e-5)
    explained = tw.explain(classes, table().drop("sets", "number", "y").row(0, named=True))
    assert "temperature" in explained.mapping
    assert (explained.answer, explained.classes[0].probability) == (answers[0][0], pytest.approx(answers[0][1], abs=1e-6))


def test_one_temperature_for_all_labels(tmp_path: Path) -> None:
    table(900).select("x0", "x1", "x2", y="sets").write_csv(tmp_path / "a.csv")
    settings = QUICK | {"epochs": 3, "lr": 0.003}
    runs = [
        tw.train(tmp_path / "a.csv", out=tmp_path / way, calibrate=way, target="labels", **settings) for way in ("off", "on")
    ]
    off, on = (np.stack(rows_of(run, "test")["probabilities"].to_list()).astype(np.float64) for run in runs)
    by = runs[1].report["calibration"]["temperature"]
    clear = (off > 1e-6) & (off < 1 - 1e-6)
    assert by < 0.8 and runs[1].report["test"]["ece"] < runs[0].report["test"]["ece"]
    wanted = np.exp(log_expit(np.log(off[clear] / (1 - off[clear])) / by))
    assert on[clear] == pytest.approx(wanted, abs=2e-3)
    answers = [rows_of(run, "test")["answer"] for run in runs]
    assert (answers[0] == answers[1]).mean() > 0.99  # thresholds move with the probabilities
    rungs = [Rung(*each) for each in kept(runs[1])["promises"]]
    sure = next(share / 100 for share in range(90, 5, -1) if threshold(rungs, share / 100) is not None)
    items = table(900).select("x0", "x1", "x2").to_dicts()
    answers, chosen = runs[1].predict(items), runs[1].predict(items, sure=sure)
    at = threshold(rungs, sure)
    assert at is not None and 0 < sum(each is None for each in chosen) < len(items)
    for answer, each in zip(answers, chosen, strict=True):
        shares = np.array([share if label in answer.labels else 1 - share for label, share in answer.probabilities.items()])
        assert (each is None) == (round(float(shares.prod()), 9) < at)


def test_it_can_be_asked_for_only_where_there_is_validation(tmp_path: Path) -> None:
    table(60).select("x0", "x1", "y").write_csv(tmp_path / "a.csv")
    settings = QUICK | {"valid_fraction": 0.0, "epochs": 1}
    assert code_of(lambda: tw.train(tmp_path / "a.csv", out=tmp_path / "run", calibrate="on", **settings)) == "E355"
    run = tw.train(tmp_path / "a.csv", out=tmp_path / "run", **settings)
    assert "calibration" not in run.report and "promises" not in kept(run)
    assert code_of(lambda: run.predict([{"x0": 1.0, "x1": 0.0}], sure=0.9)) == "E470"
    table(60).select("x0", "x1", y="number").write_csv(tmp_path / "b.csv")
    assert code_of(lambda: tw.train(tmp_path / "b.csv", out=tmp_path / "b", calibrate="on", **settings)) == "E263"


def test_scores_on_a_file_are_not_told_with_those_of_other_rows(classes: tw.Run, capsys: Any, monkeypatch: Any) -> None:
    out, _, code = talk(capsys, monkeypatch, "evaluate", classes.path, classes.path.parent / "a.csv")
    assert code == 0 and "calibration error" in out and "without the temperature" not in out
    out, _, _ = talk(capsys, monkeypatch, "evaluate", classes.path)
    assert f"without the temperature {words.number(classes.report['calibration']['temperature'])}" in out


# ---- promises


def test_promises_are_those_of_the_validation_rows_and_checked_on_test(classes: tw.Run) -> None:
    valid, test = rows_of(classes, "valid"), rows_of(classes, "test")
    rungs = [Rung(*each) for each in kept(classes)["promises"]]
    for rung in rungs[:-1]:
        some = valid.filter(pl.col("probability") >= np.float32(rung.threshold))
        assert (rung.rows, rung.wrong) == (len(some), int((some["answer"] != some["truth"]).sum()))
    assert rungs[-1] == Rung(0.0, len(valid), int((valid["answer"] != valid["truth"]).sum()))
    told = {each["sure"]: each for each in classes.report["test"]["promises"]}
    assert list(told) == [0.9, 0.95, 0.97, 0.99]
    assert any(each["threshold"] is None for each in told.values())
    for sure, each in told.items():
        at = threshold(rungs, sure)
        assert each["threshold"] == at
        if at is not None:
            some = test.filter(pl.col("probability") >= np.float32(at))
            assert each["n"] == len(some) and each["answered"] == pytest.approx(len(some) / len(test))
            assert each["right"] == (some["answer"] == some["truth"]).mean() > each["at_least"]


def sure_of(run: tw.Run) -> float:
    """A promise that some rows are too unsure for."""
    rungs = [Rung(*each) for each in kept(run)["promises"]]
    return next(share / 100 for share in range(99, 50, -1) if threshold(rungs, share / 100) is not None)


def test_only_sure_answers_are_given(classes: tw.Run, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    sure = sure_of(classes)
    at = threshold([Rung(*each) for each in kept(classes)["promises"]], sure)
    frame = table().drop("sets", "number", "y")[:40]
    plain = classes.predict(frame)
    assert at is not None
    wanted = [answer if answer[1] >= at else None for answer in plain]
    assert classes.predict(frame, sure=sure) == wanted and 0 < wanted.count(None) < 40
    frame.write_csv(tmp_path / "new.csv")
    out, err, code = talk(capsys, monkeypatch, "predict", classes.path, tmp_path / "new.csv", "--sure", sure)
    shown = pl.read_csv(io.StringIO(out))
    assert code == 0 and f"for a person: {wanted.count(None)} of 40 (row " in err
    assert shown["sure"].to_list() == [answer is not None for answer in wanted]
    assert shown["predicted"].to_list() == [answer and answer[0] for answer in wanted]
    out, _, _ = talk(capsys, monkeypatch, "predict", classes.path, tmp_path / "new.csv", "--sure", sure, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["label"] for line in lines] == [answer and answer[0] for answer in wanted]
    assert [line["sure"] for line in lines] == [answer is not None for answer in wanted]
    row = [f"{name}={value}" for name, value in frame.row(wanted.index(None), named=True).items()]
    out, err, _ = talk(capsys, monkeypatch, "predict", classes.path, " ".join(row), "--sure", sure)
    assert out.startswith("?\t0.") and "for a person: 1 of 1 (row 1)" in err
    found = classes.predict(tmp_path / "new.csv", sure=sure)
    assert found.answers == wanted and found.sure == [answer is not None for answer in wanted]


def test_what_cannot_be_promised_is_said(classes: tw.Run, numbers: tw.Run, capsys: Any, monkeypatch: Any) -> None:
    row = {"x0": 0.0, "x1": 0.0, "x2": 0.0, "x3": 0.0}
    best = sure_of(classes)
    _, err, code = talk(capsys, monkeypatch, "predict", classes.path, "x0=1 x1=0 x2=0 x3=0", "--sure", "0.999")
    assert code == 2 and err.startswith("E471") and f"--sure {best:.2f}" in err
    assert code_of(lambda: classes.predict([row], sure=97)) == "E356"
    assert code_of(lambda: classes.predict([row], interval=0.9)) == "E357"
    assert code_of(lambda: numbers.predict([row], sure=0.9)) == "E357"
    assert code_of(lambda: numbers.predict([row], interval=0.9999)) == "E472"


# ---- numbers


def test_intervals_are_those_of_the_errors_on_validation(
    numbers: tw.Run, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    valid, test = rows_of(numbers, "valid"), rows_of(numbers, "test")
    errors = np.sort(np.abs((valid["answer"] - valid["truth"]).to_numpy()))
    half = errors[int(np.ceil((len(errors) + 1) * 0.9)) - 1]
    told = numbers.report["test"]["prediction_interval"]
    assert told["share"] == 0.9 and told["half_width"] == pytest.approx(half, rel=1e-4)
    held = ((test["answer"] - test["truth"]).abs() <= half).mean()
    assert told["coverage"] == pytest.approx(held, abs=0.01) and told["interval"][0] < told["coverage"] < told["interval"][1]
    frame = table(5, seed=1).select("x0", "x1", "x2", "x3")
    plain = numbers.predict(frame)
    for answer, (value, lower, upper) in zip(plain, numbers.predict(frame, interval=0.9), strict=True):
        assert value == answer and (value - lower, upper - value) == pytest.approx((half, half), rel=1e-4)
    frame.write_csv(tmp_path / "new.csv")
    out, _, _ = talk(capsys, monkeypatch, "predict", numbers.path, tmp_path / "new.csv", "--interval", 0.9)
    shown = pl.read_csv(io.StringIO(out))
    assert (shown["upper"] - shown["predicted"]).to_numpy() == pytest.approx(np.full(5, half), rel=1e-4)
    out, _, _ = talk(capsys, monkeypatch, "predict", numbers.path, "x0=1 x1=1 x2=1 x3=1", "--interval", 0.9, "--json")
    line = json.loads(out)
    assert line["upper"] - line["lower"] == pytest.approx(2 * half, rel=1e-4)
    assert LinearRegression().fit(frame, plain).score(frame, plain) > 0.5  # it has learned something


# ---- runs and bundles of an earlier version


def earlier(run: tw.Run, folder: Path) -> tw.Run:
    """The same run as a version without any of this would have written it."""
    shutil.copytree(run.path, folder)
    found = tw.load(folder)
    model, report = kept(found), found.report
    for key in ("temperature", "promises"):
        model.pop(key, None)
    report.pop("calibration")
    for key in ("ece", "ece_by_chance", "reliability", "promises"):
        report["test"].pop(key)
    report["machine"]["code"] = "earlier"
    settings = read_toml(found.folder.settings)
    del settings["calibrate"]
    (found.folder.model / "model.json").write_text(json.dumps(model))
    found.folder.report.write_text(json.dumps(report))
    found.folder.settings.write_text(tomli_w.dumps(settings))
    for place in found.folder.checkpoints.glob("step-*"):
        values = json.loads((place / "state.json").read_text())
        del values["settings"]["calibrate"]
        (place / "state.json").write_text(json.dumps(values))
        reseal_checkpoint(place)
    reseal(found.folder.model)
    found.folder.seal.write_bytes(seal.of(folder, {}, found.folder.lasting()).text())
    return found


def test_what_an_earlier_version_wrote_is_as_it_was(classes: tw.Run, tmp_path: Path) -> None:
    source = classes.path.parent / "a.csv"
    plain = tw.train(source, out=tmp_path / "off", calibrate="off", **SMOOTHED)
    old = earlier(plain, tmp_path / "old")
    frame = table().drop("sets", "number", "y")[:20]
    assert old.predict(frame) == plain.predict(frame)
    assert code_of(lambda: old.predict(frame, sure=0.8)) == "E470"
    assert tw.verify(old).wrong == []
    assert tw.replay(old).wrong == []
    more = tw.resume(old, epochs=13, listen=lambda event: None)
    assert more.report["epochs"] == 13 and more.report["calibration"]["temperature"] == 1.0
    assert tw.verify(more).wrong == []


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": 0},
        {"temperature": -1.0},
        {"promises": [[0.5, 10]]},
        {"promises": [[0.5, 10, 11]]},
        {"promises": [[2, 10, 1]]},
        {"promises": [[0.5, 1e18, 1]]},
        {"promises": [[0.5, 1.5, 1]]},
        {"promises": [[0.5, 10, 1]] * 101},
    ],
)
def test_what_no_training_would_have_kept_is_refused(classes: tw.Run, tmp_path: Path, values: dict[str, Any]) -> None:
    shutil.copytree(classes.path, tmp_path / "run")
    found = tw.load(tmp_path / "run")
    (found.folder.model / "model.json").write_text(json.dumps(kept(found) | values))
    reseal(found.folder.model)
    assert code_of(lambda: found.predictor) == "E404"
