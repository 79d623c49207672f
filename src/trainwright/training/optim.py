"""Optimisers, schedules and losses by their torch names and with torch's own arguments, checked before a run begins."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler

from trainwright.config.settings import Named, Schedule
from trainwright.data.batches.pytree import count_rows
from trainwright.errors import error, nearest

# Optimisers whose update is a single pass over memory when torch's fused kernel does it.
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")
# Arguments of schedules that mean "until the end": filled with the run's length when not given.
LENGTHS = ("total_iters", "T_max", "total_steps")
# Schedules that need Python functions or other schedules, which settings cannot spell.
NEEDS_CODE = (
    "LambdaLR",
    "MultiplicativeLR",
    "SequentialLR",
    "ChainedScheduler",
    "LRScheduler",
    "_LRScheduler",
    "SWALR",
)


def optimizers() -> dict[str, type[Optimizer]]:
    """The optimisers of ``torch.optim`` by name, without those that cannot move what is trained here.

    LBFGS needs the loss again within one update; SparseAdam takes no dense gradients, which every model here has.
    """
    found = {name: each for name, each in vars(torch.optim).items() if inspect.isclass(each) and issubclass(each, Optimizer)}
    return {name: each for name, each in found.items() if name not in ("Optimizer", "LBFGS", "SparseAdam")}


def schedules() -> dict[str, type[lr_scheduler.LRScheduler]]:
    """The schedules of ``torch.optim.lr_scheduler`` that settings can spell, by name."""
    found = {n: each for n, each in vars(lr_scheduler).items() if inspect.isclass(each) and n not in NEEDS_CODE}
    return {n: each for n, each in found.items() if issubclass(each, lr_scheduler.LRScheduler)}


def losses() -> dict[str, type[nn.Module]]:
    """The loss classes of ``torch.nn`` by name."""
    found = {name: each for name, each in vars(nn).items() if name.endswith("Loss") and inspect.isclass(each)}
    return {name: each for name, each in found.items() if issubclass(each, nn.Module)}


def check(setting: str, named: Named, choices: Mapping[str, type], reserved: Iterable[str] = ()) -> type:
    """The class of a name, once name and arguments are known to torch.

    Raises:
        SettingError: E310 for an unknown name, E311 for an argument that the class does not take.
    """
    if named.name not in choices:
        hint = nearest(named.name, choices)
        raise error("E310", setting=setting, name=named.name, choices=", ".join(sorted(choices)), hint=hint)
    parameters = inspect.signature(choices[named.name]).parameters
    known = [name for name in parameters if name not in (*reserved, "optimizer", "params")]
    for argument in named.arguments:
        if argument not in known:
            hint = nearest(argument, known)
            raise error("E311", setting=setting, argument=argument, name=named.name, known=", ".join(known), hint=hint)
    return choices[named.name]


def _require(setting: str, name: str, kind: type, arguments: Mapping[str, Any], supplied: Iterable[str]) -> None:
    """Raise E319 when an argument without a default is not given."""
    for argument, parameter in inspect.signature(kind).parameters.items():
        given = argument in arguments or argument in supplied
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not given:
            raise error("E319", setting=setting, name=name, argument=argument)


def skip_compiler_import() -> None:
    """Keep torch from importing its compiler for the wrappers of optimisers, which takes as long as importing torch.

    The wrappers tell ``torch.compile`` to stay out of the optimiser. They look for their inner function under this
    attribute, and only import the compiler when it is not there.
    """
    for method in vars(Optimizer).values():
        if inspect.isfunction(method) and hasattr(method, "__wrapped__") and "torch._dynamo" not in sys.modules:
            vars(method.__wrapped__).setdefault("__dynamo_disable", method.__wrapped__)


def lean_step(optimizer: Optimizer) -> Callable[[], object]:
    """``optimizer.step`` without the wrappers that torch puts around it for its compiler and its profiler.

    An optimiser that is not torch's own, or that has hooks, keeps its ``step`` as it is.
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


def make_optimizer(named: Named, parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """The optimiser, fused where torch has it. Raises E310, E311, and E312 when torch refuses a value."""
    kind = check("optimizer", named, optimizers(), reserved=["lr"])
    skip_compiler_import()
    arguments = named.arguments
    if named.name in FUSED and not {"foreach", "fused", "differentiable"} & set(arguments):
        arguments["fused"] = True
    try:
        return kind(parameters, lr=lr, **arguments)  # type: ignore[no-any-return]
    except (TypeError, ValueError, RuntimeError) as problem:
        raise error("E312", setting="optimizer", name=named.name, problem=problem) from None


@dataclass
class Scheduler:
    """One schedule and what a step of it is."""

    schedule: lr_scheduler.LRScheduler
    every: str

    def advance(self, loss: float | None) -> None:
        """One step. Only a plateau schedule looks at the loss; where there is none it stays as it is."""
        if not isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
            self.schedule.step()
        elif loss is not None:
            self.schedule.step(loss)


def make_schedules(
    entries: Iterable[Schedule], warmup: float, optimizer: Optimizer, steps: int, epochs: int
) -> list[Scheduler]:
    """The schedules, warm-up first; each multiplies or sets the rate when it steps, so several work together.

    ``steps`` and ``epochs`` are the run's planned length. Raises E310, E311 and E312.
    """
    made = []
    if warmup:
        length = round(warmup * steps) if warmup < 1 else int(warmup)
        ramp = lr_scheduler.LinearLR(optimizer, start_factor=1 / (length + 1), total_iters=max(length, 1))
        made.append(Scheduler(ramp, "step"))
    for entry in entries:
        kind = check("schedule", entry, schedules())
        arguments = entry.arguments
        for name in LENGTHS:
            if name in inspect.signature(kind).parameters and name not in arguments:
                arguments[name] = max(steps if entry.every == "step" else epochs, 1)
        if entry.name == "OneCycleLR":
            arguments.setdefault("max_lr", [group["lr"] for group in optimizer.param_groups])
        _require("schedule", entry.name, kind, arguments, ["optimizer"])
        try:
            made.append(Scheduler(kind(optimizer, **arguments), entry.every))
            _try_out(kind, arguments)
        except (TypeError, ValueError, RuntimeError) as problem:
            raise error("E312", setting="schedule", name=entry.name, problem=problem) from None
    return made


def advance(schedules: Iterable[Scheduler], step: int, epoch: int, per_epoch: int) -> None:
    """Take new schedules to the place after ``epoch`` epochs of ``per_epoch`` updates and ``step`` updates in all.

    A plateau schedule stays where it starts: what it would have seen is not known.
    """
    moving = list(schedules)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # no update comes before these steps
        for number in range(1, step + 1):
            for each in moving:
                if each.every == "step":
                    each.advance(None)
            if per_epoch and number % per_epoch == 0 and number // per_epoch <= epoch:
                _end_epoch(moving)
        for _ in range(0 if per_epoch else epoch):  # where the length of an epoch is not known, they come last
            _end_epoch(moving)


def _end_epoch(schedules: Iterable[Scheduler]) -> None:
    for each in schedules:
        if each.every == "epoch":
            each.advance(None)


def _try_out(kind: type[lr_scheduler.LRScheduler], arguments: Mapping[str, Any]) -> None:
    """One step of a schedule on an optimiser that does not matter: some only look at their arguments when they step."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    lean_step(optimizer)()
    Scheduler(kind(optimizer, **arguments), "step").advance(0.0)


# Losses that take class numbers, losses that take one value for each class and row, and losses for numbers.
CLASS_NUMBERS = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
ONE_HOT = ("BCEWithLogitsLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "MultiLabelSoftMarginLoss")
NUMBERS = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


class LossSums(NamedTuple):
    """Sums over a batch: loss, its weight, right answers (None where targets are no class numbers) of so many."""

    loss: float
    weight: float
    correct: int | None
    rows: int


class Objective:
    """A loss as a mean with its weight, so that batches of any size add up to the same total.

    ``objective(outputs, targets)`` gives (mean, weight); ``mean * weight`` is the sum over the batch. The weight is what
    the loss divides by: the number of targets, or with class weights the sum of the targets' weights. A callable of the
    person's own is taken to be a mean over the rows; where its targets are several, over those of the first.
    """

    def __init__(self, loss: Callable[[Any, Any], Tensor], adapt: Callable[[Any, Any], tuple[Any, Any]] | None = None) -> None:
        """Raises E606 for a loss that does not give a mean."""
        if getattr(loss, "reduction", "mean") not in ("mean", "batchmean"):
            raise error("E606", found=getattr(loss, "reduction", ""))
        self.loss, self.adapt = loss, adapt
        self._by_class = isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss)
        self.ignored: int | None = loss.ignore_index if self._by_class else None  # type: ignore[attr-defined]
        self._elementwise = isinstance(loss, nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss)

    def __call__(self, outputs: Any, targets: Any) -> tuple[Tensor, float]:
        """(mean, weight) of a batch. Raises E605 where outputs and targets would be broadcast against each other."""
        if self.adapt:
            outputs, targets = self.adapt(outputs, targets)
        if self._elementwise and isinstance(targets, Tensor) and outputs.shape != targets.shape:
            raise error("E605", outputs=tuple(outputs.shape), targets=tuple(targets.shape))
        return self.loss(outputs, targets), self._weight(targets)

    def measure(self, outputs: Any, targets: Any) -> LossSums:
        """A batch that is only looked at: its loss, and where targets are class numbers, how many outputs are right."""
        mean, weight = self(outputs, targets)
        loss = mean.item() * weight if weight else 0.0
        if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)):
            return LossSums(loss, weight, None, 0)
        if outputs.ndim != 2 or targets.ndim != 1 or targets.is_floating_point():
            return LossSums(loss, weight, None, 0)
        kept = targets != self.ignored if self.ignored is not None else torch.ones_like(targets, dtype=torch.bool)
        right = ((outputs.argmax(dim=1) == targets) & kept).sum()
        return LossSums(loss, weight, int(right), int(kept.sum()))

    def metrics(self, loss: float) -> dict[str, float]:
        """What follows from a mean loss alone."""
        return {}

    def _weight(self, targets: Any) -> float:
        if not isinstance(targets, Tensor):
            return float(count_rows(targets))
        if not self._by_class or targets.is_floating_point():
            return float(len(targets)) if targets.ndim else 1.0
        class_weights = self.loss.weight  # type: ignore[attr-defined]
        kept = targets != self.loss.ignore_index  # type: ignore[attr-defined]
        if class_weights is None:
            return float(torch.count_nonzero(kept).item())  # a sum of truth values takes three times as long
        return float(class_weights[targets[kept]].sum())


def make_objective(named: Named, label_smoothing: float, class_weights: Tensor | None, classes: int) -> Objective:
    """The loss of a classifier. Raises E310, E311, E312, and E313 where a loss has no use for a setting or for classes."""
    kind = check("loss", named, losses(), reserved=["reduction", "size_average", "reduce"])
    if named.name not in CLASS_NUMBERS + ONE_HOT:
        raise error(
            "E313", name=named.name, problem=f"it does not fit {classes} classes: " + ", ".join(CLASS_NUMBERS + ONE_HOT)
        )
    arguments = named.arguments
    for name, value in (("label_smoothing", label_smoothing), ("weight", class_weights)):
        if value is not None and not (isinstance(value, float) and value == 0):
            if name not in inspect.signature(kind).parameters:
                setting = "class_weights" if name == "weight" else name
                raise error("E313", name=named.name, problem=f"it takes no {setting}: use CrossEntropyLoss")
            arguments[name] = value
    try:
        loss = kind(**{key: torch.tensor(each) if isinstance(each, list) else each for key, each in arguments.items()})
    except (TypeError, ValueError) as problem:
        raise error("E312", setting="loss", name=named.name, problem=problem) from None
    return Objective(loss, _adapter(named.name, classes))


def number_objective(named: Named) -> Objective:
    """The loss of a network with one number a row, outputs (N, 1) and targets (N,). Raises E310 to E313."""
    kind = check("loss", named, losses(), reserved=["reduction", "size_average", "reduce"])
    if named.name not in NUMBERS:
        raise error("E313", name=named.name, problem="it does not fit numbers: " + ", ".join(NUMBERS))
    try:
        loss = kind(**named.arguments)
        loss(torch.zeros(2), torch.ones(2))  # some only look at their arguments when they are called
    except (TypeError, ValueError, RuntimeError) as problem:
        raise error("E312", setting="loss", name=named.name, problem=problem) from None
    return Objective(loss, _one_number)


def _one_number(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 1) against (N,), which would be broadcast to (N, N), as (N,) against (N,)."""
    return outputs.squeeze(1), targets


def _adapter(name: str, classes: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    if name == "NLLLoss":
        return _log_probabilities
    return partial(_one_hot, classes) if name in ONE_HOT else None


def _log_probabilities(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return logits.log_softmax(dim=1), targets


def _one_hot(classes: int, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Class numbers as rows of 0 and 1; mixed targets, which are such rows already, as they are."""
    return logits, targets if targets.is_floating_point() else nn.functional.one_hot(targets, classes).to(logits.dtype)
