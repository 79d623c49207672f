"""What a run writes of itself as it goes: of a long one bounded, and read again whole."""

from __future__ import annotations

from pathlib import Path

from trainwright.run import verify
from trainwright.store.run_folder import RunFolder
from trainwright.watch import record
from trainwright.watch.events import Answers, Epoch, EventLog, Scores, Started, Step

EPOCHS = 10_000


def train(log: EventLog, epochs: range, planned: int = 0) -> None:
    """A training of one update an epoch, and as many planned."""
    log.append(Started(planned, planned, 1, 60))
    for epoch in epochs:
        log.append(Step(epoch, epoch, 1 / epoch, 60, 0.1))
        log.append(Answers(epoch, [[[0, 1 / epoch], [1, 0.12345], [2, 0.23456], [3, 0.34567], [4, 0.45678]]] * 24))
        log.append(Epoch(epoch, epoch, Scores(1 / epoch, 0.5, 60), Scores(2 / epoch, 0.25, 12), 0.1, 0.001, best=True))


def test_ten_thousand_epochs_are_read_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    log = EventLog(run.events, run.history)
    log.append(Answers(0, [0] * 24))
    train(log, range(1, EPOCHS + 1))
    log.close()
    found = record.read(tmp_path)
    assert [int(row["epoch"]) for row in found.history] == [*range(1, EPOCHS + 1)]
    assert run.events.stat().st_size < 8 << 20
    assert [*found.answers][:3] == [0, 8, 16] and max(found.answers) > 0.99 * EPOCHS
    assert len(found.steps) < 2000 and found.steps[-1]["step"] > 0.99 * EPOCHS
    assert verify._untold(run) == []
    text = run.history.read_text()
    run.history.write_text(text.replace("\n9999,9999,", "\n9999,9998,"))
    assert "epoch 9999" in verify._untold(run)[0]


def test_where_a_run_is_stopped_changes_nothing_of_what_is_written(tmp_path: Path) -> None:
    whole = RunFolder(tmp_path)
    log = EventLog(whole.events, whole.history)
    train(log, range(1, 2501))
    log.close()
    (tmp_path / "other").mkdir()
    stopped = RunFolder(tmp_path / "other")
    log = EventLog(stopped.events, stopped.history)
    train(log, range(1, 1778))
    kept = log.position()
    train(log, range(1778, 1900))
    log.close()
    log = EventLog(stopped.events, stopped.history, kept)
    train(log, range(1778, 2501))
    log.close()
    again, first = stopped.events.read_text(), whole.events.read_text()
    started = first[: first.index("\n") + 1]
    assert again.replace(started, "") == first.replace(started, "") and stopped.history.read_text() == whole.history.read_text()


def test_steps_of_a_plan_are_spread_over_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    log = EventLog(run.events, run.history)
    train(log, range(1, 1001), planned=1000)
    log.close()
    assert [each["step"] for each in record.read(tmp_path).steps] == [*range(5, 1001, 5)]
