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
from trainwright.training.loop import Plan, fit
from trainwright.training.optim import Objective, Scheduler
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.console import Console
from trainwright.watch.events import Event, Scores


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
    if not isinstance(optimizer, Optimizer):
        raise error("E608", found=type(optimizer).__name__)
    if schedule_every not in ("epoch", "step"):
        raise error("E302", key="schedule_every", value=schedule_every, problem="epoch or step")
    if plan["patience"] and valid is None:
        raise error("E315")
    first = next(model.parameters(), None)
    device = first.device if first is not None else torch.device("cpu")
    train = any_batches(data, batch_size=batch_size, seed=plan["seed"] if shuffle else None, device=device)
    held_out = None if valid is None else any_batches(valid, batch_size=batch_size, seed=None, device=device)
    entries = schedule if isinstance(schedule, list | tuple) else [schedule]
    schedules = [Scheduler(each, schedule_every) for each in entries]
    learner = Learner(model, Objective(loss), optimizer, schedules, clip, clip_value)

    def validate(network: nn.Module) -> Scores:
        assert held_out is not None
        return metrics.scores(network, learner.objective, held_out.epoch(0))

    state = State()
    events = fit(learner, train, validate if valid is not None else None, Plan(**plan), state)
    return _shown(events, model, state, sys.stderr.isatty() if progress is None else progress)


def _shown(events: Iterator[Event], model: nn.Module, state: State, progress: bool) -> Iterator[Event]:
    """The events, shown on the way; at the end the parameters of the best epoch are put back."""
    console = Console(sys.stderr, quiet=not progress)
    try:
        for event in events:
            console.handle(event)
            yield event
        if state.best:
            model.load_state_dict(state.best)
    finally:
        console.close()
