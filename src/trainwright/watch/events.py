"""What happens in a run, as values: the loop yields them, the run folder keeps them, the console shows them.

One JSON object a line in ``events.jsonl``. A torn last line (the process was killed while writing) is tolerated.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

from trainwright.errors import error
from trainwright.plain_files import LINE, open_regular, regular


class Event:
    """Something that happened; ``kind``, the name of its class in lower case, names it in the file."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.lower()


@dataclass(slots=True)
class Started(Event):
    """Training is about to take its first step. ``steps_per_epoch`` is 0 where it cannot be known.

    ``unit`` is what the ``rows`` of each ``Step`` count: rows or tokens. ``seconds`` are those left of a training that is
    limited by time, 0 for others and in runs of earlier versions.
    """

    epochs: int
    steps: int
    steps_per_epoch: int
    rows: int
    unit: str = "rows"
    seconds: float = 0.0


@dataclass(slots=True)
class Step(Event):
    """One optimiser update was made. ``loss`` is the mean over the ``rows`` of this update; ``lr`` the rate it used.

    ``norm`` is that of the gradient before it was clipped; None in runs of earlier versions. ``parts`` are the named parts of
    the loss, or what a step of the person's own measured.
    """

    step: int
    epoch: int
    loss: float
    rows: int
    lr: float
    norm: float | None = None
    parts: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Refused(Event):
    """Update number ``step`` was not made, as its ``quantity`` (loss or gradient) is not finite; training goes on after it.

    ``where`` names rows and layers; ``taken`` is the checkpoint that the parameters were taken back to, empty where they stay.
    """

    step: int
    epoch: int
    quantity: str
    where: str
    taken: str


@dataclass(slots=True)
class Scores:
    """Sums over counts: ``loss`` is the mean per target, ``accuracy`` a share in [0, 1], None where it has no meaning.

    ``metrics`` holds what else is measured, by name: ``perplexity``, ``rmse``, a metric of the person's own.
    """

    loss: float
    accuracy: float | None
    n: int
    metrics: dict[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, float]:
        """Return all that has a value by its name: loss, accuracy, then the metrics."""
        found = {"loss": self.loss, "accuracy": self.accuracy, **self.metrics}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(slots=True)
class Answers(Event):
    """What the model says after an epoch, or before the first step (epoch 0), of the rows that are watched.

    ``answers`` are those to the rows in ``watched.json``, in their order: (class, probability) of the likeliest classes and of
    the right one, or a number alone; None for what is not finite. A language model writes a ``text`` too; it is asked for the
    tokens of the passages there: of each, whether it was the likeliest, its probability, and which was.
    """

    epoch: int
    answers: list[Any]
    text: str = ""


@dataclass(slots=True)
class Epoch(Event):
    """An epoch ended. ``train`` is measured on the way (while the parameters move); ``valid`` afterwards."""

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

    reason: str
    step: int
    epoch: int
    best_epoch: int
    seconds: float


@dataclass(slots=True)
class Saved(Event):
    """A checkpoint was written: everything up to ``step`` is safe."""

    step: int
    seconds: float
    bytes: int


@dataclass(slots=True)
class Resumed(Event):
    """Training goes on after ``step``, from ``checkpoint``."""

    step: int
    epoch: int
    checkpoint: str


class _Finding(NamedTuple):
    what: str
    value: str
    why: str


class Note(_Finding, Event):
    """Something was derived or found: ``what`` was set to ``value`` because of ``why``. It is a tuple of the three."""

    __slots__ = ()


@dataclass(slots=True)
class Progress(Event):
    """Where a long job other than training stands; ``total`` is 0 where it is not known."""

    phase: str
    done: int
    total: int
    unit: str = field(default="rows")


@dataclass(slots=True)
class PhaseEnded(Event):
    """The time since the last such event was spent on ``phase``; it is counted, and neither kept nor shown."""

    phase: str


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Do nothing: nobody listens."""


def in_short(value: float) -> float | None:
    """Return a number to five digits, for a person to look at; None for one that is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


_ENCODER = json.JSONEncoder(default=asdict)


def to_json(event: Event) -> str:
    """Return one line of ``events.jsonl``, without the newline."""
    # Only Scores are nested; asdict on every event copies deeply and takes twice as long.
    values = {name: getattr(event, name) for name in event.__match_args__}
    if isinstance(event, Step) and not event.parts:
        del values["parts"]
    return _ENCODER.encode({"event": event.kind, **values})


class Appended:
    """A file that is only appended to. What cannot be written now, as the disk is full, is tried again the next time."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab", buffering=0)
        self.length = self._file.tell()
        self._waiting = b""

    def append(self, text: str) -> None:
        """Add whole lines, handed to the system at once."""
        data = text.encode("utf-8", "backslashreplace")
        self.length += len(data)
        self._waiting += data
        with suppress(OSError):
            while self._waiting:
                self._waiting = self._waiting[self._file.write(self._waiting) :]

    def close(self) -> None:
        """Close the file, once what waits was tried again."""
        self.append("")
        self._file.close()


class Follower(Protocol):
    """Hears the events that a log keeps, once they are written."""

    def __call__(self, event: Event) -> None:
        """Take an event."""

    def close(self) -> None:
        """Hear no more."""


class EventLog:
    """Appends events to ``events.jsonl`` and epochs to ``history.csv``; steps are thinned out to about ``STEPS`` a run.

    Where nobody knows how many steps there will be, and of answers, all of the first ``FIRST`` are written, and then half as
    many whenever the number of steps or epochs has doubled: so the file stays small, and does not depend on where a run was
    stopped.

    The columns of the history are fixed by its first epoch: loss and accuracy of both splits, then their other metrics.
    ``kept`` is what ``position`` gave when the checkpoint was written that the run goes on from: what came after it goes.
    ``follower`` hears what is written. Raise E402 where they cannot be opened; what cannot be written later ends nothing.
    """

    STEPS = 200
    FIRST = 500

    def __init__(
        self, events: Path, history: Path, kept: Mapping[str, Any] = MappingProxyType({}), follower: Follower | None = None
    ) -> None:
        self._follower = follower
        self._text: str = kept.get("history", "")
        try:
            if kept:
                cut_lines(events, kept["events"])
            cut_lines(history, 0)
            self._events, self._history = Appended(events), Appended(history)
        except OSError as problem:
            raise error("E402", path=problem.filename or history, problem=problem.strerror) from None
        self._history.append(self._text)
        self._names = _columns(self._text)
        self._every = 1

    def append(self, event: Event) -> None:
        """Write one event; whole lines only, handed to the system at once."""
        if isinstance(event, Started):
            self._every = event.steps and max(event.steps // self.STEPS, 1)
        if isinstance(event, Step) and event.step % (self._every or _apart(event.step, self.FIRST)):
            return
        if isinstance(event, Answers) and event.epoch % _apart(event.epoch, self.FIRST):
            return
        self._events.append(to_json(event) + "\n")
        if isinstance(event, Epoch):
            line = self._history_line(event)
            self._text += line
            self._history.append(line)
        if self._follower is not None:
            self._follower(event)

    def position(self) -> dict[str, Any]:
        """Return what has been written so far: bytes of the events, and the history as it is."""
        return {"events": self._events.length, "history": self._text}

    def _history_line(self, event: Epoch) -> str:
        parts = {"train": event.train, "valid": event.valid}
        head = ""
        if not self._names:
            counted = [(part, name) for part in parts for name in ("loss", "accuracy")]
            self._names = counted + [(part, name) for part, scores in parts.items() if scores for name in scores.metrics]
            head = f"epoch,step,{','.join(_quoted(f'{part}_{name}') for part, name in self._names)},lr,seconds,best\n"
        values = {part: scores.values() if scores else {} for part, scores in parts.items()}
        shown = [repr(values[part][name]) if name in values[part] else "" for part, name in self._names]
        return f"{head}{event.epoch},{event.step},{','.join(shown)},{event.lr!r},{event.seconds:.3f},{int(event.best)}\n"

    def close(self) -> None:
        """Close both files, after what follows."""
        if self._follower is not None:
            self._follower.close()
        self._events.close()
        self._history.close()


def _apart(number: int, first: int) -> int:
    """Return of how many one is written: each below ``first``, then one of two, and of twice as many when it has doubled."""
    return 1 << (number // first).bit_length()


def cut_lines(path: Path, length: int = sys.maxsize) -> None:
    """Leave the whole lines of the first ``length`` bytes; there may be less after a failure of the machine. Raise OSError."""
    with regular(path, os.O_RDWR | os.O_CREAT) as (file, state):
        end = min(length, state.st_size)
        start = max(end - LINE, 0)
        os.truncate(file, start + os.pread(file, end - start, start).rfind(b"\n") + 1)


def _columns(history: str) -> list[tuple[str, str]]:
    """Return part and metric of the columns between step and rate, from a history's first line."""
    names = next(csv.reader(io.StringIO(history, newline="")), [])[2:-3]
    return [(part, metric) for part, _, metric in (name.partition("_") for name in names)]


def _quoted(name: str) -> str:
    """Return ``name`` as a cell of a CSV file: a person's own metric may be called anything."""
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\r\n') else name
