"""What is told of one run folder while it is written, after it was resumed, and when its files are not what they should be."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from live_samples import LABELS, Writing

import trainwright
from trainwright.live.run import KEPT, POINTS, Followed
from trainwright.watch.events import Epoch as EpochEvent
from trainwright.watch.events import EventLog, Finished, Note, Resumed, Scores, Started, Step

Begin = Callable[..., Writing]


def lossby(found: dict) -> list:
    """Return [step, loss] of the updates told."""
    return [[step, loss] for step, loss, *_ in found["bystep"]]


def looked(run: Followed) -> dict:
    run.look()
    return json.loads(json.dumps(run.detail(), allow_nan=False))


def test_a_run_from_before_its_first_step_to_its_report(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    run = Followed(writing.path)
    assert looked(run)["phase"] == "preparing"
    writing.start()
    writing.steps(1, 10)
    found = looked(run)
    assert (found["phase"], found["step"], found["epoch"], found["done"]) == ("training", 10, 1, 0.25)
    assert lossby(found) == [[step, 1 / step] for step in range(1, 11)]
    assert (found["model"], found["source"], found["table"]) == ("bag", "news.csv", [])
    writing.epoch(1, 0.5)
    found = looked(run)
    assert found["columns"][2] == ["valid", "loss", "loss"] and found["lead"] == "accuracy"
    assert found["table"][0]["values"] == [1.0, 0.5, 1.1, 0.4]
    assert found["table"][0]["cells"] == ["1.0000", "50.00 %", "1.1000", "40.00 %", "0.1000", "2.0 s"]
    version = run.version
    run.look()
    assert run.version == version, "nothing was written, so there is no news"
    for epoch in (2, 3, 4):
        writing.steps(10 * epoch - 9, 10 * epoch)
        writing.epoch(epoch)
    writing.log.append(Finished("epochs", 40, 4, 4, 8.0))
    assert looked(run)["phase"] == "finishing" and looked(run)["report"] == {}
    writing.finish()
    found = looked(run)
    assert (found["phase"], found["gone"], found["pages"], found["left"]) == ("ended", 8.0, ["report"], None)
    assert found["report"]["facts"][0]["name"] == "test accuracy" and found["best"]["epoch"] == 4


def test_pace_and_time_left_follow_from_when_the_file_grew(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run", epochs=100)
    run = Followed(writing.path)
    writing.start()
    for number, when in enumerate((1000, 1005, 1010)):  # 100 updates each time; the log keeps every fifth
        writing.steps(100 * number + 1, 100 * number + 100)
        os.utime(writing.path / "events.jsonl", (when, when))
        found = looked(run)
    assert found["speed"] == pytest.approx(20)  # updates a second
    assert found["throughput"] == pytest.approx(20 * 32)  # rows
    assert found["left"] == pytest.approx(700 / 20)


def test_without_news_to_measure_by_the_last_epoch_tells_the_pace(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    writing.start()
    for epoch in (1, 2):
        writing.steps(10 * epoch - 9, 10 * epoch)
        writing.epoch(epoch)
    found = looked(Followed(writing.path))
    assert found["speed"] == pytest.approx(10 / 2.0) and found["left"] == pytest.approx(20 / 5)


def test_rate_and_norm_of_the_gradient_are_told_by_step(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    run = Followed(writing.path)
    writing.start()
    writing.log.append(Step(1, 1, 0.7, 32, 0.1))  # as in runs of earlier versions
    assert looked(run)["norm"] is None
    writing.log.append(Step(2, 1, 0.5, 32, 0.05, norm=2.5))
    found = looked(run)
    assert found["norm"] == 2.5 and found["bystep"] == [[1, 0.7, 0.1, None], [2, 0.5, 0.05, 2.5]]


def test_a_resumed_run_tells_what_came_last(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    run = Followed(writing.path)
    writing.start()
    writing.steps(1, 10)
    writing.epoch(1, 0.5)
    kept = writing.log.position()
    writing.answers(1, 0.9)
    writing.steps(11, 20)
    writing.epoch(2, 0.6)
    writing.log.append(Note("stopped", "SIGTERM", "after step 20; go on with: trainwright resume"))
    assert looked(run)["phase"] == "stopped" and "trainwright resume" in looked(run)["note"]
    writing.log.close()
    writing.log = EventLog(writing.path / "events.jsonl", writing.path / "history.csv", kept)
    writing.log.append(Resumed(10, 1, "step-10"))
    writing.start()
    writing.steps(11, 25, scale=7.0)
    writing.epoch(2, 0.8)
    found = looked(run)
    assert found["phase"] == "training"
    assert lossby(found) == [[step, (1.0 if step <= 10 else 7.0) / step] for step in range(1, 26)]
    assert [row["values"][1] for row in found["table"]] == [0.8, 0.5]


def test_steps_and_epochs_that_come_twice_in_one_file_count_as_they_came_last(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    writing.start()
    writing.steps(1, 9)
    writing.steps(5, 7, scale=3.0)
    for epoch, accuracy in ((1, 0.5), (2, 0.6), (1, 0.7)):
        writing.epoch(epoch, accuracy)
        writing.answers(epoch, accuracy)
    found = looked(run := Followed(writing.path))
    assert lossby(found) == [[1, 1.0], [2, 0.5], [3, 1 / 3], [4, 0.25], [5, 0.6], [6, 0.5], [7, 3 / 7]]
    assert [(row["epoch"], row["values"][1]) for row in found["epochrows"]] == [(1, 0.7)]
    assert [(each["epoch"], each["answers"][0][0][1]) for each in run.watched()["epochs"]] == [(1, 0.7)]


def test_watched_rows_keep_few_epochs_and_the_newest(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run", epochs=500)
    run = Followed(writing.path)
    writing.answers(0, 0.4, 0.3)
    run.look()
    writing.watched(["a goal", {"price": 2.5}])  # they come later than the first answers
    for epoch in range(1, 501):
        writing.answers(epoch, epoch / 500, 0.25)
    run.look()
    found = run.watched()
    assert found["labels"] == LABELS and [row["input"] for row in found["rows"]] == ["a goal", {"price": 2.5}]
    epochs = [each["epoch"] for each in found["epochs"]]
    assert len(epochs) <= KEPT + 1 and epochs[0] == 0 and epochs[-1] == 500 and epochs == sorted(epochs)
    assert found["epochs"][-1]["answers"] == [[[0, 1.0], [1, 0.0]], [[2, 0.75], [1, 0.25]]]


def test_a_finished_run_says_what_its_files_say(trained: trainwright.Run) -> None:
    found = looked(Followed(trained.path))
    with (trained.path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    report = trained.report
    assert found["phase"] == "ended" and found["step"] == report["steps"] and found["best"]["epoch"] == report["best_epoch"]
    names = [f"{part}_{name}" for part, name, _ in found["columns"]]
    assert [row["values"] for row in found["epochrows"]] == [
        [float(row[name]) if row[name] else None for name in names] for row in rows
    ]
    assert found["report"]["facts"][0]["value"] == f"{100 * report['test']['accuracy']:.2f} %"
    assert "report" in found["pages"]


def test_a_run_of_fit_has_ended_when_its_training_has(tmp_path: Path, begin: Begin) -> None:
    writing = begin(tmp_path / "run")
    (writing.path / "settings.toml").rename(writing.path / "call.json")
    writing.start()
    assert looked(Followed(writing.path))["phase"] == "training"
    writing.log.append(Finished("epochs", 40, 4, 4, 8.0))
    found = looked(Followed(writing.path))
    assert found["phase"] == "ended" and found["model"] == "a network of one's own"


def test_a_run_of_very_many_epochs_stays_small(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run", epochs=20_000)
    writing.start()
    for epoch in range(1, 20_001):
        writing.epoch(epoch)
    found = looked(run := Followed(writing.path))
    for _ in range(3):
        found = looked(run)
    assert len(found["epochrows"]) <= POINTS + 1 and found["epochrows"][-1]["epoch"] == 20_000
    assert len(json.dumps(found)) < 200_000


ODD = b'{"labels": [1, null], "rows": [{"truth": NaN, "input": {"a": 1e400, "b": -Infinity}}]}'
HOSTILE = [
    "null", "[]", "7", '"x"', "{", "{}", '{"event": 3}', '{"event": "step"}', '{"event": "step", "step": "a", "epoch": 1}',
    '{"event": "step", "step": -5, "epoch": 1, "loss": 1, "rows": 1, "lr": 1}', "[" * 100_000,
    '{"event": "answers", "epoch": 1}',
    '{"event": "answers", "epoch": 1, "answers": [[["<b>", 2]]]}', '{"event": "answers", "epoch": 1, "answers": {"a": 1}}',
    '{"event": "started", "epochs": 1e400, "steps": 1, "steps_per_epoch": 1, "rows": 1}', '{"event": "note"}',
    '{"event": "step", "step": ' + "9" * 5000 + ', "epoch": 1, "loss": 1, "rows": 1, "lr": 1}', "\ud800\x00\x1b[31m",
]  # fmt: skip


def test_lines_that_are_no_events_are_passed_over(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    writing.start()
    writing.steps(1, 2)
    with (writing.path / "events.jsonl").open("ab") as file:
        file.write("\n".join(HOSTILE).encode("utf-8", "surrogatepass") + b"\n\xff\xfe\n")
    with (writing.path / "history.csv").open("ab") as file:
        file.write(b"epoch,step\nx,y,z\n,,,,,\n\xff\n" + b'"' * 50 + b"\n")
    writing.log.append(Step(3, 1, float("nan"), 32, float("inf")))
    writing.log.append(Started(4, 40, 10, 320))
    for name in ("report.json", "watched.json", "settings.toml", "data.json"):
        for content in (b"", b"[1]", b"\xff", b'{"rows": [1], "labels": 3}', b"[" * 50_000, ODD):
            (writing.path / name).write_bytes(content)
            run = Followed(writing.path)
            found = looked(run)
            json.dumps(run.watched(), allow_nan=False)
    assert lossby(found) == [[1, 1.0], [2, 0.5], [3, None]] and found["phase"] == "training"


def test_a_metric_of_ones_own_may_be_called_anything(begin: Begin, tmp_path: Path) -> None:
    writing = begin(tmp_path / "run")
    train, valid = Scores(1.0, None, 1), Scores(2.0, None, 1, {'<b>"odd", \x1b': float("nan")})
    writing.log.append(EpochEvent(1, 10, train, valid, 0.1, 1.0, False))
    found = looked(Followed(writing.path))
    assert found["columns"][-1] == ["valid", '<b>"odd", \x1b', '<b>"odd", \ufffd'] and found["table"][0]["values"][-1] is None


def test_looking_leaves_no_trace(trained: trainwright.Run, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "run")

    def state() -> dict:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in (tmp_path / "run").rglob("*")}

    before = state()
    run = Followed(tmp_path / "run")
    run.look()
    run.detail(), run.watched()
    assert state() == before
