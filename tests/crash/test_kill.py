"""A run that is killed anywhere and gone on with ends with the same bits as one that was never touched."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import forks
import pytest
from bench import FULL, Bench
from phases import points
from samples import news_rows, write_csv
from works import WORKS

POINTS = 200 if FULL else 4  # of each work: together all phases


def swept(bench: Bench, work: str, number: int, seed: int, **job: Any) -> list[tuple[Any, list[str]]]:
    """The points at which a killed run did not come to the same."""
    bench.untouched(work, **job)
    bad = []
    first = [*WORKS].index(work) * number
    for hit in points(bench.counted[work]["counts"], number, random.Random(f"{work} {seed}"), first):
        out = bench.fresh()
        answer = bench.train(work, out, hits=[hit], **job)
        if answer["code"] == 0:
            assert answer["counts"].get(hit[0], 0) < hit[1], hit  # it was come to fewer times
        else:
            assert answer["code"] == -signal.SIGKILL, (hit, answer)
        if unlike := bench.unlike(work, out, **job):
            bad.append((hit, unlike))
    return bad


@pytest.mark.parametrize("work", WORKS)
def test_killed_at_any_phase(bench: Bench, count: Any, work: str) -> None:
    bad = swept(bench, work, POINTS, 0)
    count(POINTS, len(bad))
    assert not bad


@pytest.mark.parametrize("work", WORKS if FULL else ["table"])
def test_killed_when_saved_by_the_clock(bench: Bench, count: Any, work: str) -> None:
    number = POINTS // 4 if FULL else 2
    bad = swept(bench, work, number, 1, settings={"checkpoint_every": "0.01s"})
    count(number, len(bad))
    assert not bad


@pytest.mark.parametrize("work", ["text", "table"])
def test_killed_while_candidates_are_measured(bench: Bench, count: Any, work: str) -> None:
    number = 50 if FULL else 2
    asked = {"choose": "auto", "epochs": 2, "device": "cpu", "speed": "off", "checkpoint_every": "3steps"}
    bad = swept(bench, work, number, 3, bare=True, settings=asked)
    count(number, len(bad))
    assert bench.counted[work]["counts"]["folds"] > 10
    assert not bad


def test_killed_while_processes_decode_pictures(bench: Bench, count: Any) -> None:
    number = POINTS // 4 if FULL else 2
    bad = swept(bench, "image", number, 2, streamed=True, settings={"workers": 2})
    count(number, len(bad))
    assert not bad


@pytest.mark.parametrize("work", WORKS if FULL else ["language"])
def test_killed_twenty_times(bench: Bench, count: Any, work: str) -> None:
    bench.untouched(work)
    out, draw = bench.fresh(), random.Random(work)
    for _ in range(20):
        phase = draw.choice(("data", "forward", "backward", "update", "save-open", "save-torn", "save-fsync", "rename"))
        bench.train(work, out, hits=[(phase, draw.randint(1, 12), signal.SIGKILL)])
    unlike = bench.unlike(work, out)
    count(20, 20 * bool(unlike))
    assert not unlike


def test_killed_while_the_last_part_of_an_epoch_is_measured(bench: Bench, count: Any) -> None:
    """A number of updates ends the run inside an epoch, which is then measured all the same."""
    few = {"settings": {"steps": 6, "checkpoint_every": "2steps"}}
    bench.untouched("table", **few)
    for hit in (("validation", 3), ("validation", 4), ("update", 12), ("test", 1)):
        out = bench.fresh()
        assert bench.train("table", out, hits=[(*hit, signal.SIGKILL)], **few)["code"] == -signal.SIGKILL
        assert bench.unlike("table", out, **few) == [], hit
    count(4)


def test_killed_while_the_last_files_are_written(bench: Bench, count: Any) -> None:
    """Report, bundle and seal are torn, one at a time; the seal of the run is the last."""
    bench.untouched("table")
    last = bench.counted["table"]["counts"]["write-torn"]
    numbers = range(last - 8, last + 1) if FULL else (last - 1, last)
    for number in numbers:
        out = bench.fresh()
        assert bench.train("table", out, hits=[("write-torn", number, signal.SIGKILL)])["code"] == -signal.SIGKILL
        assert bench.unlike("table", out) == [], number
    count(len(numbers))


DYING = """
import os, signal
import trainwright as tw
from trainwright.store import atomic
write, left = atomic._replace, 3
def dying(path, data, before=None):
    global left
    left -= 1
    if not left:
        atomic.beside(path).write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, data, before)
atomic._replace = dying
"""


def test_suspects_killed_while_what_trainings_said_is_written(tmp_path: Path, count: Any) -> None:
    write_csv(tmp_path / "news.csv", news_rows(100))
    quick = "import trainwright as tw; tw.train('news.csv', out='run', epochs=1, speed='off', baselines='off')"
    once = f"{quick}; tw.suspects('run', folds=2, folder='once')"
    assert forks.python(once, tmp_path).returncode == 0
    codes = []
    while not codes or codes[-1] == -signal.SIGKILL:
        codes.append(forks.python(f"{DYING}\ntw.suspects('run', folds=2, folder='killed')", tmp_path).returncode)
    assert codes == [-signal.SIGKILL] * 4 + [0]  # each time one training more is kept, at last the page
    files = {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir() if path.name != ".lock"}
    assert {path.name: path.read_bytes() for path in (tmp_path / "killed").iterdir() if path.name != ".lock"} == files
    count(4)
