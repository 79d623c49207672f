"""fit(): a generator of events. It never prints, saves or draws; whoever goes through the events does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from trainwright.data.batches import Batches
from trainwright.data.order import step_seed
from trainwright.errors import error
from trainwright.training.chance import seed
from trainwright.training.state import State, Tally
from trainwright.training.step import Learner, update
from trainwright.watch.events import Epoch, Event, Finished, Scores, Started, Step

FOREVER = 1 << 60  # epochs, where steps or seconds say when to stop
Validate = Callable[[nn.Module], Scores]


@dataclass(frozen=True)
class Plan:
    """When to stop, and by what the best epoch is chosen. 0 = no limit, except ``epochs``."""

    epochs: int
    steps: int = 0
    seconds: float = 0.0
    patience: int = 0
    accumulate: int = 1
    monitor: str = "accuracy"
    seed: int = 0
    unit: str = "rows"

    def reason(self, state: State, seconds: float) -> str:
        """Why training is over, or an empty string. An epoch that was begun is always ended, so that it is measured."""
        if state.batch:
            return ""
        if self.spent(state, seconds):
            return "steps" if self.steps and state.step >= self.steps else "time"
        if state.epoch >= self.epochs:
            return "epochs"
        if self.patience and state.epoch - state.best_epoch >= self.patience:
            return "patience"
        return ""

    def spent(self, state: State, seconds: float) -> bool:
        """Whether no update may follow, wherever the epoch stands."""
        return bool(self.steps and state.step >= self.steps) or bool(self.seconds and seconds >= self.seconds)

    def score(self, valid: Scores) -> float:
        """Higher is better; equal accuracies are told apart by the loss. A metric counts down where its name has a minus."""
        if self.monitor in valid.metrics:
            return valid.metrics[self.monitor]
        if self.monitor.startswith("-"):
            return -valid.metrics[self.monitor[1:]]
        if self.monitor == "accuracy" and valid.accuracy is not None:
            return valid.accuracy - 1e-9 * min(valid.loss, 1e3)
        return -valid.loss


def fit(learner: Learner, train: Batches, validate: Validate | None, plan: Plan, state: State) -> Iterator[Event]:
    """Train until the plan says stop. ``state`` is moved along; its ``best`` holds the parameters of the best epoch."""
    begun = time.perf_counter() - state.seconds
    state.tally.ignored = learner.objective.ignored
    if not learner.model.training:
        learner.model.train()  # a model that is in training mode keeps the modes of its parts: some may be frozen
    planned = plan.epochs * -(-train.per_epoch // plan.accumulate)
    steps = min(plan.steps or planned, planned or plan.steps)
    steps, epochs = (steps, plan.epochs) if plan.epochs < FOREVER else (plan.steps, 0)
    yield Started(epochs, steps, train.per_epoch, train.rows, plan.unit)
    while not (reason := plan.reason(state, time.perf_counter() - begun)):
        epoch_begun = time.perf_counter()
        yield from _epoch(learner, train, plan, state, begun)
        scores = state.tally.scores()
        scores.metrics = learner.objective.metrics(scores.loss)
        valid = validate(learner.model) if validate else None
        state.epoch, state.batch, state.tally = state.epoch + 1, 0, Tally(ignored=learner.objective.ignored)
        best = valid is not None and state.consider(learner.model, plan.score(valid))
        lr = learner.lr
        for schedule in learner.schedules:
            if schedule.every == "epoch":
                schedule.advance((valid or scores).loss)
        seconds = time.perf_counter() - epoch_begun
        yield Epoch(state.epoch, state.step, scores, valid, lr, seconds, best)
        state.seconds = time.perf_counter() - begun
    yield Finished(reason, state.step, state.epoch, state.best_epoch, time.perf_counter() - begun)


def _epoch(learner: Learner, train: Batches, plan: Plan, state: State, begun: float) -> Iterator[Event]:
    """The updates of one epoch, or of what is left of it."""
    device = learner.parameters[0].device if learner.parameters else torch.device("cpu")
    if state.batch == 0:
        learner.forward.begin()
    elif plan.spent(state, state.seconds):
        return  # the run was stopped between its last update and the end of the epoch
    batches = train.epoch(state.epoch, state.batch)
    while window := list(islice(batches, plan.accumulate)):
        seed(device, step_seed(plan.seed, state.step))
        lr = learner.lr
        loss, rows = update(learner, window, state.step, state.tally)
        state.step += 1
        state.rows += rows
        state.batch += len(window)
        for schedule in learner.schedules:
            if schedule.every == "step":
                schedule.advance(loss)
        state.seconds = time.perf_counter() - begun
        yield Step(state.step, state.epoch + 1, loss, rows, lr)
        if plan.spent(state, time.perf_counter() - begun):
            return
    if state.batch == 0:
        raise error("E607")
