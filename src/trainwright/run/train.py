"""One training from what was asked to a finished run folder: the order of events, and nothing else.

Torch is imported by a thread while the data are read, the plots are drawn by a process that gets ready while the model trains,
and the cache is filled by a thread meanwhile.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
import time as clock
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.config.resolve import recipe, resolve, to_toml
from trainwright.config.settings import EXECUTION_SETTINGS
from trainwright.errors import TrainwrightError, error
from trainwright.run.request import Request
from trainwright.run.resume import Fingerprint, SavedRun
from trainwright.store import run_folder
from trainwright.store.run_folder import RunFolder
from trainwright.training.problem import Clock
from trainwright.watch.events import Event, EventLog, Note, Progress, Resumed

if TYPE_CHECKING:
    from trainwright.store.checkpoint import Checkpoint, Checkpoints
    from trainwright.training.problem import Note as Said
    from trainwright.training.problem import Problem
    from trainwright.training.signals import Signals
    from trainwright.training.trainer import Trainer

Listen = Callable[[Event], None]


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


@dataclass(frozen=True)
class Prepared:
    """A training ready to begin; the thread ``caching`` fills the cache meanwhile."""

    problem: Problem
    training: Trainer
    facts: Fingerprint
    caching: threading.Thread


class Session:
    """Carries a training through. ``show`` is called with every event."""

    def __init__(self, show: Listen) -> None:
        self.show = show
        self.phases = Phases(show)
        self._importing = threading.Thread(target=_import_torch, daemon=True)
        self._begun = False

    def begin(self, request: Request) -> Path:
        """The folder of a finished run. Raises TrainwrightError before there is a folder, or on the way E402 and E501."""
        with self._signals() as signals:
            base = recipe(request.recipe)["settings"] if request.recipe else {}
            resolve(request.settings, base)  # what is wrong whatever the task, before anything is read
            if request.out is not None:
                run_folder.check_free(request.out)
            made = self.prepare(request, base)
            run = run_folder.create(request.out, request.runs, run_folder.slug(made.problem.data["source"]))
            with run_folder.locked(run):
                run_folder.check_free(run.path)  # another process may have been faster
                origin = request.origin() | {"folder": str(Path.cwd()), "id": uuid.uuid4().hex, "said": request.said()}
                write_head(run, made.problem, origin)
                self._execute(run, origin["id"], made, signals, None, {})
        return run.path

    def resume(self, path: Path, source: str, given: dict[str, Any], offline: bool) -> Path:
        """The same of a run that was begun earlier, from its newest whole checkpoint; ``given`` settings may extend it.

        ``source`` is where its data are now, where they have moved.
        """
        with self._signals() as signals:
            earlier = SavedRun.open(path, source)
            with run_folder.locked(earlier.run):
                self._go_on(earlier, given, offline, signals)
        return path

    def _go_on(self, earlier: SavedRun, given: dict[str, Any], offline: bool, signals: Signals) -> None:
        run = earlier.run
        self._import()
        self._importing.join()
        if run.report.is_file() and run.seal.is_file() and not earlier.check(given, None)[1]:
            self._say([("resumed", "nothing to do", "the run has ended")])
            return
        found = earlier.newest(_checkpoints(run, earlier.origin["id"]), lambda *said: self._say([said]))
        settings, changed = earlier.check(given, found)
        made = self.prepare(earlier.request(run.path, offline=offline), settings)
        log: dict[str, Any] = {"events": 0, "history": ""}
        origin = dict(earlier.origin)
        if found is not None:
            position = found.state["position"]
            if changed and made.training.is_over(found):
                raise error("E421", path=run.path, epochs=position["epoch"], steps=position["step"])
            notes = made.facts.differences(earlier, found) + made.training.restore(found)
            self._say(notes)
            if notes:  # what a replay could not repeat
                origin["inexact"] = [*origin.get("inexact", []), *(f"{what} {value}" for what, value, _ in notes)]
            log = found.facts["log"]
        write_head(run, made.problem, origin)
        run.seal.unlink(missing_ok=True)
        self._execute(run, earlier.origin["id"], made, signals, found, log)

    @contextmanager
    def _signals(self) -> Iterator[Signals]:
        """Handled from the first moment on: until there is something to save, a signal ends the run at once."""
        from trainwright.training.signals import ENDED, Signals

        with Signals() as signals:
            try:
                yield signals
            except ENDED:
                if not self._begun:
                    self.show(Note("stopped", signals.name, "before the first step; nothing is left of it"))
                raise

    def _import(self) -> None:
        if self._importing.ident is None:
            self._importing.start()

    def _say(self, notes: list[Said]) -> None:
        for what, value, why in notes:
            self.show(Note(what, value, why))

    def prepare(self, request: Request, base: dict[str, Any]) -> Prepared:
        """The problem with all its settings, and its training ready to begin."""
        from trainwright.data.read import source as sources
        from trainwright.tasks import registry

        self.phases.mark("import")
        if request.start is not None:
            run_folder.open_run(request.start)
        found = sources.find(request.source, request.valid, request.test, offline=request.offline, listen=self.show)
        self._import()  # not before: a path that is wrong is said at once
        parent = None
        if request.start is not None:
            self._importing.join()
            parent = registry.open_run_model(request.start)
        task, why = registry.choose_task(found, request.settings, base, parent)
        self._say([("task", KINDS[task].title, why)] if why else [])
        settings = registry.complete_settings(request.settings, base, task, parent, request.start)
        if settings.on_nonfinite == "rollback" and "checkpoint_every" not in {**base, **request.settings}:
            self._say([("checkpoint_every", settings.checkpoint_every, "on_nonfinite=rollback goes back to one")])
        problem: Problem
        problem, fill_cache = registry.prepare(task, found, settings, parent, self.phases)
        self._say(problem.notes + problem.derive())
        self._importing.join()
        from trainwright.training.trainer import Trainer

        self.phases.mark("import")
        given = {**base, **request.settings}
        tell = partial(self.phases.progress, "measure speed", unit="turns")
        training = Trainer(problem, [key for key in EXECUTION_SETTINGS if given.get(key) is None], tell)
        self.phases.mark("trials")
        self._say(training.notes)
        facts = Fingerprint(found, problem, training)
        facts.begin()
        caching = threading.Thread(target=fill_cache, daemon=True)
        caching.start()
        return Prepared(problem, training, facts, caching)

    def _execute(
        self, run: RunFolder, identity: str, made: Prepared, signals: Signals, found: Checkpoint | None, kept: Mapping[str, Any]
    ) -> None:
        """Training, test, bundle, report, plots, seal. ``kept`` is where the log stood, for a run that goes on."""
        from trainwright.store import atomic, seal
        from trainwright.training.checkpointing import Saver
        from trainwright.training.signals import ENDED

        self._begun = True
        log, plotter = EventLog(run.events, run.history, kept), start_artist(run)

        def emit(event: Event) -> None:
            log.append(event)
            self.show(event)

        def facts() -> dict[str, Any]:
            return made.facts.content() | {"log": log.position()}

        state, settings = made.training.state, made.problem.settings
        if found is not None:
            emit(Resumed(state.step, state.epoch, found.path.name))
        saver = Saver(_checkpoints(run, identity), settings.checkpoint_every, facts, emit, signals,
                      rollback=settings.on_nonfinite == "rollback")  # fmt: skip
        try:
            made.training.train(emit, saver)
            self._finish(run, made)
            plotter.communicate(b"draw\n")
        except TrainwrightError as problem:
            emit(Note("stopped", problem.code, f"after step {state.step}; go on with: trainwright resume {run.path}"))
            raise
        except ENDED:
            emit(Note("stopped", signals.name, f"after step {state.step}; go on with: trainwright resume {run.path}"))
            raise
        finally:
            log.close()
            if plotter.poll() is None:
                plotter.communicate()
        atomic.write_file(run.seal, seal.of(run.path, {}, run.lasting()).text())

    def _finish(self, run: RunFolder, made: Prepared) -> None:
        """The test, the bundle, the report."""
        from trainwright.store import bundle
        from trainwright.watch.model_card import card

        phases, training = self.phases, made.training
        phases.mark("train")
        phases.seconds["train"] = round(training.state.seconds, 4)
        scores = training.evaluate()
        phases.mark("evaluate")
        bundle.save(run.model, training.bundle(), card(run.path, scores))
        made.caching.join()
        phases.mark("save")
        rate = round(training.state.rows / max(phases.seconds["train"], 1e-9))
        write_json(run.report, scores | {"data": made.facts.data, "seconds": phases.seconds, "rows_per_second": rate})


def write_head(run: RunFolder, problem: Problem, origin: Mapping[str, Any]) -> None:
    """What is known before the first step; the settings last, as a folder that has them is a run. Raises E402.

    What an earlier process was about to write when it was killed goes.
    """
    from trainwright.store import atomic

    atomic.remove_leftovers(run.path)
    write_json(run.data, problem.data)
    atomic.write_file(run.settings, to_toml(problem.settings, run=origin))


def write_json(path: Path, value: Any) -> None:
    """Raises E402."""
    from trainwright.store import atomic

    atomic.write_file(path, json.dumps(value, indent=1))


def _checkpoints(run: RunFolder, identity: str) -> Checkpoints:
    from trainwright.store.checkpoint import Checkpoints

    return Checkpoints(run.checkpoints, run.quarantine, identity)


def _import_torch() -> None:
    """Torch takes seconds to import; the data are read meanwhile."""
    if "torch" not in sys.modules:
        _load_libraries()
    import trainwright.training.trainer  # noqa: F401


def _load_libraries() -> None:
    """Load torch's own libraries as it does, but leave the lock of the interpreter to others for that fifth of the time.

    A foreign function is called without it, an import statement never is. Where this fails, the import does it all. It is
    left to the import, too, where torch looks for libraries of an accelerator first, of which there may be several.
    """
    with suppress(OSError, ValueError, AttributeError):
        folder = Path(find_spec("torch").origin or "").parent / "lib"  # type: ignore[union-attr]
        if any((folder / f"libtorch_{kind}.so").exists() for kind in ("cuda", "hip", "xpu")):
            return
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.restype = ctypes.c_void_p
        for name, mode in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch_cpu", os.RTLD_LOCAL)):
            library = folder / f"{name}.{'dylib' if sys.platform == 'darwin' else 'so'}"
            if not dlopen(os.fsencode(library), mode | os.RTLD_NOW):
                return


def start_artist(run: RunFolder) -> subprocess.Popen[bytes]:
    """A second process that draws the plots: it gets ready while the model trains, and draws when it is told to."""
    command = [sys.executable, "-P", "-m", "trainwright.watch.plots", str(run.path), "--wait"]
    # A group of its own: Ctrl-C is for the training, which then tells the artist.
    return subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)
