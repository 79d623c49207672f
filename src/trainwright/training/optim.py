"""Optimisers and schedules of the learning rate, by their torch names and with torch's own arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from trainwright.config.settings import Named, Schedule
from trainwright.errors import error
from trainwright.startup import skip_compiler_import
from trainwright.training.groups import parameter_groups
from trainwright.training.muon import Muon
from trainwright.training.schedule_free import AdamWScheduleFree, SGDScheduleFree
from trainwright.training.torch_names import check, checking, classes, refused

# Optimisers whose update is a single pass over memory when torch's fused kernel does it.
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")
FUSED_ON = {"cpu": FUSED, "cuda": ("Adam", "AdamW", "SGD")}
SCHEDULED = ("lr", "momentum", "betas")  # options of an optimiser that schedules change
# Arguments of schedules that mean "until the end": filled with the run's length when not given.
LENGTHS = ("total_iters", "T_max", "total_steps")
OF_GROUPS = {"max_lr", "base_lr"}  # arguments of schedules that are rates, in whose place a list has one for each group
MOST_STEPS = 100_000  # of a schedule by the clock, which makes several at an update
ROUNDING = 1e-6  # of a step
TRIED = 1000  # steps of a schedule before the first update, at 10 microseconds each
# Those that can move what is trained here: LBFGS needs the loss again within one update; SparseAdam takes no dense gradients,
# which every model here has.
OPTIMIZERS = classes(torch.optim, Optimizer, without=("Optimizer", "LBFGS", "SparseAdam"))
OPTIMIZERS |= {each.__name__: each for each in (Muon, AdamWScheduleFree, SGDScheduleFree)}
# Schedules that need Python functions or other schedules, which settings cannot spell.
NEEDS_CODE = ("LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler", "LRScheduler", "_LRScheduler", "SWALR")
SCHEDULES = classes(lr_scheduler, lr_scheduler.LRScheduler, without=NEEDS_CODE)


def groups_for(named: Named, model: nn.Module, decay: str | None, rates: Mapping[str, float]) -> list[Any]:
    """Return what of a model learns: its parameters, or groups of them where the optimiser treats them differently.

    That is Muon, and one whose weight decay holds back ``matrices`` alone, or modules that have ``rates`` of their own. Raise
    E310, and E550 for a module that is not there.
    """
    kind = check("optimizer", named, OPTIMIZERS, reserved=["lr"])
    default = inspect.signature(kind).parameters.get("weight_decay")
    decays = decay == "matrices" and bool(named.arguments.get("weight_decay", default and default.default))
    if not decays and not rates and kind is not Muon:
        return [each for each in model.parameters() if each.requires_grad]
    groups = parameter_groups(model, rates)
    if not decays:
        for group in groups:
            group.pop("weight_decay", None)
    return groups


def make_optimizer(named: Named, learning: Iterable[Any], lr: float) -> Optimizer:
    """Return the optimiser of parameters or of groups of them, each at its part of the rate; fused where torch has it.

    Raise E310, E311, and E312 when torch refuses a value.
    """
    kind: Any = check("optimizer", named, OPTIMIZERS, reserved=["lr"])
    skip_compiler_import(Optimizer)
    arguments, learning = named.arguments, list(learning)
    first = learning[0]["params"][0] if learning and isinstance(learning[0], dict) else next(iter(learning), None)
    device = torch.device("cpu") if first is None else first.device
    if named.name in FUSED_ON.get(device.type, ()) and not {"foreach", "fused", "differentiable"} & set(arguments):
        arguments["fused"] = True
    with checking("optimizer", named):
        made: Optimizer = kind([_at_rate(each, lr) for each in learning], lr=lr, **arguments)
        # Some only look at their arguments when they step, and then at what they remember of the step before.
        spares = [nn.Parameter(torch.ones(2, 2, device=device)) for _ in range(2)]
        for spare in spares:
            spare.grad = torch.ones_like(spare)
        groups = [{"params": [spare], "hidden": not place} for place, spare in enumerate(spares)]
        step = lean_step(kind(groups, lr=lr, **arguments))
        step(), step()
    return made


def _at_rate(each: Any, lr: float) -> Any:
    """Return a group with its rate, a parameter as it is."""
    return each | {"lr": lr * each["factor"]} if isinstance(each, dict) else each


def lean_step(optimizer: Optimizer) -> Callable[[], object]:
    """Return ``optimizer.step`` without the wrappers that torch puts around it for its compiler and its profiler.

    It buys 30 % of the processor time of ``trainwright train`` on 400 rows: without it, the first update imports the compiler,
    and each one takes 10 microseconds longer. An optimiser that is neither torch's nor ours, or has hooks, keeps its ``step``.
    """
    hooked = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    if hooked or not type(optimizer).__module__.startswith(("torch.optim.", "trainwright.")):
        return optimizer.step
    raw = inspect.unwrap(type(optimizer).step)

    def step() -> None:
        with torch.no_grad():
            raw(optimizer)

    return step


def fuse(optimizer: Optimizer) -> None:
    """Let torch's fused kernels move the parameters, which are on a CUDA device, where nothing else was asked for.

    What they remember lies on the device, where a recorded update finds it.
    """
    if type(optimizer) not in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
        return
    for group in optimizer.param_groups:
        if group.get("fused") is None and not group.get("foreach") and not group.get("differentiable"):
            group["fused"], group["foreach"] = True, False
        if group["fused"] and "capturable" in group:
            group["capturable"] = True
    for parameter, kept in optimizer.state.items():
        step = kept.get("step")
        if isinstance(step, torch.Tensor) and step.device != parameter.device and can_skip(optimizer):
            kept["step"] = step.to(parameter.device, torch.float32)


def can_skip(optimizer: Optimizer) -> bool:
    """Return whether the optimiser's kernels look at ``found_inf`` and leave everything as it is where that is 1."""
    known = type(optimizer) in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)
    return known and all(group.get("fused") for group in optimizer.param_groups)


def is_primed(optimizer: Optimizer) -> bool:
    """Return whether the optimiser has all that it will ever remember, if only the beginnings of it."""
    forgets = type(optimizer) is torch.optim.SGD and not any(group["momentum"] for group in optimizer.param_groups)
    return forgets or bool(optimizer.state)


@dataclass
class Scheduler:
    """One schedule and what a step of it is; the ``name`` that settings give it, where they do.

    ``length`` is how many steps it has where it goes on until the end of the run, 0 for others.
    """

    schedule: lr_scheduler.LRScheduler
    every: str
    name: str = ""
    length: int = 0

    def __post_init__(self) -> None:
        """Let torch not warn where no update came before a step: it may have been refused, or made before a resume."""
        self.schedule.optimizer._opt_called = True  # type: ignore[attr-defined]

    def advance(self, loss: float | None) -> None:
        """Make one step. Only a plateau schedule looks at the loss; where there is none it stays as it is.

        Raise E312 where settings gave it arguments with which there is no further step.
        """
        try:
            if not isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
                self.schedule.step()
            elif loss is not None:
                self.schedule.step(loss)
        except Exception as problem:  # one of a person's own says it in its own words
            raise refused("schedule", self.name, problem) if self.name else problem from problem


def advance_each(schedules: Iterable[Scheduler], every: str, loss: float | None, share: float | None = None) -> None:
    """Make one step of each schedule that moves with every ``step``, or every ``epoch``.

    In a run that is limited by time, ``share`` of which is over, those that go on until its end are taken to that place
    instead, where they are behind it: each update makes them skip what no time is left for.
    """
    for each in schedules:
        if each.every != every:
            continue
        if share is None or not each.length:
            each.advance(loss)
            continue
        for _ in range(each.schedule.last_epoch, int(share * each.length + ROUNDING)):
            each.advance(loss)


def make_schedules(
    entries: Iterable[Schedule], warmup: float, optimizer: Optimizer, steps: int, epochs: int, timed: bool = False
) -> list[Scheduler]:
    """Return the schedules, warm-up first; each multiplies or sets the rate when it steps, so several work together.

    ``steps`` and ``epochs`` are the run's planned length, which time may end earlier where it is ``timed``. Raise E310, E311
    and E312, and E319 where an argument without a default is not given.
    """
    made = []
    if timed:
        steps, epochs = min(steps, MOST_STEPS), min(epochs, MOST_STEPS)
    if warmup:
        length = round(warmup * steps) if warmup < 1 else int(warmup)
        ramp = lr_scheduler.LinearLR(optimizer, start_factor=1 / (length + 1), total_iters=max(length, 1))
        made.append(Scheduler(ramp, "step", length=steps if warmup < 1 else 0))
    for entry in entries:
        kind = check("schedule", entry, SCHEDULES, reserved=["last_epoch"])
        arguments, parameters = entry.arguments, inspect.signature(kind).parameters
        length = max(steps if entry.every == "step" else epochs, 1)
        planned = parameters.keys() & set(LENGTHS) - arguments.keys()
        arguments |= dict.fromkeys(planned, length)
        if entry.name == "OneCycleLR":
            arguments.setdefault("max_lr", [group["lr"] for group in optimizer.param_groups])
        arguments |= {name: _of_each_group(arguments[name], optimizer) for name in OF_GROUPS & arguments.keys()}
        for argument, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            if required and argument != "optimizer" and argument not in arguments:
                raise error("E319", setting="schedule", name=entry.name, argument=argument)
        with checking("schedule", entry):
            made.append(Scheduler(kind(optimizer, **arguments), entry.every, entry.name, length if planned else 0))
            _try_schedule(kind, arguments, min(length, TRIED), len(optimizer.param_groups))
    return made


def _of_each_group(rate: Any, optimizer: Optimizer) -> Any:
    """Return a rate as that of each group, where some have a part of it; anything else as it is."""
    factors = [group.get("factor", 1.0) for group in optimizer.param_groups]
    single = isinstance(rate, int | float) and not isinstance(rate, bool)
    return [rate * each for each in factors] if single and set(factors) != {1.0} else rate


def _try_schedule(kind: type[lr_scheduler.LRScheduler], arguments: dict[str, Any], steps: int, groups: int) -> None:
    """Make the first steps on an optimiser that does not matter: some only look at their arguments on the way."""
    spare = torch.optim.SGD([{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(groups)], lr=0.1, momentum=0.9)
    lean_step(spare)()
    schedule = Scheduler(kind(spare, **arguments), "step")
    for _ in range(steps):
        schedule.advance(0.0)


def advance(schedules: Sequence[Scheduler], step: int, epoch: int, per_epoch: int, share: float | None = None) -> None:
    """Take new schedules to the place after ``epoch`` epochs of ``per_epoch`` updates and ``step`` updates in all, of a run of
    which ``share`` is over where that is limited by time.

    A plateau schedule stays where it starts: what it would have seen is not known.
    """
    for number in range(1, step + 1):
        advance_each(schedules, "step", None, share)
        if per_epoch and number % per_epoch == 0 and number // per_epoch <= epoch:
            advance_each(schedules, "epoch", None, share)
    for _ in range(0 if per_epoch else epoch):  # where the length of an epoch is not known, they come last
        advance_each(schedules, "epoch", None, share)
