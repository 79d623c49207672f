"""One ``train`` from what was asked to a finished run folder: the order of events, and nothing else.

Torch is imported by a thread while the data are read, the plots are drawn by a process that gets ready while the model trains,
and the cache is filled by a thread meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright import config, rundir
from trainwright.schema import TASKS
from trainwright.tasks.base import Clock
from trainwright.watch.events import Event, EventLog, Note, Progress

if TYPE_CHECKING:
    from trainwright.tasks.base import Note as Said
    from trainwright.tasks.base import Problem
    from trainwright.tasks.runner import Training

Listen = Callable[[Event], None]


@dataclass(frozen=True)
class Request:
    """What was asked of ``train``: the source, files of splits, a recipe, a run to go on from, where to; and settings."""

    source: str
    valid: Path | None
    test: Path | None
    recipe: str
    start: Path | None
    out: Path | None
    runs: Path
    offline: bool
    settings: dict[str, Any]

    def origin(self) -> dict[str, Any]:
        """What a person would have to say again to repeat the run, and the versions it was made by."""
        import trainwright

        named = {"valid": self.valid, "test": self.test, "recipe": self.recipe or None, "from": self.start}
        versions = {"trainwright": trainwright.__version__, "torch": version("torch")}
        return {"source": self.source} | {key: str(value) for key, value in named.items() if value} | versions


class Phases(Clock):
    """Seconds by phase; each mark ends the phase that it names. Progress is shown."""

    def __init__(self, show: Listen) -> None:
        self._show = show
        self._last = clock.perf_counter()
        self.seconds: dict[str, float] = {}

    def mark(self, phase: str) -> None:
        """Count the time since the last mark towards ``phase``."""
        now = clock.perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 4)
        self._last = now

    def progress(self, phase: str, done: int, total: int, unit: str) -> None:
        """``done`` of ``total`` are ready."""
        self._show(Progress(phase, done, total, unit))


class Session:
    """Carries a request through. ``show`` is called with every event."""

    def __init__(self, request: Request, show: Listen) -> None:
        self.request, self.show = request, show
        self.phases = Phases(show)
        self._importing = threading.Thread(target=_import_torch, daemon=True)

    def run(self) -> Path:
        """The folder of the finished run. Raises TrainwrightError before there is a folder, or E501 on the way."""
        self._importing.start()
        base = config.recipe(self.request.recipe)["settings"] if self.request.recipe else {}
        config.resolve(self.request.settings, base)  # what is wrong whatever the task, before anything is read
        if self.request.out is not None:
            rundir.check_free(self.request.out)
        problem, fill_cache = self._prepare(base)
        self._say(problem.notes + problem.derive())
        self._importing.join()
        from trainwright.tasks.runner import Training

        self.phases.mark("import")
        training = Training(problem)
        self._say(training.notes)
        caching = threading.Thread(target=fill_cache, daemon=True)
        caching.start()
        return self._train(problem, training, caching).path

    def _say(self, notes: list[Said]) -> None:
        for what, value, why in notes:
            self.show(Note(what, value, why))

    def _prepare(self, base: dict[str, Any]) -> tuple[Problem, Callable[[], None]]:
        """The problem with the settings that the data decide; and what must be called to fill the cache."""
        from trainwright.data import source as sources
        from trainwright.tasks import kinds

        request = self.request
        self.phases.mark("import")
        found = sources.find(request.source, request.valid, request.test, offline=request.offline, listen=self.show)
        parent = None
        if request.start is not None:
            self._importing.join()
            parent = kinds.open_run_model(request.start)
        task, why = kinds.settle(found, request.settings, base, parent)
        self._say([("task", TASKS[task], why)] if why else [])
        settings = kinds.complete(request.settings, base, task, parent, request.start)
        prepared: tuple[Problem, Callable[[], None]]
        prepared = kinds.module(task).prepare(found, settings, parent, self.phases)
        return prepared

    def _train(self, problem: Problem, training: Training, caching: threading.Thread) -> rundir.RunDir:
        """The run folder, from its first file to its last."""
        from trainwright.store import atomic, bundle
        from trainwright.tasks.card import card

        request, phases = self.request, self.phases
        run = rundir.create(request.out, request.runs, rundir.slug(problem.data["source"]))
        atomic.write_file(run.data, json.dumps(problem.data, indent=1))
        atomic.write_file(run.settings, config.to_toml(problem.settings, run=request.origin()))
        log, artist = EventLog(run.events, run.history), start_artist(run)

        def emit(event: Event) -> None:
            log.append(event)
            self.show(event)

        try:
            training.train(emit)
            phases.mark("train")
            scores = training.evaluate()
            phases.mark("evaluate")
            bundle.save(run.model, training.bundle(), card(run.path, scores))
            caching.join()
            phases.mark("save")
            rate = round(training.rows / max(phases.seconds["train"], 1e-9))
            report = scores | {"seconds": phases.seconds, "rows_per_second": rate}
            atomic.write_file(run.report, json.dumps(report, indent=1))
            artist.communicate(b"draw\n")
        finally:
            log.close()
            if artist.poll() is None:
                artist.communicate()
        return run


def _import_torch() -> None:
    """Torch takes seconds to import; the data are read meanwhile."""
    import trainwright.tasks.runner  # noqa: F401


def start_artist(run: rundir.RunDir) -> subprocess.Popen[bytes]:
    """A second process that draws the plots: it gets ready while the model trains, and draws when it is told to."""
    command = [sys.executable, "-P", "-m", "trainwright.watch.plots", str(run.path), "--wait"]
    # A group of its own: Ctrl-C is for the training, which then tells the artist.
    return subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)
