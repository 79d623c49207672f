"""How checkpoints are written and gone on from: by ``train`` and by ``fit`` with a folder alike."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from trainwright.config.settings import MOST_THREADS
from trainwright.data.batches.base import Batches
from trainwright.errors import RunError, TrainingError, TrainwrightError, error, in_short
from trainwright.fields import period
from trainwright.store.checkpoint import KEEP, Checkpoint, Checkpoints, read
from trainwright.store.run_folder import RunFolder
from trainwright.training import snapshot
from trainwright.training.signals import Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Epoch, Event, EventLog, Finished, Follower, Listener, Note, Refused, Saved, Step

FACTS: dict[str, dict[str, type]] = {
    "log": {"events": int, "history": str},
    "data": {"sources": dict, "paths": dict, "encoder": str},
}
SAVING_SHARE = 0.01  # of the time may go into checkpoints that are written by the clock


def newest(run: RunFolder, checkpoints: Checkpoints, listen: Listener, facts: Collection[str] = ()) -> Checkpoint | None:
    """Return the newest whole checkpoint of a run, or None where none was ever written; ``listen`` hears of damaged ones.

    Raise E411 for a checkpoint that lacks one of the ``facts``, E413 where none is whole, E417 where all are lost.
    """
    found = checkpoints.newest(lambda *said: listen(Note(*said)))
    for key in ("machine", "log", *facts):
        if found is not None and not _as_written(key, found.facts.get(key)):
            raise error("E411", path=found.path, problem=f"it does not say its {key}")
    if found is None and run.wrote_checkpoints():
        raise error("E417", path=run.path)
    return found


def _as_written(key: str, fact: Any) -> bool:
    """Return whether a fact of a checkpoint is of the form that a run writes: somebody else may have sealed it."""
    return isinstance(fact, dict) and all(type(fact.get(name)) is kind for name, kind in FACTS.get(key, {}).items())


def restore(
    found: Checkpoint, learner: Learner, batches: Batches, state: State, accumulate: int, share: float | None = None
) -> bool:
    """Put back what a checkpoint holds, and return whether the schedules are those of then; ``share`` as ``snapshot`` has it.

    Raise E411 where the checkpoint was made by something else.
    """
    try:
        alike = snapshot.restore(found.state, learner, state, -(-batches.per_epoch // accumulate), share)
        if state.microbatches > 1:
            batches.batch_size //= state.microbatches
        if not 0 < int(found.facts["machine"]["threads"]) <= MOST_THREADS:
            raise ValueError(f"{found.facts['machine']['threads']} threads")
    except Exception as problem:  # somebody else may have written and sealed it
        raise error("E411", path=found.path, problem=f"it does not fit the model: {in_short(problem)}") from None
    return alike


def open_log(run: RunFolder, found: Checkpoint | None, follower: Follower | None = None) -> EventLog:
    """Return the log of a run, with what it held when the checkpoint was taken and nothing after that. Raise E402."""
    kept = found.facts["log"] if found is not None else {"events": 0, "history": ""}
    return EventLog(run.events, run.history, kept, follower)


def with_checkpoints(events: Iterator[Event], learner: Learner, state: State, saver: Saver) -> Generator[Event, None, None]:
    """Yield the events of a training, each once it is in the log; save whenever it is due, and however the training ends.

    ``Finished`` comes after the final checkpoint. After a signal all is saved and one of ``ENDED`` is raised.
    """
    with saver.signals.waiting():
        saver.begin(learner, state)
        try:
            for event in events:
                if isinstance(event, Finished):
                    saver.save(final=True)
                saver.emit(event)
                yield from saver.emitted()
                saver.after(event)
                yield from saver.emitted()
            saver.signals.check()
        except BaseException as problem:
            if isinstance(problem, GeneratorExit):
                saver.catch_up(events)
            with suppress(TrainwrightError):  # what ended the run matters more than a failure of this
                saver.save()
            if not isinstance(problem, GeneratorExit):  # the caller has left, and hears nothing more
                yield from saver.emitted()
            raise


@dataclass
class Saver:
    """Saves what learns and where it stands, every so often, when memory ran out, and when a signal ends the run.

    ``facts`` gives what else belongs to a checkpoint, as JSON; ``log`` is called with every event, to keep it. With
    ``rollback`` there is a regular checkpoint from the first step on.
    """

    checkpoints: Checkpoints
    every: str
    facts: Callable[[], Mapping[str, Any]]
    log: Listener
    signals: Signals
    rollback: bool = False

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self._passed_over = ("E402", "E502") if self.rollback else ("E402",)  # what is not finite now may be taken back later
        self._emitted: list[Event] = []
        self._every, self._unit = period(self.every)
        self._next = perf_counter() + self._every
        self._at: tuple[int, ...] = ()
        self._failing = False

    def emit(self, event: Event) -> None:
        """Write an event to the log, and keep it until it is asked for."""
        self.log(event)
        self._emitted.append(event)

    def emitted(self) -> Iterator[Event]:
        """Yield the events that nobody has asked for yet."""
        while self._emitted:
            yield self._emitted.pop(0)

    def begin(self, learner: Learner, state: State) -> None:
        """Take note of what is to be saved; a run that goes on is saved where it stands already."""
        self.learner, self.state = learner, state
        learner.pause = self._pause
        self._odd = {name for name, each in learner.model.named_buffers() if not snapshot.finite(each)}
        if self.rollback and self.checkpoints.regular() is None:
            self.save(regular=True, final=True)
        if state.step:
            self._at = self._place()
        self._look_ahead()

    def catch_up(self, events: Iterator[Event]) -> None:
        """Log the updates that the device was handed before nobody wanted to hear of more; the run then stands after them."""
        self.learner.pause = lambda step: True
        while not self.learner.at_step_boundary and (event := next(events, None)) is not None:
            self.log(event)

    def after(self, event: Event) -> None:
        """Save where ``event`` makes it due. Raise one of ``ENDED`` after a signal, when all is saved."""
        if isinstance(event, Step | Epoch | Refused | Note) and self.learner.at_step_boundary:
            due = self._due(event)
            # A run that goes on must not depend on whether memory runs out again: what the loop notes is saved at once.
            if due or isinstance(event, Note) or self.signals.received:
                self.save(regular=due and self._unit != "seconds")
            self.signals.check()

    def roll_back(self) -> str:
        """Take what learns back to the newest regular checkpoint, and return its name. Raise E411 and E417 where it is lost."""
        path = self.checkpoints.regular()
        if path is None:
            raise error("E417", path=self.checkpoints.folder.parent)
        snapshot.roll_back(read(path).state, self.learner, self.state)
        return path.name

    def _pause(self, step: int) -> bool:
        """Return whether the run may have to be saved as it is after ``step``."""
        by_steps = self._unit == "steps" and step % self._every == 0
        return by_steps or bool(self.signals.received) or (self._unit == "seconds" and perf_counter() >= self._next)

    def _due(self, event: Event) -> bool:
        if self._unit == "seconds":
            return perf_counter() >= self._next
        if self._unit == "steps":
            return isinstance(event, Step) and event.step % self._every == 0
        return self._unit == "epochs" and isinstance(event, Epoch) and event.epoch % self._every == 0

    def save(self, *, regular: bool = False, final: bool = False) -> None:
        """Write a checkpoint. Where that fails the run goes on and tries again later; the ``final`` one has to be made.

        Raise E502 for numbers that are not finite, E412 for a state that cannot be held, E402 for the final one; of a run
        with ``rollback`` E502 for the final one only.
        """
        place = self._place()
        if place == self._at or not self.learner.at_step_boundary:
            return
        begun = perf_counter()
        try:
            snapshot.check_finite(self.learner, self.state.step, self._odd)
            taken = snapshot.take(self.learner, self.state)
            size = self.checkpoints.save(self.state.step, taken, self.facts(), regular=regular)
        except (RunError, TrainingError) as problem:
            if final or problem.code not in self._passed_over:
                raise
            if not self._failing:
                kept = next((path.name for path in self.checkpoints.paths()), "none")
                why = f"{problem.what}; tried again until it can be, newest: {kept}"
                self.emit(Note("not saved", f"step {self.state.step}", why))
            self._failing = True
        else:
            self._failing = False
            self._at = place
            self.emit(Saved(self.state.step, perf_counter() - begun, size))
        now = perf_counter()
        self._next = now + max(self._every, (now - begun) / SAVING_SHARE)

    def _place(self) -> tuple[int, ...]:
        return self.state.step, self.state.epoch, self.state.batch, self.state.microbatches

    def _look_ahead(self) -> None:
        """Say before the first step where there is little room: parameters, two numbers of the optimiser, the best ones."""
        needed = 4 * sum(each.nbytes for each in self.learner.model.state_dict().values()) * (KEEP + 1)
        free = shutil.disk_usage(self.checkpoints.folder.parent).free
        if free < needed:
            why = f"checkpoints may take {needed / 1e6:,.0f} MB; training goes on where one does not fit"
            self.emit(Note("disk", f"{free / 1e6:,.0f} MB free", why))
