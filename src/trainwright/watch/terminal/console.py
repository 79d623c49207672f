"""Shows a run while it goes on: notes, a table row an epoch, a bar with rate and time left, the report at the end.

A ``Step`` costs well under a microsecond unless a redraw is due, which is five times a second at most, and redrawing takes at
most one hundredth of the time. Into a pipe go plain aligned lines, and rich is not imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, TextIO

from trainwright.watch import summary, words
from trainwright.watch.events import Epoch, Event, Finished, Note, Progress, Refused, Resumed, Saved, Started, Step
from trainwright.watch.terminal import epochs
from trainwright.watch.terminal.screen import Bar, Line, Live, Plain, Screen

REFUSED = 5  # refused updates that are shown one by one; the others are counted at the end
_NAME, _VALUE = 17, 18  # the first two columns of a note
_REASONS = {"epochs": "all epochs done", "steps": "all steps done", "time": "the time is up", "patience": "it got no better"}


class Console:
    """Shows one run on ``stream``; ``quiet`` shows nothing at all."""

    def __init__(self, stream: TextIO | None, quiet: bool = False) -> None:
        self._screen = open_screen(stream, quiet)
        self._started = Started(epochs=0, steps=0, steps_per_epoch=0, rows=0)
        self._since = self._next = 0.0
        self._first: int | None = None  # the first step shown is not 1 when a run goes on after an interruption
        self._rows = 0
        self._columns: tuple[epochs.ColumnHead, ...] = ()
        self._layout = epochs.EpochColumns()
        self._saved, self._saving, self._refused = 0, 0.0, 0
        self._waiting: list[Line] = []
        self._next_print = 0.0
        self._phase: Progress | None = None
        self._phase_since = 0.0

    def handle(self, event: Event) -> None:
        """Show ``event``. A ``Step`` is only counted, unless it is time to redraw the bar."""
        if type(event) is Step:
            self._rows += event.rows
            if perf_counter() >= self._next:
                self._step(event)
        elif isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, Epoch):
            self._epoch(event)
        elif isinstance(event, Started):
            self._end_phase()
            self._begin(event)
        elif isinstance(event, Note):
            self._end_phase()
            self._print(_note(event, self._screen.width))
        elif isinstance(event, Refused):
            self._refused += 1
            if event.taken or self._refused <= REFUSED:
                self._print(_note(_refusal(event), self._screen.width))
        elif isinstance(event, Saved):
            self._saved += 1
            self._saving += event.seconds
        elif isinstance(event, Resumed):
            self._end_phase()
            note = Note("resumed", f"step {words.count(event.step)}", f"from {event.checkpoint}, in epoch {event.epoch + 1}")
            self._print(_note(note, self._screen.width))
        elif isinstance(event, Finished):
            self._screen.stop()
            self._print([Line(""), Line(_finished(event, self._saved, self._saving, self._refused))])

    def report(self, report: Mapping[str, Any]) -> None:
        """Print what the run came to: score, interval and baseline, classes, confusions, times."""
        self._screen.stop()
        self._end_phase()
        self._print([Line(text, "" if text[:1] in ("", " ") else "bold") for text in summary.lines(report)])

    def line(self, text: str) -> None:
        """Print ``text`` as it is, but for control characters."""
        self._end_phase()
        self._print([Line(words.clean(part)) for part in text.split("\n")])

    @property
    def lost(self) -> BaseException | None:
        """Return what keeps it from showing anything any more, None as long as it can."""
        return self._screen.lost

    def close(self) -> None:
        """Print what still waits, and leave the terminal as it was found."""
        self._screen.stop()
        self._end_phase()
        self._print([])

    def _print(self, lines: Sequence[Line]) -> None:
        self._screen.lines([*self._waiting, *lines])
        self._waiting = []
        self._next_print = perf_counter() + 0.1

    def _begin(self, event: Started) -> None:
        self._started, self._since = event, perf_counter()
        self._first, self._next, self._rows, self._columns = None, 0.0, 0, ()
        if self._screen.interval < 1:
            self._screen.bar(Bar("training", None, ["the first step is under way"]))

    def _step(self, event: Step) -> None:
        now = perf_counter()
        if self._first is None:  # no rate can be told yet
            self._first, self._next = event.step, now + self._screen.interval
            return
        if self._waiting:
            self._print([])
        self._screen.bar(self._bar(event, self._first - 1, now - self._since))
        spent = perf_counter() - now
        self._next = now + max(self._screen.interval, 100 * spent)  # showing takes one hundredth of the time at most

    def _bar(self, event: Step, before: int, elapsed: float) -> Bar:
        """Return the bar at ``event``, ``elapsed`` seconds after the first of the steps that followed step ``before``."""
        started, rate = self._started, (event.step - before) / elapsed
        facts = [f"loss {words.loss(event.loss)}"]
        left = [max(0, started.steps - event.step) / rate] if started.steps else []
        shares = [event.step / started.steps] if started.steps else []
        if started.seconds:
            passed = perf_counter() - self._since
            left, shares = [*left, max(0.0, started.seconds - passed)], [*shares, passed / started.seconds]
        if left:
            facts += [f"{words.clock(min(left))} left"]
        facts += [f"{words.rate(rate)} steps/s", f"{words.rate(self._rows / elapsed)} {started.unit}/s"]
        title = f"epoch {event.epoch}/{started.epochs}" if started.epochs else f"step {words.count(event.step)}"
        return Bar(title, min(1.0, max(shares)) if shares else None, facts)

    def _epoch(self, event: Epoch) -> None:
        values = epochs.cells(event)
        new = tuple(column for column in values if column not in self._columns)
        head: list[Line] = []
        if new:
            self._columns += new
            self._layout = epochs.choose(self._columns, self._screen.width)
            head = [Line(""), epochs.heading(self._layout)]
        self._waiting += [*head, epochs.row(values, self._layout, event.best)]
        # Epochs of a few milliseconds are printed together: one call to the terminal costs as much as several steps.
        if perf_counter() >= self._next_print:
            self._print([])

    def _progress(self, event: Progress) -> None:
        now = perf_counter()
        if self._phase is None or self._phase.phase != event.phase:
            self._end_phase()
            self._phase_since, self._next = now, now + min(self._screen.interval, 5.0)
        self._phase = event
        if now >= self._next:
            self._screen.bar(_progress_bar(event, now - self._phase_since))
            self._next = now + self._screen.interval

    def _end_phase(self) -> None:
        """Print one line about the long job that was under way; its last state is all that is worth keeping."""
        if self._phase is None:
            return
        event, self._phase = self._phase, None
        took = words.seconds(perf_counter() - self._phase_since)
        self._screen.stop()
        self._print(_note(Note(event.phase, words.amount(event.done, event.unit), took), self._screen.width))


def _note(note: Note, width: int) -> list[Line]:
    """Return what, value and why in three columns; a value too long for its column flows on into the reason."""
    name, value = words.clip(note.what, 40), words.clean(note.value)
    if words.width(value) < _VALUE:
        lead, indent, text = words.pad(value, _VALUE), _VALUE, note.why
    else:
        lead, indent, text = "", 0, f"{value} ({note.why})" if note.why else value
    first, *rest = words.wrap(text, max(20, min(width, 120) - 2 - _NAME - indent))
    margin = " " * (2 + _NAME + indent)
    cells = (name, value, words.clean(note.why))
    head = Line(f"  {words.pad(name + '  ', _NAME)}{lead}{first}", "", cells, "notes")
    return [head, *(Line(margin + line, "", ("",) * len(cells), "notes") for line in rest)]


def _refusal(event: Refused) -> Note:
    done = f"went back to {event.taken}" if event.taken else "the update was not made"
    return Note("not finite", f"{event.quantity}, step {words.count(event.step)}", f"{done}; {event.where or 'no rows known'}")


def _finished(event: Finished, saved: int, saving: float, refused: int) -> str:
    why = _REASONS.get(event.reason, words.clean(event.reason))
    took = f"{words.count(event.step)} steps in {words.seconds(event.seconds)} ({why})"
    left = f"; {words.amount(refused, 'updates')} not made" if refused else ""
    times = f"; {saved:,} checkpoint{'s' * (saved > 1)} in {words.seconds(saving)}" if saved else ""
    kept = f"; kept: epoch {words.count(event.best_epoch)}" if event.best_epoch else ""
    return f"  {took}{kept}{times}{left}"


def _progress_bar(event: Progress, elapsed: float) -> Bar:
    facts = [words.amount(event.done, event.unit)]
    if event.total:
        facts = [f"{facts[0].removesuffix(f' {event.unit}')} of {words.amount(event.total, event.unit)}"]
        if event.done and elapsed > 0:
            facts.append(f"{words.clock((event.total - event.done) * elapsed / event.done)} left")
    return Bar(words.clip(event.phase, 24), min(1.0, event.done / event.total) if event.total else None, facts)


def open_screen(stream: TextIO | None, quiet: bool) -> Screen:
    """Return the screen that suits ``stream``, which is None where the process has none."""
    if quiet or stream is None:
        return Screen()
    if _is_notebook(stream):
        from trainwright.watch.terminal.notebook import Notebook

        return Notebook()
    terminal = not stream.closed and stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    return Live(stream) if terminal else Plain(stream)


def _is_notebook(stream: TextIO) -> bool:
    """Return whether ``stream`` is what a notebook shows below its cell, and not something it was redirected to."""
    kernel = sys.modules.get("ipykernel.iostream")
    if kernel is None or not isinstance(stream, kernel.OutStream):
        return False
    from trainwright.watch.terminal.notebook import in_notebook

    return in_notebook()
