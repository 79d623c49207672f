"""Choose what is fastest here, measured on real batches: precision, memory layout, threads, compilation.

Before the first step, copies of the network are trained for a few updates each way, turn by turn; nothing of them is left. What
is chosen belongs to the run's settings, so that a run that goes on, or is repeated, takes the same.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from typing import Any, NamedTuple

import torch

from trainwright.data.batches.base import Batch, Batches
from trainwright.data.batches.shuffle import step_seed
from trainwright.errors import TrainingError
from trainwright.training.ahead import Ahead
from trainwright.training.loop import release
from trainwright.training.memory import ran_out
from trainwright.training.optim import is_primed
from trainwright.training.rng import seed_rng
from trainwright.training.state import State, Tally
from trainwright.training.step import Learner, update
from trainwright.watch.events import Listener, Progress, ignore

WORTH_SECONDS = 5.0  # seconds of training, below which nothing is measured: there is too little to win
FEW_UPDATES = 400  # updates, below which measuring would be too large a part of them
WINDOWS = 8  # of batches that are trained on
TRIAL_SHARE = 0.01  # of the expected time goes into each comparison
TURNS = 5  # of each of two ways
AHEAD = 0.93  # a way has to be so much faster to be taken
APART = 0.02  # relative difference of the mean losses of two precisions, at most
LOW = 0.1  # a loss, below which differences are not relative to it
LONG_RUN = 600.0  # seconds of training, from which on a compiler that takes a minute may pay


@dataclass(frozen=True)
class ExecConfig:
    """How an update is computed. ``layout`` is empty where there are no images; ``threads`` 0 is torch's own choice."""

    precision: str = "float32"
    layout: str = ""
    threads: int = 0
    compile: bool = False
    graph: bool = False

    def __str__(self) -> str:
        return ", ".join(
            filter(None, (_threads(self), self.precision, self.layout, "compiled" * self.compile, "a graph" * self.graph))
        )

    def settings(self) -> dict[str, Any]:
        """Return the way as settings, without the layout where there are no images."""
        return {key: value for key, value in asdict(self).items() if value != ""}


class Workload(NamedTuple):
    """What is measured: ``build(way)`` gives a learner from the start, ``batches`` are what it learns from.

    The run is ``updates`` long, or ``seconds`` where these are not 0 and end it earlier. ``listen`` hears how far measuring is.
    """

    build: Callable[[ExecConfig], Learner]
    batches: Batches
    accumulate: int
    updates: int
    seconds: float
    device: torch.device
    listen: Listener = ignore


def fastest_config(bench: Workload, prior: ExecConfig, free: set[str]) -> tuple[ExecConfig, str]:
    """Return the fastest way, which differs from ``prior`` in keys that are ``free`` only, and what was measured.

    That is empty where nothing was: the run is short, or ``prior`` fails, which the training itself will tell.
    """
    best, told = replace(prior, compile=False), []  # what is asked for is compiled once, for the run
    if bench.updates < FEW_UPDATES:
        return prior, ""
    try:
        windows = _windows(bench)
        first = _Trial(bench, best, windows[:1])
        first.turn()
        seconds = first.median
        updates = int(min(bench.updates, bench.seconds / seconds if bench.seconds else bench.updates))
        if seconds * updates < WORTH_SECONDS or updates < FEW_UPDATES:
            return prior, ""
        del first
        others = [each for each in _others(best, free) if "compile" not in each or seconds * updates >= LONG_RUN]
        for made, changed in enumerate(others):
            if "compile" in changed and seconds * updates < LONG_RUN:  # by now
                continue
            progress = Progress("measure speed", made * TURNS, len(others) * TURNS, "turns")
            best, seconds, other = _compared(bench, windows, updates, best, replace(best, **changed), progress)
            told.append(other)
    except Exception as problem:
        if not isinstance(problem, TrainingError) and not ran_out(problem):
            raise
        return prior, ""
    finally:
        release(bench.device)
    best = replace(best, compile=best.compile or prior.compile)
    return best, f"{_time(seconds)} an update; {', '.join(told)}" if told else ""


def _others(prior: ExecConfig, free: set[str]) -> Iterator[dict[str, Any]]:
    """Yield what to change, one after the other, each tried beside the best so far."""
    if "threads" in free and torch.get_num_threads() > 1:
        yield {"threads": 1 if prior.threads != 1 else torch.get_num_threads()}
    if "precision" in free:
        yield {"precision": "bfloat16"}
    if "layout" in free:
        yield {"layout": "contiguous" if prior.layout == "channels_last" else "channels_last"}
    if "compile" in free:
        yield {"compile": True}


def _windows(bench: Workload) -> list[list[Batch]]:
    """Return the first windows of the first epoch, each the batches of an update. Made once: workers may have to start."""
    batches = bench.batches.epoch(0)
    found = [list(islice(batches, bench.accumulate)) for _ in range(WINDOWS)]
    if isinstance(batches, Generator):
        batches.close()
    return [window for window in found if window]


def _compared(
    bench: Workload, windows: list[list[Batch]], updates: int, best: ExecConfig, way: ExecConfig, progress: Progress
) -> tuple[ExecConfig, float, str]:
    """Return which of two ways is kept, seconds of its update, and what there is to say of the other."""
    each = max(int(TRIAL_SHARE * updates / (2 * TURNS + 2)), 1)
    turn = list(islice(cycle(windows), each))
    now, new = _Trial(bench, best, turn), None
    for turns in range(1, TURNS + 1):
        try:
            new = new or _Trial(bench, way, turn)
            now.turn()
            new.turn()
        except Exception as problem:  # whatever a precision or a compiler is refused with: no memory, no compiler, no kernel
            now.turn()
            return best, now.median, f"{_difference(way, best)} fails ({type(problem).__name__})"
        bench.listen(replace(progress, done=progress.done + turns))
    assert new is not None
    losses = [statistics.fmean(trial.losses) for trial in (now, new)]
    if not abs(losses[1] - losses[0]) <= APART * max(abs(losses[0]), LOW):
        return best, now.median, f"{_difference(way, best)} changes the loss from {losses[0]:.3g} to {losses[1]:.3g}"
    cost = new.start if way.compile else 0.0  # it is compiled again for the run
    if new.median < AHEAD * now.median and (now.median - new.median) * updates > cost:
        return way, new.median, f"{_time(now.median)} with {_difference(best, way)}"
    return best, now.median, f"{_time(new.median)} with {_difference(way, best)}"


class _Trial:
    """A learner that makes an update of each of some windows a turn."""

    def __init__(self, bench: Workload, way: ExecConfig, windows: list[list[Batch]]) -> None:
        self.bench, self.way, self.windows = bench, way, windows
        self.seconds: list[float] = []  # of an update, for each turn after the first
        self.losses: list[float] = []  # of every update
        begun = time.perf_counter()
        self.learner = bench.build(way)
        self.ahead = None if self.learner.waits else Ahead(self.learner)
        self.turn()
        self.start = time.perf_counter() - begun  # with all that is only done once
        self.seconds.clear()

    @property
    def median(self) -> float:
        """Return the seconds of an update."""
        return statistics.median(self.seconds)

    def turn(self) -> None:
        """Make the updates of one turn, and wait for the device."""
        self.learner.forward.reset_state()
        state = State(tally=Tally(ignored=self.learner.objective.ignored))
        begun = time.perf_counter()
        with threaded(self.way.threads):
            for step, window in enumerate(self.windows):
                seed_rng(self.bench.device, step_seed(0, step))
                if self.ahead is not None and is_primed(self.learner.optimizer):
                    self.ahead.send(window, state)
                else:
                    self.losses.append(update(self.learner, window, step + 1, state.tally).loss)
            if self.ahead is not None:
                self.losses += [each.mean for each in self.ahead.read(state.tally, wait=True)]
                self.losses += [math.nan for _ in self.ahead.rewind(state)]  # what is not finite
        self.seconds.append((time.perf_counter() - begun) / len(self.windows))


@contextmanager
def threaded(threads: int) -> Iterator[None]:
    """Set the number of torch's threads (0: as it is) for a while. Numbers depend on it: sums are cut into as many parts."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def _threads(way: ExecConfig) -> str:
    count = way.threads or torch.get_num_threads()
    return f"{count} thread{'s' * (count != 1)}"


def _difference(way: ExecConfig, other: ExecConfig) -> str:
    """Return what this way has and the other has not."""
    if way.threads != other.threads:
        return _threads(way)
    if way.compile != other.compile:
        return "compilation" if way.compile else "no compilation"
    return way.precision if way.precision != other.precision else way.layout
