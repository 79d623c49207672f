"""fit(): a generator of events. It never prints, saves or draws; whoever goes through the events does."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import nn

from trainwright.data.batches.base import Batch, Batches
from trainwright.data.batches.shuffle import epoch_seed, step_seed
from trainwright.errors import TrainingError, error
from trainwright.training.ahead import Ahead
from trainwright.training.memory import ran_out
from trainwright.training.optim import advance_each, is_primed
from trainwright.training.rng import seed_rng
from trainwright.training.state import State, Tally
from trainwright.training.step import Learner, Made, update
from trainwright.watch.events import Answers, Epoch, Event, Finished, Note, Refused, Scores, Started, Step, in_short
from trainwright.watch.metrics import METRICS

FOREVER = 1 << 60  # epochs, where steps or seconds say when to stop
LIMIT = 10  # refused updates in a row, after which nothing is left to hope for
NAMED = 20  # rows and layers in a message
FORWARD = 0.5  # of the time of an update is kept for as many rows of validation, until one was measured
Validate = Callable[[nn.Module], Scores]
Watch = Callable[[nn.Module, int], Answers | None]  # (model, epoch); None where there turns out to be nothing to watch
Recover = Callable[[], str]


def pass_over() -> str:
    """Leave the parameters as they are: they are taken from no checkpoint."""
    return ""


def _numbered(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, sorted(rows.tolist())[:NAMED]))
    return f"rows {shown}" + (f", ... ({len(rows)} rows)" if len(rows) > NAMED else "") if len(rows) else ""


@dataclass(frozen=True)
class Plan:
    """When to stop, and by what the best epoch is chosen. 0 = no limit, except ``epochs``.

    ``seconds`` are those of the whole training, its trials, validations and checkpoints among them, by ``clock``;
    ``valid_share`` is how many rows validation has for each one of training. ``name_rows`` says which rows of the data are
    meant by their numbers, for messages.
    """

    epochs: int
    steps: int = 0
    seconds: float = 0.0
    patience: int = 0
    accumulate: int = 1
    monitor: str = "loss"
    higher_is_better: bool = False
    seed: int = 0
    unit: str = "rows"
    name_rows: Callable[[np.ndarray], str] = _numbered
    valid_share: float = 0.0
    keep_last: bool = False
    clock: Callable[[], float] = time.perf_counter

    def reason(self, state: State, seconds: float) -> str:
        """Return why training is over, or an empty string. An epoch that was begun is always ended, so that it is measured."""
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
        """Return whether no update may follow, wherever the epoch stands. One is made however short the time is."""
        over = self.seconds and state.step and seconds >= self.seconds - state.trials - state.validation
        return bool(self.steps and state.step >= self.steps) or bool(over)

    def updates(self, per_epoch: int) -> int:
        """Return how many updates are planned, where an epoch has so many batches; 0 where that is not known."""
        planned = self.epochs * -(-per_epoch // self.accumulate)
        return min(self.steps or planned, planned or self.steps)

    def share(self, state: State, seconds: float, updates: int) -> float | None:
        """Return how much of a training that is limited by time is over, in [0, 1]: of its ``updates`` or of the time for
        them, whichever is more. None where there is no such limit."""
        if not self.seconds:
            return None
        left = self.seconds - state.trials - state.validation
        return min(1.0, max(seconds / left if left > 0 else 1.0, state.step / updates if updates else 0.0))

    def score(self, valid: Scores) -> float:
        """Return how good an epoch is, more being better, by the monitored metric; by the loss where it has no value.

        Equal ones are told apart by the loss, but not those of a person's own metric, whose size is not known.
        """
        value = valid.values().get(self.monitor)
        if value is None or not self.higher_is_better:
            return -valid.loss if value is None else -value
        return value - 1e-9 * min(valid.loss, 1e3) if self.monitor in METRICS else value


def fit(
    learner: Learner,
    train: Batches,
    validate: Validate | None,
    plan: Plan,
    state: State,
    recover: Recover | None = None,
    watch: Watch | None = None,
) -> Generator[Event, None, None]:
    """Train until the plan says stop. ``state`` is moved along; its ``best`` holds the parameters of the best epoch.

    ``watch`` is asked before the first step and after each epoch what the model says of a few rows.

    ``recover`` is called when an update is refused, and training goes on with the rows after it; it may put back parameters
    of an earlier time, and names the checkpoint that they are from. Without it, training ends there.

    Raise E501 for a refused update, E503 for too many in a row, E504 where even the smallest part of a batch finds no memory.
    Everything is then as it was before that update.
    """
    begun = plan.clock() - state.seconds
    state.tally.ignored = learner.objective.ignored
    if not learner.model.training:
        learner.model.train()  # a model that is in training mode keeps the modes of its parts: some may be frozen
    learner.align()
    if learner.averages is not None:
        learner.averages.begin()
    steps, epochs = (plan.updates(train.per_epoch), plan.epochs) if plan.epochs < FOREVER else (plan.steps, 0)
    left = max(plan.seconds - state.trials - state.seconds, 1e-3) if plan.seconds else 0.0
    yield Started(epochs, steps, train.per_epoch, train.rows, plan.unit, left)
    if watch and not state.step and (answers := watch(learner.model, 0)):
        yield answers
    ahead = None if learner.waits else Ahead(learner)
    while not (reason := plan.reason(state, plan.clock() - begun)):
        epoch_begun = plan.clock()
        yield from _epoch(learner, ahead, train, plan, state, recover, begun)
        scores = state.tally.scores()
        scores.metrics |= learner.objective.metrics(scores.loss)
        learned = plan.clock()
        with learner.averaged():
            valid = validate(learner.model) if validate else None
            learner.at_step_boundary = False
            state.epoch, state.batch, state.tally = state.epoch + 1, 0, Tally(ignored=learner.objective.ignored)
            best = valid is not None and not plan.keep_last and state.consider(learner.model, plan.score(valid))
            lr = learner.lr
            share = plan.share(state, plan.clock() - begun, plan.updates(train.per_epoch))
            advance_each(learner.schedules, "epoch", (valid or scores).loss, share)
            seconds = plan.clock() - epoch_begun
            answers = watch(learner.model, state.epoch) if watch else None
        if answers:
            yield answers
        if plan.seconds:
            state.validation = max(plan.clock() - learned, state.validation if state.epoch > 1 else 0.0)
        learner.at_step_boundary = True
        yield Epoch(state.epoch, state.step, scores, valid, lr, seconds, best)
        state.seconds = plan.clock() - begun
    yield Finished(reason, state.step, state.epoch, state.best_epoch or state.epoch * plan.keep_last, plan.clock() - begun)


def _epoch(
    learner: Learner, ahead: Ahead | None, train: Batches, plan: Plan, state: State, recover: Recover | None, begun: float
) -> Iterator[Event]:
    """Make the updates of one epoch, or of what is left of it, and yield their events."""
    device = learner.parameters[0].device if learner.parameters else torch.device("cpu")
    if state.batch == 0:
        learner.forward.reset_state()
    elif plan.spent(state, state.seconds):
        return  # the run was stopped between its last update and the end of the epoch
    # What a person's own batches draw when an epoch begins follows from the epoch, and later on from the step.
    seed_rng(device, epoch_seed(plan.seed, state.epoch))
    batches = train.epoch(state.epoch, state.batch)
    if state.batch:
        seed_rng(device, step_seed(plan.seed, state.step))
    while True:
        if ahead is not None and is_primed(learner.optimizer):  # by its first step
            batches = yield from _run_ahead(learner, ahead, train, batches, plan, state, begun, device)
            if plan.spent(state, plan.clock() - begun):
                return
        window = list(islice(batches, plan.accumulate * state.microbatches))
        if not window:
            break
        if state.batch == 0:
            seed_rng(device, step_seed(plan.seed, state.step))
        lr = learner.lr
        made = _attempt(learner, window, plan, state, recover)
        if made is None:
            smaller = split_batches(learner, train, window[0], state)
            batches, window = train.epoch(state.epoch, state.batch), []
            release(device)
            yield smaller
            begins = state.batch == 0
            seed_rng(device, epoch_seed(plan.seed, state.epoch) if begins else step_seed(plan.seed, state.step))
            continue
        happened: Refused | Step
        if isinstance(made, Refused):
            happened, loss = made, None
        else:
            norm = None if made.norm is None else in_short(made.norm)
            happened, loss = Step(state.step + 1, state.epoch + 1, made.loss, made.rows, lr, norm, made.parts), made.loss
            state.rows += made.rows
        state.step += 1
        state.batch += len(window)
        state.seconds = plan.clock() - begun
        _expect_validation(plan, train, state)
        advance_each(learner.schedules, "step", loss, plan.share(state, state.seconds, plan.updates(train.per_epoch)))
        learner.at_step_boundary = True
        yield happened
        if plan.spent(state, plan.clock() - begun):
            return
        seed_rng(device, step_seed(plan.seed, state.step))
    if state.batch == 0:
        ended = "The data gave some before, and can be gone through once only." if state.epoch else ""
        raise error("E607", hint=ended)


def _expect_validation(plan: Plan, train: Batches, state: State) -> None:
    """Set how long the validation of the first epoch will take, by how long its updates took: time that is limited is kept
    for it."""
    if not plan.seconds or state.epoch:
        return
    state.first = state.first or state.seconds  # the first update is slower than the others
    if state.step > 1:
        an_update = (state.seconds - state.first) / (state.step - 1)
        state.validation = min(FORWARD * plan.valid_share * an_update * train.per_epoch / plan.accumulate, plan.seconds / 2)


def _run_ahead(
    learner: Learner,
    ahead: Ahead,
    train: Batches,
    batches: Iterator[Batch],
    plan: Plan,
    state: State,
    begun: float,
    device: torch.device,
) -> Generator[Event, None, Iterator[Batch]]:
    """Make updates without waiting for them until the epoch ends, nothing may follow, or one needs ``_attempt``; yield their
    events when their results are there, and return the batches that are left.

    Where somebody wants to see the run after an update, the device is waited for, and everything stands as after that one.
    """
    over = False
    while not over:
        window = list(islice(batches, plan.accumulate * state.microbatches))
        over = not window
        if window:
            if state.batch == 0:
                seed_rng(device, step_seed(plan.seed, state.step))
            try:
                ahead.send(window, state, plan.share(state, plan.clock() - begun, plan.updates(train.per_epoch)))
            except torch.OutOfMemoryError:
                over, batches = True, chain(window, batches)
            else:
                over = plan.spent(state, plan.clock() - begun)
        wait = over or learner.pause(state.step)
        if wait or ahead.is_due():
            found = ahead.read(state.tally, wait=wait)
            state.seconds = plan.clock() - begun
            _expect_validation(plan, train, state)
            over = over or ahead.stuck
            if over:
                batches = chain(ahead.rewind(state), batches)
            for each in found:
                state.refused = 0
                learner.at_step_boundary = (wait or over) and each is found[-1]
                norm, rows = in_short(each.norm), sum(batch.size for batch in each.sent.window)
                yield Step(each.sent.step + 1, state.epoch + 1, each.mean, rows, each.sent.lr, norm)
        seed_rng(device, step_seed(plan.seed, state.step))
    learner.at_step_boundary = True
    return batches


def _attempt(
    learner: Learner, window: Sequence[Batch], plan: Plan, state: State, recover: Recover | None
) -> Made | Refused | None:
    """Make an update. Return what it came to, or a ``Refused`` event where training goes on without it, or None where memory
    ran out.

    Out of here, nothing holds on to what did not fit.
    """
    try:
        made = (learner.own or update)(learner, window, state.step + 1, state.tally)
    except TrainingError as problem:
        if problem.code != "E501":
            raise
        return _refused(problem, learner, plan, state, recover)
    except Exception as problem:
        if not ran_out(problem):
            raise
        return None
    state.refused = 0
    if learner.averages is not None:
        learner.averages.update()
    return made


def _refused(problem: Any, learner: Learner, plan: Plan, state: State, recover: Recover | None) -> Refused:
    """Return the event of a refused update. Raise ``problem`` where training does not go on, E503 after ``LIMIT`` in a row."""
    names = ", ".join(problem.layers[:NAMED]) + (", ..." if len(problem.layers) > NAMED else "")
    rows = plan.name_rows(problem.rows) + (", whose own values are not finite" if problem.in_data else "")
    problem.where = "; ".join(each for each in (rows, names and f"not finite in: {names}") if each)
    if recover is None:
        raise problem
    state.refused += 1
    facts = {"step": state.step + 1, "quantity": problem.quantity, "where": problem.where}
    if state.refused >= LIMIT:
        raise error("E503", count=LIMIT, **facts)
    return Refused(epoch=state.epoch + 1, taken=recover(), **facts)


def split_batches(learner: Learner, train: Batches, first: Batch, state: State) -> Note:
    """Divide the batches of ``train``, as memory ran out, by the smallest factor that leaves none over.

    The gradients of the parts add up to that of the batch. The iterator in use has to be made anew. ``first`` is one of the
    batches that did not fit. Raise E504 where they cannot be cut.
    """
    for parameter in learner.parameters:
        parameter.grad = None
    if learner.own is not None:
        raise error("E504", what="a batch, which cannot be cut: a step of your own makes of it what it makes")
    if learner.forward.is_stateful(first):
        raise error("E504", what="a batch, which cannot be cut: the model carries a state for each of its rows")
    if not train.batch_size:
        raise error("E504", what="a batch, which cannot be cut: it comes as it is")
    if train.batch_size == 1:
        raise error("E504", what="a single row")
    factor = next(each for each in range(2, train.batch_size + 1) if train.batch_size % each == 0)
    train.batch_size //= factor
    state.batch, state.microbatches = state.batch * factor, state.microbatches * factor
    why = f"memory ran out; {state.microbatches} of them make a batch, the updates stay as they were asked for"
    if any(isinstance(each, nn.modules.batchnorm._BatchNorm) and each.training for each in learner.model.modules()):
        why += ", but batch norm sees fewer rows at a time"
    return Note("micro-batch", f"{train.batch_size} rows", why)


def release(device: torch.device) -> None:
    """Give back what torch keeps for itself: pieces of the old sizes are of no use to smaller batches."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
