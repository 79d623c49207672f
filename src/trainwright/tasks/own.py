"""A model, data, loss and optimiser of the person's own in the same loop as the built-in tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from trainwright.data.batches import any_batches
from trainwright.errors import error
from trainwright.evaluation import metrics
from trainwright.models.forward import Forward
from trainwright.training.loop import Plan, fit
from trainwright.training.optim import Objective, Scheduler
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.console import Console
from trainwright.watch.events import Event, Finished, Scores

PERIODS, SCORES = ("epoch", "step"), ("accuracy", "loss")


def fit_own(
    model: nn.Module,
    data: Any,
    loss: Any,
    optimizer: Optimizer,
    valid: Any,
    batch_size: int,
    schedule: Any,
    schedule_every: str,
    clip: float,
    clip_value: float,
    shuffle: bool,
    progress: bool | None,
    plan: dict[str, Any],
) -> Iterator[Event]:
    """See ``trainwright.fit``; everything is checked before the first event is asked for."""
    entries = list(schedule) if isinstance(schedule, list | tuple) else [schedule] if schedule is not None else []
    _check_numbers(plan | {"batch_size": batch_size, "clip": clip, "clip_value": clip_value})
    _check_parts(model, loss, optimizer, entries)
    for name, value, choices in (("schedule_every", schedule_every, PERIODS), ("monitor", plan["monitor"], SCORES)):
        if value not in choices:
            raise error("E320", name=name, value=value, problem=" or ".join(choices))
    if plan["patience"] and valid is None:
        raise error("E315")
    first = next(model.parameters(), None)
    device = first.device if first is not None else torch.device("cpu")
    train = any_batches(data, batch_size=batch_size, seed=plan["seed"] if shuffle else None, device=device)
    held_out = None if valid is None else any_batches(valid, batch_size=batch_size, seed=None, device=device)
    schedules = [Scheduler(each, schedule_every) for each in entries]
    learner = Learner(Forward(model), Objective(loss), optimizer, schedules, clip, clip_value)

    def validate(network: nn.Module) -> Scores:
        assert held_out is not None
        return metrics.scores(Forward(network), learner.objective, held_out.epoch(0))

    state = State()
    events = fit(learner, train, validate if valid is not None else None, Plan(**plan), state)
    return _shown(events, model, state if held_out else None, sys.stderr.isatty() if progress is None else progress)


def _check_numbers(numbers: dict[str, Any]) -> None:
    """Raise E320 for a number that cannot be meant."""
    for name, value in numbers.items():
        if name == "monitor":
            continue
        least = 1 if name in ("batch_size", "accumulate") else 0
        kinds = (int, float) if name in ("seconds", "clip", "clip_value") else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
            problem = f"{' or '.join(kind.__name__ for kind in kinds)}, at least {least}"
            raise error("E320", name="time" if name == "seconds" else name, value=value, problem=problem)


def _check_parts(model: nn.Module, loss: Any, optimizer: Any, schedules: list[Any]) -> None:
    """Raise E608 for an optimiser that cannot train this model, E320 for a loss or schedule of another kind."""
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, torch.optim.LBFGS):
        raise error("E608", found=type(optimizer).__name__)
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
        raise error("E609")
    if not callable(loss):
        raise error("E320", name="loss", value=loss, problem="a callable such as torch.nn.CrossEntropyLoss()")
    for each in schedules:
        if not isinstance(each, torch.optim.lr_scheduler.LRScheduler):
            raise error("E320", name="schedule", value=each, problem="an instance of torch.optim.lr_scheduler")


def _shown(events: Iterator[Event], model: nn.Module, state: State | None, progress: bool) -> Iterator[Event]:
    """The events, shown on the way; before the last one the parameters of the best epoch are put back.

    The caller's random state and the modes of the model's parts are afterwards what they were.
    """
    console = Console(sys.stderr, quiet=not progress)
    drawn = torch.random.get_rng_state()
    try:
        for event in events:
            if isinstance(event, Finished) and state is not None and state.best:
                model.load_state_dict(state.best)
            console.handle(event)
            yield event
    finally:
        torch.random.set_rng_state(drawn)
        console.close()
