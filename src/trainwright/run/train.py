"""One training from what was asked to a finished run folder: the order of events, and nothing else.

Torch is imported by a thread while the data are read, the plots are drawn by a process that gets ready while the model trains,
and the cache is filled by a thread meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trainwright.config.kinds import KINDS
from trainwright.config.resolve import recipe, resolve, to_toml
from trainwright.config.settings import EXECUTION_SETTINGS
from trainwright.errors import TrainwrightError, error, in_short, shell_word
from trainwright.plain_files import made_sense_of
from trainwright.run import beforehand, choose, examples, seen
from trainwright.run.request import Request
from trainwright.run.resume import Fingerprint, SavedRun
from trainwright.startup import import_in_thread, start_artist
from trainwright.store import atomic, run_folder, seal
from trainwright.store.run_folder import RunFolder
from trainwright.watch.events import Event, Listener, Note, PhaseEnded, Resumed, ignore
from trainwright.watch.summary import undrawn
from trainwright.watch.tracking import Tracking, chosen

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.store.checkpoint import Checkpoint
    from trainwright.tasks.base import FillCache
    from trainwright.training.problem import Problem
    from trainwright.training.signals import Signals
    from trainwright.training.trainer import Trainer


Posed = tuple["Source", "Problem", "FillCache"]


class Phases:
    """A listener that counts seconds by phase, passes all other events on, and keeps what was derived."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.notes: list[Note] = []

    def __call__(self, event: Event) -> None:
        """Count the time since the last phase ended towards the one that ends now, or pass the event on."""
        if isinstance(event, Note):
            if event in self.notes:  # said when the rows were read for the first time
                return
            self.notes.append(event)
        if not isinstance(event, PhaseEnded):
            self._listen(event)
            return
        now = time.perf_counter()
        self.seconds[event.phase] = round(self.seconds.get(event.phase, 0.0) + now - self._last, 4)
        self._last = now


@dataclass(frozen=True)
class Prepared:
    """A training ready to begin on a source; the thread ``caching`` fills the cache meanwhile, and puts into ``unkept`` why it
    cannot."""

    source: Source
    training: Trainer
    facts: Fingerprint
    caching: threading.Thread
    unkept: list[str | None]
    start: Path | None  # the run that it goes on from


class Session:
    """One training, carried through by ``begin`` or ``resume``. ``listen`` is called with every event, and so are the trackers
    in ``track``."""

    def __init__(self, listen: Listener, track: str | Iterable[str] = ()) -> None:
        """Raise E650 and E651 for trackers that are not there."""
        self._track = chosen(track)
        self.listen = Phases(listen)
        self._importing = import_in_thread("trainwright.training.trainer")
        self._begun = False

    def begin(self, request: Request) -> Path:
        """Train what is asked for, and return the folder of the finished run.

        Raise TrainwrightError before there is a folder, or on the way E402 and E501.
        """
        with self._signals() as signals:
            base = recipe(request.recipe)["settings"] if request.recipe else {}
            resolve(request.settings, base)  # what is wrong whatever the task, before anything is read
            if request.out is not None:
                run_folder.check_free(request.out)
            posed = self.read(request, base, self._import)
            planned = choose.plan(posed[1], posed[0], {**base, **request.settings})
            made = None if planned else self._look_before(self.prepare(request, base, posed))  # what is wrong leaves no folder
            run = run_folder.create(request.out, request.runs, run_folder.slug(posed[1].data["source"]))
            with run_folder.locked(run):
                run_folder.check_free(run.path)  # another process may have been faster
                origin = request.origin() | {"folder": str(Path.cwd()), "id": uuid.uuid4().hex, "said": request.said()}
                if planned:
                    self._begun = True
                    choose.begin(run, planned)
                    write_head(run, posed[1], origin)
                    made = choose.chosen(self, run, request, base, planned, signals)
                assert made is not None
                self._execute(run, origin, made, signals, None)
        return run.path

    def _look_before(self, made: Prepared) -> Prepared:
        """Look at a training that will take long before it begins."""
        if noted := beforehand.before_long(made.training):
            self._say(noted)
            self.listen(PhaseEnded("check"))
        return made

    def resume(self, path: Path, source: Any, given: dict[str, Any], offline: bool) -> Path:
        """Go on with a run from its newest whole checkpoint, and return its folder; ``given`` settings may extend it.

        ``source`` is where its data are now, where they have moved, or data in memory. Raise as ``begin``.
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
        from trainwright.store.checkpoint import Checkpoints
        from trainwright.training.checkpointing import newest

        if run.report.is_file() and run.seal.is_file() and not earlier.check(given, None)[1]:
            self.listen(Note("resumed", "nothing to do", "the run has ended"))
            return
        checkpoints = Checkpoints(run.checkpoints, run.quarantine, earlier.origin["id"])
        found = newest(run, checkpoints, self.listen, ("settings", "data"))
        settings, changed = earlier.check(given, found)
        request = earlier.request(run.path, offline=offline)
        posed = self.read(request, settings, self._import)
        planned = choose.begun(posed[1], earlier.run, earlier.settings)
        made = (
            choose.chosen(self, earlier.run, request, settings, planned, signals)
            if planned
            else self.prepare(request, settings, posed)
        )
        origin = dict(earlier.origin)
        with nullcontext() if found is None else made_sense_of(found.path):
            if found is not None:
                position = found.state["position"]
                if changed and (key := made.training.ended(found)):
                    done = {"epochs": position["epoch"], "steps": position["step"]}
                    raise error("E421", path=run.path, key=key, value=getattr(made.training.settings, key), **done)
                notes = made.facts.differences(earlier, found) + made.training.restore(found)
                self._say(notes)
                if notes:  # what a replay could not repeat
                    origin["inexact"] = [*origin.get("inexact", []), *(f"{what} {value}" for what, value, _ in notes)]
            self._execute(run, origin, made, signals, found)

    @contextmanager
    def _signals(self) -> Iterator[Signals]:
        """Handle signals from the first moment on: until there is something to save, one ends the run at once."""
        from trainwright.training.signals import ENDED, Signals

        with Signals() as signals:
            try:
                yield signals
            except ENDED:
                if not self._begun:
                    self.listen(Note("stopped", signals.name, "before the first step; nothing is left of it"))
                raise

    def quiet(self) -> Self:
        """Return another one that says nothing."""
        return type(self)(ignore)

    def _import(self) -> None:
        if self._importing.ident is None:
            self._importing.start()

    def _say(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self.listen(note)

    def pose(self, request: Request, base: dict[str, Any], posed: Posed | None = None) -> Posed:
        """Return the source, the problem that it poses with all its settings, and what fills the cache when it is called.

        ``posed`` are these, where they were read already.
        """
        found, problem, fill_cache = posed or self.read(request, base, self._import)
        command = f"trainwright inspect {shell_word(request.source)}" if not request.held else "trainwright.inspect(data)"
        self._say([Note("look closer", "inspect", f"{command}: drift, what gives labels away, look-alikes")])
        self._say(problem.derive())
        return found, problem, fill_cache

    def read(
        self, request: Request, base: dict[str, Any], meanwhile: Callable[[], None] = lambda: None, strict: bool = True
    ) -> Posed:
        """Return the same, before its settings are derived; ``meanwhile`` is called when the source is found.

        Where it is not ``strict``, labels that look misspelt are taken as they are.
        """
        from trainwright.data.files.content import require
        from trainwright.data.read import source as sources
        from trainwright.data.read.options import ReadOptions
        from trainwright.tasks import registry

        self.listen(PhaseEnded("import"))
        if request.start is not None:
            run_folder.open_run(request.start)
        options = ReadOptions.of(resolve(request.settings, base))
        where = request.source, request.valid, request.test
        found = sources.find(*where, offline=request.offline, listen=self.listen, options=options, held=request.held)
        found.strict = strict
        if request.fix is not None:
            found.fix = request.fix
            require(found.fix)
        self._say(found.notes)
        meanwhile()  # not before: a path that is wrong is said at once
        parent = None
        if request.start is not None:
            self._importing.join()
            parent = registry.open_run_model(request.start)
            found.options = ReadOptions.of_bundle({**getattr(parent, "columns", {}), "said": options.said})
        task, why = registry.choose_task(found, request.settings, base, parent)
        if why:
            self.listen(Note("task", KINDS[task].title, why))
        settings = registry.complete_settings(request.settings, base, task, parent, request.start)
        if settings.on_nonfinite == "rollback" and "checkpoint_every" not in {**base, **request.settings}:
            self.listen(Note("checkpoint_every", settings.checkpoint_every, "on_nonfinite=rollback goes back to one"))
        problem, fill_cache = registry.prepare(task, found, settings, parent, self.listen)
        self._say(problem.notes)
        return found, problem, fill_cache

    def prepare(self, request: Request, base: dict[str, Any], posed: Posed | None = None) -> Prepared:
        """Return the problem with all its settings, and its training ready to begin; ``posed`` is what was read already."""
        found, problem, fill_cache = self.pose(request, base, posed)
        self._importing.join()
        from trainwright.training.trainer import Trainer

        self.listen(PhaseEnded("import"))
        given = {**base, **request.settings}
        training = Trainer(problem, [key for key in EXECUTION_SETTINGS if given.get(key) is None], self.listen)
        self.listen(PhaseEnded("trials"))
        self._say(training.notes)
        facts = Fingerprint(found, training)
        unkept: list[str | None] = []
        caching = threading.Thread(target=lambda: unkept.append(fill_cache()), daemon=True)
        caching.start()
        return Prepared(found, training, facts, caching, unkept, request.start)

    def _execute(
        self, run: RunFolder, origin: Mapping[str, Any], made: Prepared, signals: Signals, found: Checkpoint | None
    ) -> None:
        """Train, test, write bundle, report, plots and seal. A run that goes on does so from the checkpoint ``found``."""
        from trainwright.store.checkpoint import Checkpoints
        from trainwright.training.checkpointing import Saver, open_log
        from trainwright.training.signals import ENDED

        write_head(run, made.training.problem, origin)
        choose.clear(run)
        run.seal.unlink(missing_ok=True)
        watched = threading.Thread(target=_write_watched, args=[run, made])
        watched.start()
        self._begun = True
        tracking = Tracking(run.path, self._track, made.training.settings.model_dump(mode="json", exclude_none=True))
        log, artist = open_log(run, found, tracking), start_artist(run.path)
        for note in self.listen.notes if found is None else ():  # a run that goes on has them from its beginning
            log.append(note)

        def emit(event: Event) -> None:
            log.append(event)
            self.listen(event)

        state, settings = made.training.state, made.training.settings
        if found is not None:
            emit(Resumed(state.step, state.epoch, found.path.name))
        saver = Saver(
            Checkpoints(run.checkpoints, run.quarantine, origin["id"]),
            settings.checkpoint_every,
            lambda: made.facts.content() | {"log": log.position()},
            log.append,
            signals,
            rollback=settings.on_nonfinite == "rollback",
        )
        tracking.tell = saver.emit
        try:
            made.training.train(self.listen, saver)
            watched.join()
            self._finish(run, made)
            for note in undrawn(artist.draw(), run.path):
                emit(note)
        except (TrainwrightError, *ENDED) as problem:
            told = f"after step {state.step}; go on with: trainwright resume {shell_word(run.path)}"
            if isinstance(problem, TrainwrightError):
                log.append(Note("stopped", problem.code, f"{in_short(problem)}; {told}"))
                self.listen(Note("stopped", problem.code, told))  # the message itself comes to whoever called
                for note in undrawn(artist.draw(), run.path):
                    emit(note)
            else:
                emit(Note("stopped", signals.name, told))
            raise
        finally:
            log.close()
            artist.dismiss()
        atomic.write_file(run.seal, seal.of(run.path, {}, run.lasting()).text())

    def _finish(self, run: RunFolder, made: Prepared) -> None:
        """Test the model, and write bundle, predictions and report."""
        from trainwright.store import bundle, predictions
        from trainwright.watch.summary import card

        training, seconds = made.training, self.listen.seconds
        self.listen(PhaseEnded("train"))
        seconds["train"] = round(training.state.seconds, 4)
        scores, rows = training.evaluate()
        self.listen(PhaseEnded("evaluate"))
        model = training.bundle()
        bundle.save(run.model, model, card(run.path, scores))
        predictions.write(run.predictions, rows)
        seen.write(run, training.problem, scores, rows, made.start)
        found = examples.examples(made.source, training.problem, rows, model)
        atomic.write_file(
            run.examples, "[\n" + ",\n".join(map(json.dumps, found)) + "\n]\n"
        )  # a row a line: indents take longer
        made.caching.join()
        self._say(not_kept(why) for why in made.unkept if why)
        self.listen(PhaseEnded("save"))
        rate = round(training.state.rows / max(seconds["train"], 1e-9))
        write_json(run.report, scores | {"data": made.facts.data, "seconds": seconds, "rows_per_second": rate})


def not_kept(why: str) -> Note:
    """Return what is said where the cache cannot be filled."""
    return Note("cache", "not kept", f"{why}; the next training reads and encodes again")


def _write_watched(run: RunFolder, made: Prepared) -> None:
    with suppress(TrainwrightError):  # nothing but pictures of the run depends on it
        write_json(run.watched, examples.watched(made.source, made.training.problem))


def write_head(run: RunFolder, problem: Problem, origin: Mapping[str, Any]) -> None:
    """Write what is known before the first step; the settings last, as a folder that has them is a run. Raise E402.

    What an earlier process was about to write when it was killed goes.
    """
    atomic.remove_leftovers(run.path, run.folds, run.plots, run.landscape)
    write_json(run.data, problem.data)
    atomic.write_file(run.settings, to_toml(problem.settings, run=origin))


def write_json(path: Path, value: Any) -> None:
    """Write a value as a JSON file. Raise E402."""
    atomic.write_file(path, json.dumps(value, indent=1))
