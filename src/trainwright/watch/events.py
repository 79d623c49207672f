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
    """Training is about to take its first step. ``steps_per_epoch`` is 0 where it cannot be known.

    ``unit`` is what the ``rows`` of each ``Step`` count: rows or tokens.
    """

    kind: ClassVar[str] = "started"
    epochs: int
    steps: int
    steps_per_epoch: int
    rows: int
    unit: str = "rows"


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
    """Sums over counts: ``loss`` is the mean per target, ``accuracy`` a share in [0, 1], None where it has no meaning.

    ``metrics`` holds what else is measured, by name: ``perplexity``, ``rmse``, a metric of the person's own.
    """

    loss: float
    accuracy: float | None
    n: int
    metrics: dict[str, float] = field(default_factory=dict)


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
    """Appends events to ``events.jsonl`` and epochs to ``history.csv``; steps are thinned out to about ``STEPS`` a run.

    The columns of the history are fixed by its first epoch: loss and accuracy of both splits, then their other metrics.
    """

    STEPS = 200

    def __init__(self, events: Path, history: Path) -> None:
        self._events = events.open("a", encoding="utf-8")
        self._history = history.open("a", encoding="utf-8")
        self._names: list[tuple[str, str]] | None = None
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
            self._history.write(self._history_line(event))
            self._history.flush()

    def _history_line(self, event: Epoch) -> str:
        parts = {"train": event.train, "valid": event.valid}
        head = ""
        if self._names is None:
            measures = [(part, name) for part in parts for name in ("loss", "accuracy")]
            more = [(part, name) for part, scores in parts.items() if scores for name in scores.metrics]
            self._names = measures + more
            head = f"epoch,step,{','.join(_quoted(f'{part}_{name}') for part, name in self._names)},lr,seconds,best\n"
        values = [_measure(parts[part], name) for part, name in self._names]
        shown = ["" if value is None else repr(value) for value in (*values, event.lr)]
        return f"{head}{event.epoch},{event.step},{','.join(shown)},{event.seconds:.3f},{int(event.best)}\n"

    def close(self) -> None:
        """Close both files."""
        self._events.close()
        self._history.close()


def _measure(scores: Scores | None, name: str) -> float | None:
    if scores is None:
        return None
    return getattr(scores, name) if name in ("loss", "accuracy") else scores.metrics.get(name)


def _quoted(name: str) -> str:
    """``name`` as a cell of a CSV file: a person's own metric may be called anything."""
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\r\n') else name
