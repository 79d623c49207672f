"""What ``fit``, ``evaluate`` and ``predict`` are told of a person's own model, checked before anything is done with it."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

from trainwright.data.batches.user_data import BatchLayout, ModelLossLayout, WholeLayout
from trainwright.errors import error, nearest
from trainwright.fields import period
from trainwright.store.run_folder import place
from trainwright.tasks.custom.checked import CheckedForward, CheckedObjective, Watched
from trainwright.training.loop import FOREVER, Plan
from trainwright.training.own_step import Update
from trainwright.training.schedule_free import ScheduleFree
from trainwright.watch.metrics import METRICS, compute, monitorable
from trainwright.watch.terminal.notebook import in_notebook
from trainwright.watch.tracking import chosen

RESERVED = {"loss", "accuracy", "n"}
SCORES = ("accuracy", "loss")
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class ModelOptions:
    """How a model is called. Raises E320 for what cannot be meant, as the classes below do."""

    model: nn.Module
    data: Any
    _: KW_ONLY
    target: str = ""
    state: Callable[..., Any] | None = None
    batch_size: int = 256

    def __post_init__(self) -> None:
        """Check every option."""
        self.watched = Watched()
        self._check_numbers("batch_size", least=1)
        if not isinstance(self.model, nn.Module):
            raise error("E320", name="model", value=self.model, problem="an instance of torch.nn.Module")
        if self.state is not None and not callable(self.state):
            problem = "a callable that makes the first state from the inputs"
            raise error("E320", name="state", value=self.state, problem=problem)

    def _check_numbers(self, *names: str, least: int = 0, kinds: tuple[type[float], ...] = (int,)) -> None:
        for name in names:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
                problem = f"{' or '.join(kind.__name__ for kind in kinds)}, at least {least}"
                raise error("E320", name=name, value=value, problem=problem)

    @property
    def own_loss(self) -> bool:
        """Return whether the model makes the loss itself."""
        return False

    def forward(self, model: nn.Module | None = None) -> CheckedForward:
        """Return how the model is called, or another one in its place."""
        return CheckedForward(self.model if model is None else model, self.state, self.watched, own_loss=self.own_loss)

    def layout(self) -> BatchLayout:
        """Return where data go: to the device of the first parameter, floating arrays in the type of the first floating one."""
        return self._layout(ModelLossLayout if self.own_loss else BatchLayout)

    def _layout(self, kind: type[BatchLayout]) -> BatchLayout:
        first = next(self.model.parameters(), torch.empty(0))
        floating = next((each for each in self.model.parameters() if each.is_floating_point()), torch.empty(0))
        return kind(first.device, floating.dtype, self.target)


@dataclass(kw_only=True)
class PredictOptions(ModelOptions):
    """The options of ``predict``."""

    targets: bool | None = None


@dataclass(kw_only=True)
class EvaluateOptions(ModelOptions):
    """The options of ``evaluate``."""

    loss: Any = None
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None

    def __post_init__(self) -> None:
        """Check every option."""
        super().__post_init__()
        if self.loss is not None and not callable(self.loss):
            raise error("E320", name="loss", value=self.loss, problem="a callable such as torch.nn.CrossEntropyLoss()")
        metrics = self.metrics = {} if self.metrics is None else self.metrics
        if not isinstance(metrics, Mapping) or not all(isinstance(n, str) and callable(each) for n, each in metrics.items()):
            raise error("E320", name="metrics", value=metrics, problem="a dict of callables such as {'f1': function}")
        for name in RESERVED.intersection(metrics):
            raise error("E320", name="metrics", value=name, problem="this name has a meaning already")

    @property
    def own_loss(self) -> bool:
        """Return whether the model makes the loss itself."""
        return self.loss is None

    def objective(self) -> CheckedObjective:
        """Return the loss as what training makes small. Raise E606."""
        return CheckedObjective(self.loss, self.watched)


@dataclass(kw_only=True)
class FitOptions(EvaluateOptions):
    """The options of ``fit``, which says what they mean."""

    batch_size: int = 64
    optimizer: Any
    step: Callable[[Any, Update], Any] | None = None
    valid: Any = None
    epochs: int | None = None
    steps: int = 0
    time: float = 0.0
    schedule: Any = ()
    schedule_every: str = "epoch"
    clip: float = 0.0
    clip_value: float = 0.0
    precision: str = "float32"
    ema: float = 0.0
    graph: bool = False
    accumulate: int = 1
    patience: int = 0
    monitor: str = "accuracy"
    shuffle: bool | None = None
    seed: int = 0
    on_nonfinite: str = "stop"
    progress: bool | None = None
    out: str | Path | None = None
    resume: bool = False
    checkpoint_every: str = "60s"
    track: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check every option, and fill in those that follow from others."""
        if self.step is not None and isinstance(self.model, Mapping):
            self.model = _together(self.model)
        super().__post_init__()
        assert self.metrics is not None
        if not isinstance(self.schedule, list | tuple):
            self.schedule = [] if self.schedule is None else [self.schedule]
        if self.epochs is None:
            self.epochs = FOREVER if self.steps or self.time else 1
        if self.shuffle is None:
            self.shuffle = self.state is None
        if self.progress is None:  # somebody looks on
            self.progress = sys.stderr.isatty() or in_notebook()
        self._check_numbers("accumulate", least=1)
        self._check_numbers("epochs", "steps", "patience", "seed")
        self._check_numbers("time", "clip", "clip_value", "ema", kinds=(int, float))
        if self.ema >= 1:
            raise error("E320", name="ema", value=self.ema, problem="the share that an average keeps of itself, such as 0.999")
        _check_word("precision", self.precision, ("auto", "float32", "bfloat16", "float16"))
        self._check_optimizer()
        self._check_together()
        _check_word("schedule_every", self.schedule_every, ("epoch", "step"))
        _check_word("on_nonfinite", self.on_nonfinite, ("stop", "skip"))
        self._check_monitor()
        if self.valid is None and (self.patience or self.metrics):
            raise error("E315" if self.patience else "E619")
        self.checkpoint_every = str(self.checkpoint_every)  # 0 may be a number
        self._check_folder()

    def plan(self) -> Plan:
        """Return when to stop."""
        assert self.epochs is not None
        name = self.monitor.removeprefix("-")
        higher = METRICS[name].higher_is_better if self._registered else name == self.monitor
        return Plan(self.epochs, self.steps, self.time, self.patience, self.accumulate, name, higher, self.seed)

    def _check_monitor(self) -> None:
        """Raise E320 for an unknown name. A registered metric is measured beside the person's own, whose names come first; a
        minus before one of these says that lower is better."""
        assert self.metrics is not None
        registered = monitorable("class", "number")
        _check_word("monitor", self.monitor, (*SCORES, *self.metrics, *(f"-{name}" for name in self.metrics), *registered))
        self._registered = self.monitor in SCORES or (self.monitor in registered and self.monitor not in self.metrics)
        if self._registered and self.monitor not in SCORES:
            ignored = getattr(self.loss, "ignore_index", None)
            self.metrics = {**self.metrics, self.monitor: partial(_registered, self.monitor, ignored)}

    def _check_optimizer(self) -> None:
        """Raise E608, E609, E627 and E645 for optimisers that cannot train this model, E320 for schedules of another kind."""
        given = list(self.optimizer.values()) if isinstance(self.optimizer, Mapping) else self.optimizer
        self.optimizers = list(given) if isinstance(given, list | tuple) else [given]
        if len(self.optimizers) == 1:
            self.optimizer = self.optimizers[0]
        if not self.optimizers:
            raise error("E608", found=f"{type(given).__name__} with none in it")
        own = {id(parameter) for parameter in self.model.parameters()}
        for each in self.optimizers:
            if not isinstance(each, Optimizer):
                raise error("E608", found=type(each).__name__)
            if isinstance(each, torch.optim.LBFGS) and self.step is None:
                raise error("E645")
            parameters = [parameter for group in each.param_groups for parameter in group["params"]]
            if not any(id(parameter) in own for parameter in parameters):
                raise error("E609")
            if not any(parameter.requires_grad for parameter in parameters):
                raise error("E627")
        for schedule in self.schedule:
            if not isinstance(schedule, torch.optim.lr_scheduler.LRScheduler):
                raise error("E320", name="schedule", value=schedule, problem="an instance of torch.optim.lr_scheduler")

    def _check_together(self) -> None:
        """Raise E320 for a step that cannot be called, E640 for options that do not go together."""
        if self.step is None:
            if len(self.optimizers) > 1:
                raise error("E640", one="several optimizers", other="no step", why="step= says which one moves when")
        elif not callable(self.step):
            raise error("E320", name="step", value=self.step, problem="a function that is called as step(batch, update)")
        whys = {
            "accumulate": "a step makes its update of one batch: accumulate in it",
            "graph": "a step of your own is not recorded",
            "precision": "write torch.autocast around the forward passes in the step",
            "state": "a step keeps what it carries itself",
        }
        for name, why in whys.items():
            if self.step is not None and getattr(self, name) != getattr(FitOptions, name):
                raise error("E640", one="step", other=name, why=why)
        if self.graph and self.ema:
            raise error("E640", one="graph", other="ema", why="averages are taken after updates that are waited for")
        if self.graph and self.precision == "float16":
            raise error("E640", one="graph", other="float16", why="the scale of the loss follows from each update")
        if self.ema and any(isinstance(each, ScheduleFree) for each in self.optimizers):
            raise error("E640", one="ema", other="a schedule-free optimizer", why="it has averages of its own")
        if self.valid is not None and isinstance(self.model, nn.ModuleDict) and self.step is not None:
            why = "what is measured is called as model(*inputs): give one module with a forward"
            raise error("E640", one="valid", other="several models", why=why)

    def objective(self) -> CheckedObjective:
        """Return the loss as what training makes small. Raise E606."""
        return CheckedObjective(self.loss, self.watched, whole=not self.graph)

    def train_layout(self) -> BatchLayout:
        """Return the layout of the training data: a step gets each batch as it comes."""
        return self.layout() if self.step is None else self._layout(WholeLayout)

    def casting(self) -> str:
        """Return the precision of forward passes: with auto bfloat16 on a GPU that computes in it."""
        on_gpu = self.layout().device.type == "cuda"
        fast = self.precision == "auto" and on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if fast else self.precision.replace("auto", "float32")

    def _check_folder(self) -> None:
        """Raise E320 for periods of checkpoints that cannot be meant and what has no folder; E169 for no name, E650, E651."""
        chosen(self.track)
        if self.out is None:
            for name in ("resume", "track"):
                if value := getattr(self, name):
                    raise error("E320", name=name, value=value, problem="it needs out, the folder of the run")
            return
        place("out", self.out)
        try:
            period(self.checkpoint_every)
        except ValueError as problem:
            raise error("E320", name="checkpoint_every", value=self.checkpoint_every, problem=problem) from None


def takes(options: Callable[P, T]) -> Callable[[Callable[[T], R]], Callable[P, R]]:
    """Let a function of one object be called with the arguments that make this object; its signature is theirs.

    It raises E647 for an argument that there is not.
    """
    signature = inspect.signature(options)

    def decorate(function: Callable[[T], R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **named: P.kwargs) -> R:
            for name in named.keys() - signature.parameters.keys():
                raise error("E647", verb=function.__name__, name=name, hint=nearest(name, signature.parameters))
            return function(options(*args, **named))

        returned = inspect.signature(function).return_annotation
        call.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
        return call

    return decorate


def _together(models: Mapping[str, Any]) -> nn.Module:
    """Return several models as one. Raise E320 for what is none, or has a name that cannot be."""
    try:
        return nn.ModuleDict(models)
    except (TypeError, KeyError) as problem:
        raise error("E320", name="model", value=list(models), problem=f"modules by their names ({problem})") from None


def _check_word(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise error("E320", name=name, value=value, problem=" or ".join(choices), hint=nearest(str(value), choices))


def _registered(name: str, ignored: int | None, outputs: Any, targets: Any) -> float:
    """Return a registered metric of all rows; NaN where it has no value. Raise E320 for outputs that it does not take."""
    predicts = METRICS[name].predicts.split()
    if isinstance(outputs, torch.Tensor) and isinstance(targets, torch.Tensor):
        numbers = targets.is_floating_point()
        if "number" in predicts and numbers and outputs.numel() == targets.numel():
            return compute([name], *(each.double().flatten().numpy() for each in (targets, outputs))).get(name, math.nan)
        if "class" in predicts and not numbers and outputs.ndim == 2 and targets.ndim == 1:
            kept = targets != ignored if ignored is not None else slice(None)
            told = outputs[kept].float()
            told = told.softmax(dim=1) if METRICS[name].shares else told
            return compute([name], targets[kept].long().numpy(), told.numpy()).get(name, math.nan)
    raise error("E320", name="monitor", value=name, problem=f"it is measured where a {' or '.join(predicts)} is predicted")
