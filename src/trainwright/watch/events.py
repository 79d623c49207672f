"""What happens in a run, as values: the loop yields them, the run folder keeps them, the console shows them.

One JSON object a line in ``events.jsonl``. A torn last line (the process was killed while writing) is tolerated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar


@dataclass(slots=True)
class Event:
    """Something that happened; ``kind`` names it in the file."""

    kind: ClassVar[str] = ""


@dataclass(slots=True)
class Started(Event):
    """Training is about to take its first step. ``steps_per_epoch`` is 0 where it cannot be known."""

    kind: ClassVar[str] = "started"
    epochs: int
    steps: int
    steps_per_epoch: int
    rows: int


@dataclass(slots=True)
class Step(Event):
    """One optimiser update was made. ``loss`` is the mean over the ``rows`` of this update; ``lr`` the rate it used."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    loss: float
    rows: int
    lr: float


@dataclass(slots=True)
class Scores:
    """Sums over counts: ``loss`` is the mean per target, ``accuracy`` a share in [0, 1], None where it has no meaning."""

    loss: float
    accuracy: float | None
    n: int


@dataclass(slots=True)
class Epoch(Event):
    """An epoch ended. ``train`` is measured on the way (while the parameters move); ``valid`` afterwards."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    step: int
    train: Scores
    valid: Scores | None
    lr: float
    seconds: float
    best: bool


@dataclass(slots=True)
class Finished(Event):
    """Training ended; ``reason`` is epochs, steps, time or patience; the parameters of ``best_epoch`` are kept."""

    kind: ClassVar[str] = "finished"
    reason: str
    step: int
    epoch: int
    best_epoch: int
    seconds: float


@dataclass(slots=True)
class Note(Event):
    """Something was derived or found: ``what`` was set to ``value`` because of ``why``."""

    kind: ClassVar[str] = "note"
    what: str
    value: str
    why: str


@dataclass(slots=True)
class Progress(Event):
    """Where a long job other than training stands; ``total`` is 0 where it is not known."""

    kind: ClassVar[str] = "progress"
    phase: str
    done: int
    total: int
    unit: str = field(default="rows")


_ENCODER = json.JSONEncoder(default=asdict)


def to_json(event: Event) -> str:
    """One line of ``events.jsonl``, without the newline."""
    names: tuple[str, ...] = event.__slots__
    # Only Scores are nested; asdict on every event copies deeply and takes twice as long.
    return _ENCODER.encode({"event": event.kind, **{name: getattr(event, name) for name in names}})


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a run folder's ``events.jsonl``; a torn last line is passed over."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            yield json.loads(line)


class EventLog:
    """Appends events to ``events.jsonl`` and epochs to ``history.csv``; steps are thinned out to about ``STEPS`` a run."""

    STEPS = 200
    COLUMNS = "epoch,step,train_loss,train_accuracy,valid_loss,valid_accuracy,lr,seconds,best"

    def __init__(self, events: Path, history: Path) -> None:
        self._events = events.open("a", encoding="utf-8")
        self._history = history.open("a", encoding="utf-8")
        self._history.write(self.COLUMNS + "\n")
        self._every = 1

    def append(self, event: Event) -> None:
        """Write one event; whole lines only, handed to the system at once."""
        if isinstance(event, Started):
            self._every = max(event.steps // self.STEPS, 1)
        if isinstance(event, Step) and event.step % self._every:
            return
        self._events.write(to_json(event) + "\n")
        self._events.flush()
        if isinstance(event, Epoch):
            self._history.write(_history_line(event) + "\n")
            self._history.flush()

    def close(self) -> None:
        """Close both files."""
        self._events.close()
        self._history.close()


def _history_line(event: Epoch) -> str:
    train, valid = event.train, event.valid
    scores = [train.loss, train.accuracy, valid.loss if valid else None, valid.accuracy if valid else None]
    shown = ["" if value is None else repr(value) for value in (*scores, event.lr)]
    return f"{event.epoch},{event.step},{','.join(shown)},{event.seconds:.3f},{int(event.best)}"
