"""A model, data, loss and optimiser of the person's own: the same loop and the same measuring as in the built-in tasks."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from trainwright.data.batches.user_data import BatchLayout, InputLayout, any_batches
from trainwright.errors import error, nearest
from trainwright.evaluation import measure
from trainwright.fields import period
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.tasks.custom import run as own_run
from trainwright.training.loop import FOREVER, PASS_OVER, Plan, fit
from trainwright.training.optim import Scheduler
from trainwright.training.rng import preserve_rng
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.console import Console
from trainwright.watch.events import Event, Finished, Scores
from trainwright.watch.metrics import METRICS, compute, computed
from trainwright.watch.notebook import in_notebook

PERIODS, SCORES, POLICIES = ("epoch", "step"), ("accuracy", "loss"), ("stop", "skip")
RESERVED = {"loss", "accuracy", "n"}
Metrics = Mapping[str, Callable[[Any, Any], Any]]


def fit_own(
    model: nn.Module,
    data: Any,
    loss: Any,
    optimizer: Optimizer,
    *,
    valid: Any,
    target: str,
    state: Callable[..., Any] | None,
    metrics: Metrics | None,
    batch_size: int,
    schedule: Any,
    schedule_every: str,
    clip: float,
    clip_value: float,
    shuffle: bool | None,
    on_nonfinite: str,
    progress: bool | None,
    out: str | Path | None,
    resume: bool,
    checkpoint_every: str,
    plan: dict[str, Any],
) -> Iterator[Event]:
    """See ``trainwright.fit``; everything is checked before the first event is asked for."""
    entries = list(schedule) if isinstance(schedule, list | tuple) else [schedule] if schedule is not None else []
    metrics = {} if metrics is None else metrics
    if plan["epochs"] is None:
        plan = plan | {"epochs": FOREVER if plan["steps"] or plan["seconds"] else 1}
    _check_numbers(plan | {"batch_size": batch_size, "clip": clip, "clip_value": clip_value})
    _check_model(model, loss, state, metrics)
    _check_optimizer(model, optimizer, entries)
    _check_word("schedule_every", schedule_every, PERIODS)
    _check_word("on_nonfinite", on_nonfinite, POLICIES)
    named = {name: plan[name] for name in ("seed", "accumulate", "monitor")}
    metrics, direction = _monitored(plan["monitor"], metrics, loss)
    if valid is None and (plan["patience"] or metrics):
        raise error("E315" if plan["patience"] else "E619")
    layout = _layout(model, target)
    shuffled = state is None if shuffle is None else shuffle
    train = any_batches(data, layout, batch_size=batch_size, seed=plan["seed"] if shuffled else None)
    held_out = None if valid is None else any_batches(valid, layout, batch_size=batch_size, seed=None)
    schedules = [Scheduler(each, schedule_every) for each in entries]
    learner = Learner(Forward(model, state), Objective(loss), optimizer, schedules, clip, clip_value)

    def validate(network: nn.Module) -> Scores:
        assert held_out is not None
        return measure.scores(Forward(network, state), learner.objective, held_out.epoch(0), metrics)

    kept = State()
    recover = PASS_OVER if on_nonfinite == "skip" else None
    events = fit(learner, train, validate if valid is not None else None, Plan(**plan | direction), kept, recover)
    if out is not None:
        _check_period(checkpoint_every)
        call = own_run.describe(model, data, loss, optimizer) | named
        call |= {"batch_size": batch_size, "shuffle": shuffled, "clip": clip, "clip_value": clip_value, "every": schedule_every}
        run = own_run.begin(Path(out), resume)
        events = own_run.with_checkpoints(run, call, events, learner, train, kept, checkpoint_every)
    elif resume:
        raise error("E320", name="resume", value=resume, problem="it needs out, the folder of the run")
    return _shown(events, model, kept if held_out else None, _watched() if progress is None else progress)


def _monitored(word: str, metrics: Metrics, loss: Any) -> tuple[Metrics, dict[str, Any]]:
    """Return the metrics to be measured, and ``monitor`` and ``higher_is_better`` of the plan: a metric of the person's own
    counts down where its name has a minus, a registered one as its entry says. Raises E320 for an unknown name."""
    registered = computed("class", "number")
    _check_word("monitor", word, (*SCORES, *metrics, *(f"-{name}" for name in metrics), *registered))
    if word in metrics or word in SCORES:
        return metrics, {"monitor": word, "higher_is_better": word != "loss"}
    if word.startswith("-"):
        return metrics, {"monitor": word[1:], "higher_is_better": False}
    added = partial(_registered, word, getattr(loss, "ignore_index", None))
    return {**metrics, word: added}, {"monitor": word, "higher_is_better": METRICS[word].higher_is_better}


def _registered(name: str, ignored: int | None, outputs: Any, targets: Any) -> float:
    """Return a registered metric of all rows; NaN where it has no value. Raises E320 for outputs that it does not take."""
    predicts = METRICS[name].predicts.split()
    if isinstance(outputs, torch.Tensor) and isinstance(targets, torch.Tensor):
        numbers = targets.is_floating_point()
        if "number" in predicts and numbers and outputs.numel() == targets.numel():
            return compute([name], *(each.double().flatten().numpy() for each in (targets, outputs))).get(name, math.nan)
        if "class" in predicts and not numbers and outputs.ndim == 2 and targets.ndim == 1:
            kept = targets != ignored if ignored is not None else slice(None)
            return compute([name], targets[kept].long().numpy(), outputs[kept].float().numpy()).get(name, math.nan)
    raise error("E320", name="monitor", value=name, problem=f"it is measured where a {' or '.join(predicts)} is predicted")


def evaluate_own(
    model: nn.Module,
    data: Any,
    *,
    loss: Any,
    metrics: Metrics | None = None,
    batch_size: int = 256,
    target: str = "",
    state: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """See ``trainwright.evaluate``."""
    metrics = {} if metrics is None else metrics
    _check_numbers({"batch_size": batch_size})
    _check_model(model, loss, state, metrics)
    batches = any_batches(data, _layout(model, target), batch_size=batch_size, seed=None, again=False)
    found = measure.scores(Forward(model, state), Objective(loss), batches.epoch(0), metrics)
    return {"loss": found.loss, "accuracy": found.accuracy, "n": found.n, **found.metrics}


def predict_own(
    model: nn.Module,
    data: Any,
    *,
    targets: bool | None = None,
    batch_size: int = 256,
    target: str = "",
    state: Callable[..., Any] | None = None,
) -> Any:
    """See ``trainwright.predict``."""
    _check_numbers({"batch_size": batch_size})
    _check_model(model, callable, state, {})
    if isinstance(data, DataLoader):
        if isinstance(data.sampler, RandomSampler | SubsetRandomSampler | WeightedRandomSampler):
            raise error("E618", problem="draws rows in random order")
        if data.drop_last:
            raise error("E618", problem="leaves out the last rows (drop_last)")
    plain = _layout(model, target)
    layout = InputLayout(plain.device, plain.dtype, target, _accepts(model, state), targets)
    batches = any_batches(data, layout, batch_size=batch_size, seed=None, again=False)
    return measure.outputs(Forward(model, state), batches.epoch(0))


def _layout(model: nn.Module, target: str) -> BatchLayout:
    """Data go where the first parameter is; floating arrays take the type of the first floating one."""
    first = next(model.parameters(), torch.empty(0))
    floating = next((each for each in model.parameters() if each.is_floating_point()), torch.empty(0))
    return BatchLayout(first.device, floating.dtype, target)


def _accepts(model: nn.Module, state: Callable[..., Any] | None) -> Callable[..., bool]:
    """Whether the model's ``forward`` can be called with such arguments, going by its signature."""
    signature = inspect.signature(model.forward)
    carried = () if state is None else (None,)

    def accepts(*inputs: Any, **named: Any) -> bool:
        try:
            signature.bind(*inputs, *carried, **named)
        except TypeError:
            return False
        return True

    return accepts


def _watched() -> bool:
    """Whether somebody looks on: at a terminal, or in a notebook."""
    return sys.stderr.isatty() or in_notebook()


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


def _check_word(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise error("E320", name=name, value=value, problem=" or ".join(choices), hint=nearest(str(value), choices))


def _check_period(value: str) -> None:
    try:
        period(value)
    except (ValueError, AttributeError) as problem:
        raise error("E320", name="checkpoint_every", value=value, problem=problem) from None


def _check_model(model: Any, loss: Any, state: Any, metrics: Any) -> None:
    """Raise E320 for a part of another kind."""
    if not isinstance(model, nn.Module):
        raise error("E320", name="model", value=model, problem="an instance of torch.nn.Module")
    if not callable(loss):
        raise error("E320", name="loss", value=loss, problem="a callable such as torch.nn.CrossEntropyLoss()")
    if state is not None and not callable(state):
        raise error("E320", name="state", value=state, problem="a callable that makes the first state from the inputs")
    if not isinstance(metrics, Mapping) or not all(isinstance(n, str) and callable(each) for n, each in metrics.items()):
        raise error("E320", name="metrics", value=metrics, problem="a dict of callables such as {'f1': function}")
    for name in RESERVED.intersection(metrics):
        raise error("E320", name="metrics", value=name, problem="this name has a meaning already")


def _check_optimizer(model: nn.Module, optimizer: Any, schedules: list[Any]) -> None:
    """Raise E608 and E609 for an optimiser that cannot train this model, E320 for a schedule of another kind."""
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, torch.optim.LBFGS):
        raise error("E608", found=type(optimizer).__name__)
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
        raise error("E609")
    for each in schedules:
        if not isinstance(each, torch.optim.lr_scheduler.LRScheduler):
            raise error("E320", name="schedule", value=each, problem="an instance of torch.optim.lr_scheduler")


def _shown(events: Iterator[Event], model: nn.Module, state: State | None, progress: bool) -> Iterator[Event]:
    """The events, shown on the way; before the last one the parameters of the best epoch are put back.

    The caller's random state and the modes of the model's parts are afterwards what they were.
    """
    console = Console(sys.stderr, quiet=not progress)
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    try:
        with preserve_rng(device):
            for event in events:
                if isinstance(event, Finished) and state is not None and state.best:
                    model.load_state_dict(state.best)
                console.handle(event)
                yield event
    finally:
        console.close()
