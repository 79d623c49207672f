"""What is read of a run folder: everything that is there, and nothing breaks where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from watch_samples import make_history, make_report, write_run

from trainwright.errors import TrainwrightError
from trainwright.plain_files import LINE
from trainwright.watch import record
from trainwright.watch.events import Answers, Note, Refused, Step, to_json


def test_events_are_taken_as_they_were_last(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a run", make_report(), make_history())
    told = [Note("lr", "0.1", "why"), Step(2, 1, 9.0, 3, 0.1), Step(1, 1, 8.0, 3, 0.2), Answers(1, [], "one"),
            Refused(5, 1, "loss", "", ""), Step(2, 1, 7.0, 3, 0.1), Answers(1, [], "again"),
            Note("lr", "0.1", "why")]  # fmt: skip
    (run / "events.jsonl").write_text(
        "".join(to_json(event) + "\n" for event in told) + '{"event": "step", "st', encoding="utf-8"
    )
    found = record.read(run)
    assert [(each["step"], each["loss"], each["lr"]) for each in found.steps] == [(1, 8.0, 0.2), (2, 7.0, 0.1)]
    assert found.notes == [("lr", "0.1", "why")]
    assert found.texts == {1: "again"} and [each["step"] for each in found.refused] == [5]
    assert found.name == "a run" and found.report["model"] == "bag.v1" and len(found.history) == 3


@pytest.mark.parametrize("content", ["", "{", "null", "7", "[" * 5000, '"text"', "[1, null]"])
def test_files_that_say_nothing_are_taken_as_empty(content: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, make_report(), make_history())
    for name in ("data.json", "examples.json", "watched.json", "report.json", "settings.toml"):
        (run / name).write_text(content, encoding="utf-8")
    found = record.read(run)
    assert found.data == {} and found.examples == [] and found.steps == []
    assert found.watched == {} and found.report == {} and found.settings == {}


def test_an_empty_folder_is_an_empty_record(tmp_path: Path) -> None:
    found = record.read(tmp_path)
    assert (found.report, found.history, found.notes, found.data) == ({}, [], [], {})


def test_settings_are_read(tmp_path: Path) -> None:
    write_run(tmp_path, make_report(), [])
    (tmp_path / "settings.toml").write_text("lr = 0.5\n")
    assert record.read(tmp_path).settings == {"lr": 0.5}


@pytest.mark.parametrize(
    "line", ["2,200", "2,200,x,0.5,0.5,0.5,0.1,1,0", "1,2,3,4,5,6,7,8,9,10,11,12,13", '"' + "x" * 200_000, "\0"]
)
def test_a_history_ends_where_a_line_is_no_epoch(line: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, make_report(), make_history())
    lines = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([*lines[:2], line, *lines[2:]]) + "\n")
    assert [row["epoch"] for row in record.read(run).history] == [1]


def test_events_that_are_not_as_a_run_writes_them_are_one_message(tmp_path: Path) -> None:
    run = write_run(tmp_path, make_report(), make_history())
    for event in ('{"event": "step"}', '{"event": "step", "step": []}', '{"event": "answers", "epoch": {}}'):
        (run / "events.jsonl").write_text(event + "\n")
        with pytest.raises(TrainwrightError, match=r"E408.*events\.jsonl"):
            record.read(run)


def test_of_very_many_epochs_some_are_kept_with_the_best_and_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "CELLS", 1000)
    best, count = 7_001, 10_003
    lines = (f"{epoch},{epoch * 3},{1 / epoch},{int(epoch == best)}\n" for epoch in range(1, count + 1))
    (tmp_path / "history.csv").write_text("epoch,step,train_loss,best\n" + "".join(lines))
    found = record.read(tmp_path).history
    assert [int(row["epoch"]) for row in found] == sorted({*range(64, count, 64), best, count})
    assert [row["epoch"] for row in found if row["best"]] == [best] and found[-1]["train_loss"] == 1 / count
    assert sum(1 for _ in record.epochs(tmp_path)) == count


def test_a_history_that_nobody_wrote_takes_little_memory(tmp_path: Path) -> None:
    for text in ("," * (record.COLUMNS + 1) + "\n1\n", "epoch\n" + "x" * (LINE + 1), "epoch,loss\n" + "0,1\n" * 10_000):
        (tmp_path / "history.csv").write_text(text)
        assert len(record.read(tmp_path).history) <= 1


def test_of_very_many_events_some_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "STEPS", 1000)
    told = [Answers(epoch, [epoch], str(epoch)) for epoch in range(3001)] + [Step(step, 1, 1.0, 3, 0.1) for step in range(2500)]
    (tmp_path / "events.jsonl").write_text("".join(to_json(event) + "\n" for event in told))
    found = record.read(tmp_path)
    assert [*found.answers] == [*range(0, 3001, 4)] and [*found.texts.values()] == [*map(str, found.answers)]
    assert [each["step"] for each in found.steps] == [*range(0, 2500, 4), 2499]
