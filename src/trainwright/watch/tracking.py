"""Trackers of others (TensorBoard, MLflow, Weights & Biases, trackio), fed by the events of a run; off unless one is asked for.

Each is an extra, imported when its run begins. Where a tracker sends its numbers is its own matter, and told to it by its own
variables (``MLFLOW_TRACKING_URI``, ``WANDB_MODE``, ...). One that fails is left out from then on, with a note; the run goes on.

tracked.jsonl in the run folder holds what a run that goes on has to know: the trackers with what they call the run, and the
last update and epoch that were sent. That is written down before a number is sent: none is sent twice, and one that was on
its way when the process was killed may be missing.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from trainwright.errors import error, in_short, nearest
from trainwright.plain_files import read_lines
from trainwright.watch.events import Appended, Epoch, Event, Finished, Listener, Note, Started, Step, cut_lines, ignore

FILE, PROJECT = "tracked.jsonl", "trainwright"


class Tracker(Protocol):
    """One that is at work. ``identity`` is what finds its run again."""

    identity: str

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Send numbers by name, as they are after update number ``step``."""

    def close(self, ended: bool) -> None:
        """Send what waits; ``ended`` = the training came to its end."""


class TensorBoard:
    """Event files in ``tensorboard/`` of the run folder: ``tensorboard --logdir runs`` shows them."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str) -> None:
        from tensorboard.summary import Writer

        self.identity = identity
        self._writer = Writer(str(run / "tensorboard"))

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, ended: bool) -> None:
        self._writer.close()


class MLflow:
    """A run of the experiment ``trainwright``; the caller's own active run is left alone."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self._client, self._metric = MlflowClient(), Metric
        self.identity = identity
        if not identity:
            known = self._client.get_experiment_by_name(PROJECT)
            experiment = self._client.create_experiment(PROJECT) if known is None else known.experiment_id
            self.identity = self._client.create_run(experiment, run_name=run.name).info.run_id
            given = [Param(name, str(value)[:500]) for name, value in flat(settings)]
            self._client.log_batch(self.identity, params=given[:100])

    def log(self, values: Mapping[str, float], step: int) -> None:
        now = int(1000 * time.time())
        self._client.log_batch(self.identity, [self._metric(name, value, now, step) for name, value in values.items()])

    def close(self, ended: bool) -> None:
        self._client.set_terminated(self.identity, "FINISHED" if ended else "KILLED")


class WeightsAndBiases:
    """A run of the project ``trainwright``."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str) -> None:
        import wandb

        self.identity = identity or uuid.uuid4().hex[:12]
        self._run = wandb.init(
            project=PROJECT, name=run.name, id=self.identity, resume="allow", config=dict(settings), reinit="create_new"
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self, ended: bool) -> None:
        self._run.finish(exit_code=0 if ended else 1)


class Trackio:
    """A run of the project ``trainwright``, found again by its name."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str) -> None:
        import trackio

        self.identity = identity or f"{run.name}-{uuid.uuid4().hex[:6]}"
        self._run = trackio.init(project=PROJECT, name=self.identity, config=dict(flat(settings)), resume="allow")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self, ended: bool) -> None:
        self._run.finish()


TRACKERS: dict[str, Callable[[Path, Mapping[str, Any], str], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WeightsAndBiases,
    "trackio": Trackio,
}


def chosen(track: str | Iterable[str]) -> list[str]:
    """Return the trackers that are meant, each once: names, or one text with commas between them.

    Raise E650 for a name that is not known, E651 for a package that is not installed; neither is imported.
    """
    words = track.split(",") if isinstance(track, str) else [each for word in track for each in str(word).split(",")]
    names = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in names:
        if name not in TRACKERS:
            raise error("E650", name=name, known=list(TRACKERS), hint=nearest(name, TRACKERS))
        if find_spec(name) is None:
            raise error("E651", name=name)
    return names


class Tracking:
    """Sends the events of a run in a folder to trackers: those in ``names``, and those that the run had before.

    ``tell`` hears of one that fails.
    """

    def __init__(self, run: Path, names: Iterable[str], settings: Mapping[str, Any]) -> None:
        self.tell: Listener = ignore
        self._run, self._settings = run, settings
        self._known: dict[str, str] = {}  # what they call the run; empty where they have not heard of it
        self._last = {"step": 0, "epoch": 0}
        self._trackers: dict[str, Tracker] = {}
        self._marks: Appended | None = None
        self._ended = False
        with suppress(OSError, ValueError):
            for line in read_lines(run / FILE):
                self._take(line)
        self._known = {**dict.fromkeys(names, ""), **self._known}

    def _take(self, line: Mapping[str, Any]) -> None:
        if line.get("tracker") in TRACKERS:
            self._known[line["tracker"]] = str(line.get("id", ""))
        for name in self._last:
            if type(line.get(name)) is int:
                self._last[name] = line[name]

    def __call__(self, event: Event) -> None:
        """Send what an event says, once."""
        if not self._known:
            return
        if isinstance(event, Started) and self._marks is None:
            self._begin()
        elif isinstance(event, Step) and event.step > self._last["step"]:
            self._send("step", event.step, dict(_of_step(event)), event.step)
        elif isinstance(event, Epoch) and event.epoch > self._last["epoch"]:
            self._send("epoch", event.epoch, dict(_of_epoch(event)), event.step)
        elif isinstance(event, Finished):
            self._ended = True
            self.close()

    def _begin(self) -> None:
        try:
            with suppress(FileNotFoundError):
                cut_lines(self._run / FILE)
            self._marks = Appended(self._run / FILE)
        except OSError as problem:
            self.tell(Note("tracking", "off", f"{FILE} cannot be written: {problem.strerror}"))
            self._known = {}
            return
        for name, identity in self._known.items():
            with self._failing(name):
                tracker = self._trackers[name] = TRACKERS[name](self._run, self._settings, identity)
                if not identity or tracker.identity != identity:
                    self._mark({"tracker": name, "id": tracker.identity})

    def _mark(self, line: Mapping[str, Any]) -> None:
        assert self._marks is not None
        self._marks.append(json.dumps(line) + "\n")

    def _send(self, kind: str, number: int, values: Mapping[str, float], step: int) -> None:
        if self._trackers:
            self._last[kind] = number
            self._mark({kind: number})
        for name, tracker in list(self._trackers.items()):
            with self._failing(name):
                tracker.log(values, step)

    def _failing(self, name: str) -> _Failing:
        return _Failing(self, name)

    def drop(self, name: str, problem: Exception) -> None:
        """Leave a tracker out from now on, and say so."""
        self._trackers.pop(name, None)
        self.tell(Note("tracking", f"{name} stopped", f"{in_short(problem)}; the training goes on without it"))

    def close(self) -> None:
        """Let the trackers send what waits."""
        for name, tracker in list(self._trackers.items()):
            with self._failing(name):
                tracker.close(self._ended)
        self._trackers = {}
        if self._marks is not None:
            self._marks.close()
            self._marks, self._known = None, {}


class _Failing:
    """Takes whatever a tracker raises: no run ends by it."""

    def __init__(self, tracking: Tracking, name: str) -> None:
        self._tracking, self._name = tracking, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> bool:
        if not isinstance(problem, Exception):
            return False
        self._tracking.drop(self._name, problem)
        return True


def _of_step(event: Step) -> Iterator[tuple[str, float]]:
    yield from (("step/loss", event.loss), ("step/lr", event.lr))
    if event.norm is not None:
        yield "step/gradient_norm", event.norm
    yield from ((f"step/{name}", value) for name, value in event.parts.items())


def _of_epoch(event: Epoch) -> Iterator[tuple[str, float]]:
    yield "epoch", event.epoch
    for part, scores in (("train", event.train), ("valid", event.valid)):
        if scores is not None:
            yield from ((f"{part}/{name}", value) for name, value in scores.values().items())


def flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by dotted names; a list as its text."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield before + name, value if isinstance(value, str | int | float | bool) else str(value)
