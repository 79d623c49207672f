"""Optimisers, how they move parameters, and schedules of the rate: by their torch names and with torch's own arguments."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Optimizer, lr_scheduler

from trainwright.config.settings import Named, Schedule
from trainwright.errors import error
from trainwright.models.bag import gather_rows
from trainwright.startup import skip_compiler_import
from trainwright.training.torch_names import check, checking, classes

# Optimisers whose update is a single pass over memory when torch's fused kernel does it.
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")
# Arguments of schedules that mean "until the end": filled with the run's length when not given.
LENGTHS = ("total_iters", "T_max", "total_steps")
# Those that can move what is trained here: LBFGS needs the loss again within one update; SparseAdam takes no dense gradients,
# which every model here has.
OPTIMIZERS = classes(torch.optim, Optimizer, without=("Optimizer", "LBFGS", "SparseAdam"))
# Schedules that need Python functions or other schedules, which settings cannot spell.
NEEDS_CODE = ("LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler", "LRScheduler", "_LRScheduler", "SWALR")
SCHEDULES = classes(lr_scheduler, lr_scheduler.LRScheduler, without=NEEDS_CODE)
ROWS_PER_PASS = 8  # rows that one pass over a table goes through in the time in which one row is picked out and put back


def make_optimizer(named: Named, parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """Return the optimiser, fused where torch has it. Raise E310, E311, and E312 when torch refuses a value."""
    kind: Any = check("optimizer", named, OPTIMIZERS, reserved=["lr"])
    skip_compiler_import(Optimizer)
    arguments = named.arguments
    if named.name in FUSED and not {"foreach", "fused", "differentiable"} & set(arguments):
        arguments["fused"] = True
    with checking("optimizer", named):
        made: Optimizer = kind(parameters, lr=lr, **arguments)
    return made


def lean_step(optimizer: Optimizer) -> Callable[[], object]:
    """Return ``optimizer.step`` without the wrappers that torch puts around it for its compiler and its profiler.

    It buys 30 % of the processor time of ``trainwright train`` on 400 rows: without it, the first update imports the compiler,
    and each one takes 10 microseconds longer. An optimiser that is not torch's own, or has hooks, keeps its ``step``.
    """
    hooked = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    if hooked or not type(optimizer).__module__.startswith("torch.optim."):
        return optimizer.step
    raw = inspect.unwrap(type(optimizer).step)

    def step() -> None:
        optimizer._opt_called = True  # type: ignore[attr-defined]  # schedules warn when no update came before them
        with torch.no_grad():
            raw(optimizer)

    return step


def sparse_step(optimizer: Optimizer, step: Callable[[], object]) -> Callable[[], None]:
    """Return ``step`` for gradients of which some may be sparse (coalesced, one sparse dimension), which are those of rows.

    These are moved alone, in the time of these rows and not of the whole table, where that is the same and they are a small
    part of it: they are taken out, with what the optimiser remembers of them; torch's own kernel moves them, and they are put
    back. Else the gradient is made dense.
    """
    moving = any(group.get("momentum") or group["weight_decay"] for group in optimizer.param_groups)
    still = type(optimizer) in (SGD, Adagrad) and not moving  # a row whose gradient is zero stays as it is

    def move() -> None:
        places = []
        for parameters in (group["params"] for group in optimizer.param_groups):
            for place, each in enumerate(parameters):
                if each.grad is None or not each.grad.is_sparse:
                    continue
                if still and each.grad._nnz() * ROWS_PER_PASS <= len(each):
                    places.append((parameters, place, each))
                else:
                    each.grad = _dense(each.grad)
        with torch.no_grad():
            rows = [_take(optimizer, table) for _, _, table in places]
            try:
                for (parameters, place, _), taken in zip(places, rows, strict=True):
                    parameters[place] = taken
                step()
            finally:
                for parameters, place, table in places:
                    parameters[place] = table
                remembered = [optimizer.state.pop(taken, {}) for taken in rows]
            for (_, _, table), taken, kept in zip(places, rows, remembered, strict=True):
                _put_back(optimizer, table, taken, kept)

    return move


def _dense(gradient: Tensor) -> Tensor:
    """Return a sparse gradient as a dense one. Torch's own ``to_dense`` adds to zeros, which takes longer."""
    values = gradient._values()
    return values.new_zeros(gradient.shape).index_copy_(0, gradient._indices()[0], values)


def _take(optimizer: Optimizer, table: Tensor) -> Tensor:
    """Return the rows of a table that its gradient has, as a parameter of their own that the optimiser knows."""
    ids, values = table.grad._indices()[0], table.grad._values()  # type: ignore[union-attr]
    rows = gather_rows(table, ids)
    rows.grad = values
    if table in optimizer.state:
        kept = optimizer.state[table]
        optimizer.state[rows] = {
            name: gather_rows(each, ids) if each.shape == table.shape else each for name, each in kept.items()
        }
    return rows


def _put_back(optimizer: Optimizer, table: Tensor, rows: Tensor, kept: dict[str, Tensor]) -> None:
    ids = table.grad._indices()[0]  # type: ignore[union-attr]
    table.index_copy_(0, ids, rows)
    for name, each in kept.items():
        if each.shape == rows.shape:
            optimizer.state[table][name].index_copy_(0, ids, each)


@dataclass
class Scheduler:
    """One schedule and what a step of it is."""

    schedule: lr_scheduler.LRScheduler
    every: str

    def advance(self, loss: float | None) -> None:
        """Make one step. Only a plateau schedule looks at the loss; where there is none it stays as it is."""
        if not isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
            self.schedule.step()
        elif loss is not None:
            self.schedule.step(loss)


def advance_each(schedules: Iterable[Scheduler], every: str, loss: float | None) -> None:
    """Make one step of each schedule that moves with every ``step``, or every ``epoch``."""
    for each in schedules:
        if each.every == every:
            each.advance(loss)


def make_schedules(
    entries: Iterable[Schedule], warmup: float, optimizer: Optimizer, steps: int, epochs: int
) -> list[Scheduler]:
    """Return the schedules, warm-up first; each multiplies or sets the rate when it steps, so several work together.

    ``steps`` and ``epochs`` are the run's planned length. Raise E310, E311 and E312, and E319 where an argument without a
    default is not given.
    """
    made = []
    if warmup:
        length = round(warmup * steps) if warmup < 1 else int(warmup)
        ramp = lr_scheduler.LinearLR(optimizer, start_factor=1 / (length + 1), total_iters=max(length, 1))
        made.append(Scheduler(ramp, "step"))
    for entry in entries:
        kind = check("schedule", entry, SCHEDULES)
        arguments, parameters = entry.arguments, inspect.signature(kind).parameters
        for name in parameters.keys() & LENGTHS:
            arguments.setdefault(name, max(steps if entry.every == "step" else epochs, 1))
        if entry.name == "OneCycleLR":
            arguments.setdefault("max_lr", [group["lr"] for group in optimizer.param_groups])
        for argument, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            if required and argument != "optimizer" and argument not in arguments:
                raise error("E319", setting="schedule", name=entry.name, argument=argument)
        with checking("schedule", entry):
            made.append(Scheduler(kind(optimizer, **arguments), entry.every))
            # Some only look at their arguments when they step: one step is made on an optimiser that does not matter.
            spare = SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
            lean_step(spare)()
            Scheduler(kind(spare, **arguments), "step").advance(0.0)
    return made


def advance(schedules: Sequence[Scheduler], step: int, epoch: int, per_epoch: int) -> None:
    """Take new schedules to the place after ``epoch`` epochs of ``per_epoch`` updates and ``step`` updates in all.

    A plateau schedule stays where it starts: what it would have seen is not known.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # no update comes before these steps
        for number in range(1, step + 1):
            advance_each(schedules, "step", None)
            if per_epoch and number % per_epoch == 0 and number // per_epoch <= epoch:
                advance_each(schedules, "epoch", None)
        for _ in range(0 if per_epoch else epoch):  # where the length of an epoch is not known, they come last
            advance_each(schedules, "epoch", None)
