"""Settings at their edges: each is a message with a code, or a run that works."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import FULL
from draws import edges, write_source

import trainwright as tw
from trainwright.config.resolve import nest
from trainwright.errors import TrainwrightError
from trainwright.watch.events import ignore

SETTINGS = 2000 if FULL else 20
LIMIT = 60  # seconds of one; a deadline, not a measure
BASE = {"label": "kind", "text": "text", "epochs": "1", "steps": "2", "speed": "off"}
OF = {"text": ("label", "text"), "language": ()}


@contextmanager
def deadline() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(source: Path, out: Path, task: str, words: str) -> str:
    """The code of a refusal, nothing for a run, or what is none of both."""
    base = {key: value for key, value in BASE.items() if key in ("epochs", "steps", "speed", *OF.get(task, ("label",)))}
    given = words.split()
    given += [f"{key}={value}" for key, value in base.items() if not any(word.startswith(f"{key}=") for word in given)]
    try:
        with deadline():
            tw.train(source, out=out, listen=ignore, **{"task": task, **nest(given)})
    except TrainwrightError as problem:
        assert str(problem).startswith(problem.code)
        return problem.code
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return ""


def test_odd_settings_are_refused_or_run(tmp_path: Path, count: Any) -> None:
    drawn, sources = random.Random(3).sample(list(edges()), SETTINGS), dict[str, Path]()
    wrong = []
    for number, (task, words) in enumerate(drawn):
        source = sources.get(task) or sources.setdefault(task, write_source(task, tmp_path / task))
        found = outcome(source, tmp_path / f"run-{number}", task, words)
        wrong += [(task, words[:200], found)] if ":" in found else []
        shutil.rmtree(tmp_path / f"run-{number}", ignore_errors=True)
    count(len(drawn), len(wrong))
    assert not wrong
