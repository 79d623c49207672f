"""When checkpoints are written, and what is done when one cannot be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any

from trainwright.errors import RunError, TrainingError, TrainwrightError, error
from trainwright.fields import period
from trainwright.store.checkpoint import KEEP, Checkpoints, read
from trainwright.training import snapshot
from trainwright.training.signals import Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Epoch, Event, Note, Refused, Saved, Step

SAVING_SHARE = 0.01  # of the time may go into checkpoints that are written by the clock


class Saver:
    """Saves what learns and where it stands, every so often, when memory ran out, and when a signal ends the run.

    ``facts`` gives what else belongs to a checkpoint, as JSON; ``emit`` is told. With ``rollback`` there is a regular
    checkpoint from the first step on.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        every: str,
        facts: Callable[[], Mapping[str, Any]],
        emit: Callable[[Event], None],
        signals: Signals,
        *,
        rollback: bool = False,
    ) -> None:
        self._rollback = rollback
        self._passed_over = ("E402", "E502") if rollback else ("E402",)  # what is not finite now may be taken back later
        self.checkpoints, self.facts, self.emit, self.signals = checkpoints, facts, emit, signals
        self._every, self._unit = period(every)
        self._next = perf_counter() + self._every
        self._at: tuple[int, ...] = ()
        self._failing = False

    def begin(self, learner: Learner, state: State) -> None:
        """What is to be saved; a run that goes on is saved where it stands already."""
        self.learner, self.state = learner, state
        self._odd = {name for name, each in learner.model.named_buffers() if not snapshot.finite(each)}
        if self._rollback and self.checkpoints.regular() is None:
            self.save(regular=True, final=True)
        if state.step:
            self._at = self._place()
        self._look_ahead()

    def after(self, event: Event) -> None:
        """Save where ``event`` makes it due. Raises one of ``ENDED`` after a signal, when all is saved."""
        if isinstance(event, Step | Epoch | Refused | Note):
            due = self._due(event)
            # A run that goes on must not depend on whether memory runs out again: what the loop notes is saved at once.
            if due or isinstance(event, Note) or self.signals.received:
                self.save(regular=due and self._unit != "seconds")
            self.signals.check()

    def rescue(self) -> None:
        """Save what is there when something else ends the run; what ended it matters more than a failure of this."""
        with suppress(TrainwrightError):
            self.save()

    def roll_back(self) -> str:
        """Take what learns back to the newest regular checkpoint; gives its name. Raises E411 and E417 where it is lost."""
        path = self.checkpoints.regular()
        if path is None:
            raise error("E417", path=self.checkpoints.folder.parent)
        snapshot.roll_back(read(path).state, self.learner, self.state)
        return path.name

    def _due(self, event: Event) -> bool:
        if self._unit == "seconds":
            return perf_counter() >= self._next
        if self._unit == "steps":
            return isinstance(event, Step) and event.step % self._every == 0
        return self._unit == "epochs" and isinstance(event, Epoch) and event.epoch % self._every == 0

    def save(self, *, regular: bool = False, final: bool = False) -> None:
        """Write a checkpoint. Where that fails the run goes on and tries again later; the ``final`` one has to be made.

        Raises E502 for numbers that are not finite, E412 for a state that cannot be held, E402 for the final one; of a run
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
            what = f"{free / 1e6:,.0f} MB free"
            self.emit(
                Note("disk", what, f"checkpoints may take {needed / 1e6:,.0f} MB; training goes on where one does not fit")
            )
