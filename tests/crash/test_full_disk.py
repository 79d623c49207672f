"""A disk that is full at any operation on files: a run goes on where it can, says so, and can always be resumed."""

from __future__ import annotations

import errno
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from bench import FULL, Bench
from faults import FullDisk

from trainwright.errors import RunError
from trainwright.store.checkpoint import Checkpoints
from trainwright.store.run_folder import RunFolder, locked

FOREVER = 10**9
MANY = FULL * 60 or 4


@pytest.fixture(scope="module")
def names(bench: Bench) -> list[str]:
    """The operations of a whole run."""
    bench.untouched("table")
    answer = bench.train("table", bench.fresh(), full=(0, 0))
    assert answer["code"] == 0
    return list(answer["operations"])


def chosen(names: list[str]) -> list[int]:
    """Numbers of operations."""
    return sorted(random.Random(5).sample(range(1, len(names) + 1), min(MANY, len(names))))


@pytest.mark.parametrize("lasting", [True, False])
def test_a_run_on_a_full_disk(bench: Bench, names: list[str], count: Any, lasting: bool) -> None:
    bad = []
    for first in chosen(names):
        out = bench.fresh()
        answer = bench.train("table", out, full=(first, FOREVER if lasting else first))
        assert (answer["code"], answer["error"]) in ((0, ""), (2, "E402")), (first, names[first - 1], answer)
        if unlike := bench.unlike("table", out):
            bad.append((first, names[first - 1], unlike))
        check_logs(out)
    count(len(chosen(names)), len(bad))
    assert not bad


def test_only_the_last_checkpoint_has_to_be_made(bench: Bench, names: list[str], count: Any) -> None:
    tensors = [number for number, name in enumerate(names, 1) if name == "tensors"]
    assert len(tensors) > 3
    for number in tensors:
        out = bench.fresh()
        answer = bench.train("table", out, full=(number, number))
        if number == tensors[-1]:
            assert (answer["code"], answer["error"]) == (2, "E402")
        else:
            assert answer["code"] == 0
            assert "not saved" in [what for what, _, _ in answer["said"]] or "not saved" in (out / "events.jsonl").read_text()
        assert bench.unlike("table", out) == []
    count(len(tensors))


def test_a_log_that_cannot_be_written_ends_nothing(bench: Bench, names: list[str], count: Any) -> None:
    writes = [number for number, name in enumerate(names, 1) if name in ("write events.jsonl", "write history.csv")]
    span = writes[len(writes) // 3 : len(writes) // 3 + 5]
    for number in span:
        out = bench.fresh()
        assert bench.train("table", out, full=(number, number))["code"] == 0
        assert bench.unlike("table", out) == []
        check_logs(out)
    count(len(span))


def test_a_lock_that_cannot_say_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trainwright.store.run_folder.os.write", full)
    with locked(RunFolder(tmp_path)), pytest.raises(RunError, match="in use"), locked(RunFolder(tmp_path)):
        pass


def check_logs(out: Path) -> None:
    """Whole lines, every epoch once."""
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    rows = (out / "history.csv").read_text().splitlines()[1:]
    epochs = [each["epoch"] for each in events if each["event"] == "epoch"]
    assert epochs == [int(row.split(",")[0]) for row in rows] == list(range(1, len(rows) + 1))


def test_one_save_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Any) -> None:
    """Whatever fails, and however long: the older checkpoint is whole, or the new one."""
    number = 0
    while True:
        number += 1
        for last in (number, FOREVER):
            ours = Checkpoints(
                tmp_path / f"{number}-{last}" / "checkpoints", tmp_path / f"{number}-{last}" / "quarantine", "id"
            )
            for step in (1, 2):
                ours.save(step, {"a": torch.full((9,), float(step))}, {}, regular=True)
            disk, failed = FullDisk(number, last), False
            with monkeypatch.context() as patch:
                disk.install(tmp_path, patch.setattr)
                try:
                    ours.save(3, {"a": torch.full((9,), 3.0)}, {}, regular=True)
                except RunError as problem:
                    assert problem.code == "E402"
                    failed = True
            found = ours.newest(lambda *said: None)
            assert found is not None
            assert found.state["a"][0] in ((2.0, 3.0) if failed else (3.0,))
            assert not [each for each in ours.folder.iterdir() if each.name.startswith(".")]
        if disk.count < number:
            break
    count(2 * number)
    assert number > 10
