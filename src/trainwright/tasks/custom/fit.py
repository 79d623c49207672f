"""A model, data, loss and optimiser of the person's own: the same loop and the same measuring as in the built-in tasks."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from trainwright.data.batches.user_data import InputLayout, any_batches
from trainwright.errors import error
from trainwright.evaluation import measure
from trainwright.models.objective import Objective
from trainwright.tasks.custom.options import EvaluateOptions, FitOptions, PredictOptions
from trainwright.tasks.custom.run import keep
from trainwright.training.loop import PASS_OVER, fit
from trainwright.training.optim import Scheduler
from trainwright.training.rng import preserve_rng
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.console import Console
from trainwright.watch.events import Event, Finished, Scores


def fit_own(options: FitOptions) -> Iterator[Event]:
    """Return the events of ``trainwright.fit``; the data are looked at before the first one is asked for."""
    layout, rows = options.layout(), options.batch_size
    train = any_batches(options.data, layout, batch_size=rows, seed=options.seed if options.shuffle else None)
    valid = None if options.valid is None else any_batches(options.valid, layout, batch_size=rows, seed=None)
    schedules = [Scheduler(each, options.schedule_every) for each in options.schedule]
    objective = Objective(options.loss)
    learner = Learner(options.forward(), objective, options.optimizer, schedules, options.clip, options.clip_value)

    def validate(model: nn.Module) -> Scores:
        assert valid is not None
        return measure.scores(options.forward(model), objective, valid.epoch(0), options.metrics)

    state, recover = State(), PASS_OVER if options.on_nonfinite == "skip" else None
    events: Iterator[Event] = fit(learner, train, validate if valid is not None else None, options.plan(), state, recover)
    if options.out is not None:
        events = keep(options, events, learner, train, state)
    return _shown(events, options, state)


def evaluate_own(options: EvaluateOptions) -> dict[str, Any]:
    """Return the scores of ``trainwright.evaluate``."""
    batches = any_batches(options.data, options.layout(), batch_size=options.batch_size, seed=None, again=False)
    found = measure.scores(options.forward(), Objective(options.loss), batches.epoch(0), options.metrics)
    return {"loss": found.loss, "accuracy": found.accuracy, "n": found.n, **found.metrics}


def predict_own(options: PredictOptions) -> Any:
    """Return the outputs of ``trainwright.predict``."""
    if isinstance(options.data, DataLoader):
        if isinstance(options.data.sampler, RandomSampler | SubsetRandomSampler | WeightedRandomSampler):
            raise error("E618", problem="draws rows in random order")
        if options.data.drop_last:
            raise error("E618", problem="leaves out the last rows (drop_last)")
    plain = options.layout()
    layout = InputLayout(plain.device, plain.dtype, plain.target, _accepts(options.model, options.state), options.targets)
    batches = any_batches(options.data, layout, batch_size=options.batch_size, seed=None, again=False)
    return measure.outputs(options.forward(), batches.epoch(0))


def _accepts(model: nn.Module, state: Callable[..., Any] | None) -> Callable[..., bool]:
    """Return a function that says whether the model's ``forward`` can be called with such arguments, by its signature."""
    signature = inspect.signature(model.forward)
    carried = () if state is None else (None,)

    def accepts(*inputs: Any, **named: Any) -> bool:
        try:
            signature.bind(*inputs, *carried, **named)
        except TypeError:
            return False
        return True

    return accepts


def _shown(events: Iterator[Event], options: FitOptions, state: State) -> Iterator[Event]:
    """Yield the events, shown on the way; before the last one the parameters of the best epoch are put back.

    The caller's random state and the modes of the model's parts are afterwards what they were.
    """
    console = Console(sys.stderr, quiet=not options.progress)
    device = next((each.device for each in options.model.parameters()), torch.device("cpu"))
    try:
        with preserve_rng(device):
            for event in events:
                if isinstance(event, Finished) and options.valid is not None and state.best:
                    options.model.load_state_dict(state.best)
                console.handle(event)
                yield event
    finally:
        console.close()
