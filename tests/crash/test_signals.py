"""A signal ends a run where nothing is lost: what is gone on with comes to the same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from bench import FULL, Bench
from compare import differences, fingerprint
from forks import default_signals
from phases import PHASES, points
from works import WORKS

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129}
NUMBER = 25 if FULL else 3


@pytest.mark.parametrize("work", WORKS if FULL else ["language"])
def test_a_signal_at_any_phase(bench: Bench, count: Any, work: str) -> None:
    bench.untouched(work)
    draw, bad = random.Random(f"signals {work}"), []
    for phase, number, _ in points(bench.counted[work]["counts"], NUMBER, draw, draw.randrange(len(PHASES))):
        sent = draw.choice(list(CODES))
        out = bench.fresh()
        answer = bench.train(work, out, hits=[(phase, number, sent)])
        if answer["code"] == 0:
            assert answer["counts"].get(phase, 0) < number  # it was come to fewer times
            continue
        assert answer["code"] == CODES[sent], (phase, number, answer)
        assert answer["after"] <= 2, (phase, number)  # one update, reached before and after
        if unlike := bench.unlike(work, out):
            bad.append((phase, number, sent, unlike))
    count(NUMBER, len(bad))
    assert not bad


def test_a_signal_is_not_lost_and_ends_with_a_checkpoint(bench: Bench) -> None:
    bench.untouched("table")
    for phase, number in (("forward", 9), ("update", 11), ("validation", 1)):
        out = bench.fresh()
        answer = bench.train("table", out, hits=[(phase, number, signal.SIGTERM)], settings={"checkpoint_every": "0"})
        assert answer["code"] == 143
        assert len(list((out / "checkpoints").iterdir())) == 1
        assert b'"stopped"' in (out / "events.jsonl").read_bytes()


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", ["save-open", "save-torn"])
def test_a_second_signal_leaves_at_once(bench: Bench, count: Any, second: int, phase: str) -> None:
    only = {"settings": {"checkpoint_every": "0"}}
    bench.untouched("table", **only)
    out = bench.fresh()
    answer = bench.train("table", out, hits=[("forward", 20, signal.SIGTERM), (phase, 1, second)], **only)
    assert answer["code"] == -second
    unlike = bench.unlike("table", out, **only)
    count(1, bool(unlike))
    assert not unlike


def test_a_hang_up_that_is_ignored(bench: Bench) -> None:
    whole = bench.untouched("table")
    out = bench.fresh()
    hits = [("forward", 20, signal.SIGHUP)]
    assert bench.train("table", out, hits=hits, ignored=signal.SIGHUP)["code"] == 0
    assert differences(whole, fingerprint(out)) == []


WORDS = {"epochs": 100, "device": "cpu", "threads": 1, "speed": "off", "seed": 3, "batch_size": 9, "lr": 0.001}


@pytest.mark.parametrize("sent", CODES if FULL else [signal.SIGTERM])
def test_the_command_line(bench: Bench, count: Any, sent: int) -> None:
    whole = bench.untouched("table", bare=True, settings=WORDS)
    out = bench.fresh()
    training = command("train", bench.source("table"), "--out", out, *(f"{key}={value}" for key, value in WORDS.items()))
    wait_for_line(training, out / "events.jsonl", b'"event": "epoch"')
    training.send_signal(sent)
    told, errors = training.communicate(timeout=60)
    assert training.returncode == CODES[signal.Signals(sent)], errors
    assert "Traceback" not in errors
    assert f"trainwright resume {out}" in " ".join((told + errors).split())
    going_on = command("resume", out)
    _, errors = going_on.communicate(timeout=120)
    assert going_on.returncode == 0, errors
    unlike = differences(whole, fingerprint(out))
    count(1, bool(unlike))
    assert not unlike


def command(*words: object) -> subprocess.Popen[str]:
    """The real command line."""
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "trainwright", *map(str, words)]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=here, preexec_fn=default_signals
    )


def wait_for_line(process: subprocess.Popen[str], events: Path, wanted: bytes) -> None:
    """Until the run has said something; the process is killed where it does not."""
    late = threading.Timer(60, process.kill)
    late.start()
    while not (events.is_file() and wanted in events.read_bytes()):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)  # rather than to look again at once, for which it would wait
            raise AssertionError(process.communicate())
    late.cancel()
