"""One update: forward, loss (finite?), backward, gradient (finite?), clip, update. The page to read first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from trainwright.data.batches.alignment import align_in_place
from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_leaves
from trainwright.errors import error
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.models.protocols import TrainingHooks
from trainwright.training.averages import Averages
from trainwright.training.loss_scale import LossScale
from trainwright.training.memory import ran_out
from trainwright.training.optim import Scheduler, can_skip, fuse, lean_step
from trainwright.training.schedule_free import FreeAverages, ScheduleFree
from trainwright.training.sparse import sparse_step
from trainwright.training.state import Tally, added
from trainwright.training.step_guard import StepGuard
from trainwright.training.torch_names import refused

WAITED_FOR = ("cpu", "mps")  # devices on which each update is waited for


class Made(NamedTuple):
    """What an update came to: mean loss, rows, the norm of the gradient before it was clipped (None where it is not known), and
    the named parts of the loss."""

    loss: float
    rows: int
    norm: float | None
    parts: dict[str, float]


Own = Callable[["Learner", Sequence[Batch], int, Tally], Made]


@dataclass
class Learner:
    """What learns: a model, what it should make small, and what moves its parameters."""

    forward: Forward
    objective: Objective
    optimizer: Optimizer
    schedules: list[Scheduler] = field(default_factory=list)
    clip: float = 0.0
    clip_value: float = 0.0
    precision: str = "float32"
    graph: bool = False  # whether no update is waited for, and on a CUDA device recorded as a graph where it can be
    others: Sequence[Optimizer] = ()  # beside ``optimizer``, moved by ``own``
    own: Own | None = None  # makes an update in the place of ``update``: a step of the person's own
    averages: Averages | None = None  # of the parameters, which are validated and kept in their place

    def __post_init__(self) -> None:
        """Look up the network, its parameters and the way to move them, once."""
        self.model = self.forward.model
        self.optimizers = [self.optimizer, *self.others]
        self.parameters = [each for one in self.optimizers for group in one.param_groups for each in group["params"]]
        self.apply = lean_step(self.optimizer)
        device = self.parameters[0].device.type if self.parameters else "cpu"
        if self.graph and device == "cuda":
            fuse(self.optimizer)
        by_loss = any(isinstance(each.schedule, ReduceLROnPlateau) and each.every == "step" for each in self.schedules)
        if free := [each for each in self.optimizers if isinstance(each, ScheduleFree)]:
            self.averages = FreeAverages(free)
        self.scale = LossScale(self.model, self.optimizer, self.parameters[0].device) if self.precision == "float16" else None
        waited = by_loss or self.averages is not None or self.scale is not None or not can_skip(self.optimizer)
        self.waits = not self.graph or device in WAITED_FOR or waited
        low = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.precision)
        self.casting: AbstractContextManager[Any] = torch.autocast(device, low) if low else nullcontext()
        self.hooks = self.model if isinstance(self.model, TrainingHooks) else TrainingHooks()
        tables = self.hooks.sparse_tables if device == "cpu" and self.waits else ()  # elsewhere torch's own, which are dense
        for table in tables:
            table.sparse = True
        if tables:
            self.apply = sparse_step(self.optimizer, self.apply)
        self.guard = StepGuard(self.forward)
        self.at_step_boundary = True  # whether everything stands between two updates, so that it can be saved
        self.pause: Callable[[int], bool] = lambda step: False  # whether somebody wants to see the run as it is after ``step``
        self.loads = 0  # how often the optimiser was given other tensors
        self._rates: list[Tensor] = []
        if device == "cuda" and not self.waits:  # where a recorded update finds them
            self._rates = [torch.zeros((), device=self.parameters[0].device) for _ in self.optimizer.param_groups]
        self._set: list[float] = [0.0] * len(self._rates)

    def align(self) -> None:
        """Move what is learned, and what is remembered of it, to aligned addresses where it does not lie at such."""
        kept = [list(each.state.values()) for each in self.optimizers]
        remembered = [each for each in tree_leaves(kept) if isinstance(each, Tensor)]
        align_in_place([*self.model.parameters(), *self.model.buffers(), *self.parameters, *remembered])

    def averaged(self) -> AbstractContextManager[None]:
        """Give the model the averages of its parameters meanwhile, where they are kept."""
        return nullcontext() if self.averages is None else self.averages.in_place()

    def settle(self, best: dict[str, Tensor]) -> None:
        """Give the model what it ends with: its best state, else the averages of its parameters, where there is either."""
        if self.averages is not None:
            self.averages.apply()
        if best:
            self.model.load_state_dict(best)

    @property
    def lr(self) -> float:
        """Return the rate of the first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])

    def loaded(self) -> None:
        """Take note that the optimiser has been given other tensors and options."""
        self.loads += 1
        if self._rates:
            fuse(self.optimizer)

    def set_rates(self) -> None:
        """Tell the device the rates of the next update, where they have changed."""
        for place, (rate, group) in enumerate(zip(self._rates, self.optimizer.param_groups, strict=False)):
            if self._set[place] != group["lr"]:
                self._set[place] = group["lr"]
                rate.fill_(group["lr"])

    def move(self, failed: Tensor | None = None) -> None:
        """Move the parameters, unless ``failed``, which is on the device, is 1."""
        if not self._rates and failed is None:
            self.apply()
            return
        self.set_rates()
        optimizer: Any = self.optimizer
        before, rates = [group["lr"] for group in optimizer.param_groups], self._rates
        optimizer.found_inf = failed
        try:
            for rate, group in zip(rates, optimizer.param_groups, strict=False):
                group["lr"] = rate
            self.apply()
        finally:
            optimizer.found_inf = None
            for rate, group in zip(before, optimizer.param_groups, strict=True):
                group["lr"] = rate

    def clip_values(self, gradients: list[Tensor]) -> None:
        """Limit the entries of the gradients, where there is a limit."""
        if self.clip_value:
            torch._foreach_clamp_min_(gradients, -self.clip_value)
            torch._foreach_clamp_max_(gradients, self.clip_value)


def update(learner: Learner, window: Sequence[Batch], step: int, tally: Tally) -> Made:
    """Make update number ``step`` from a window of one or more batches, and return what it came to.

    The gradient is that of the mean over the whole window, however it is cut into batches. Raise E501, which names rows and
    layers, for a loss or a gradient that is not finite, torch's own exception where the forward or the backward pass finds no
    memory: everything but the gradients is then as it was (parameters, optimiser, buffers, the state that the model carries,
    the tally). Raise E504 where the optimiser finds none, E312 where torch's own has arguments with which there is no
    further step; some parameters may have moved then, and nothing of it is saved.
    """
    learner.guard.save()
    counted = tally.mark()
    if learner.scale is not None:
        learner.scale.begin()
    while True:
        try:
            made, gradients = _backward(learner, window, step, tally)
            break
        except BaseException as problem:
            learner.guard.restore()
            tally.back(counted)
            if learner.scale is None or not learner.scale.halve(problem):
                raise
    learner.clip_values(gradients)
    learner.at_step_boundary = False
    try:
        learner.move()
    except Exception as problem:
        if ran_out(problem):  # smaller batches would not help: what was made for them is gone by now
            raise error("E504", what="what the optimiser remembers") from None
        kind = type(learner.optimizer)
        if not kind.__module__.startswith("torch.optim."):
            raise
        raise refused("optimizer", kind.__name__, problem) from problem  # arguments that overflow after many steps
    if learner.scale is not None:
        learner.scale.end()
    return made


def _backward(learner: Learner, window: Sequence[Batch], step: int, tally: Tally) -> tuple[Made, list[Tensor]]:
    """Return what the window comes to, and its gradients as they are before ``clip_value``.

    Raise as ``update``.
    """
    for parameter in learner.parameters:
        parameter.grad = None
    total, weight, sums = 0.0, 0.0, dict[str, float]()
    for batch in window:
        with learner.casting:
            outputs = learner.forward(batch)
            mean, found = learner.objective(outputs, batch.targets, batch.weights)
        batch_weight = float(found)
        if not batch_weight and len(window) > 1:
            tally.add(0.0, 0.0, learner.objective.answers(outputs), batch)
            continue  # its targets are all left out: torch gives no mean, and the window has one
        value = mean.item()
        parts = numbers(learner.objective.parts) if learner.objective.parts else {}
        if not math.isfinite(value) or not all(map(math.isfinite, parts.values())):
            raise refusal("loss", step, [batch], learner.model)
        mean = mean if len(window) == 1 else mean * batch_weight
        mean.backward() if learner.scale is None else learner.scale.backward(mean)  # type: ignore[no-untyped-call]
        tally.add(value, batch_weight, learner.objective.answers(outputs), batch, parts)
        total, weight = total + value * batch_weight, weight + batch_weight
        if parts:
            sums = added(sums, parts, batch_weight)
    gradients = dense_gradients(learner)
    if not weight and len(window) > 1:  # every target is left out: there is no mean, as for a single such batch
        raise refusal("loss", step, window, learner.model)
    if learner.scale is not None:
        learner.scale.unscale()
    if len(window) > 1:
        torch._foreach_div_(gradients, weight)
    learner.hooks.add_penalty()
    norms = torch._foreach_norm(gradients) if gradients else ()
    norm = joint_norm(norms)
    if not math.isfinite(norm) and not all(bool(each.isfinite().all()) for each in gradients):
        raise refusal("gradient", step, window, learner.model)
    if learner.clip and norm > learner.clip:  # to the last bit what torch's clip_grad_norm_ makes of dense gradients
        scale = learner.clip / (torch.linalg.vector_norm(torch.stack(norms)) + 1e-6)
        torch._foreach_mul_(gradients, scale.clamp(max=1.0))
    means = {name: each / weight for name, each in sums.items()}
    return Made(total / weight if weight else 0.0, sum(batch.size for batch in window), norm, means), gradients


def numbers(parts: Mapping[str, Tensor]) -> dict[str, float]:
    """Return tensors of one number each as numbers; their device is waited for once."""
    return dict(zip(parts, torch.stack([each.detach().double().reshape(()) for each in parts.values()]).tolist(), strict=True))


def dense_gradients(learner: Learner) -> list[Tensor]:
    """Return the gradients that there are; of a sparse one its values, after each place has become one entry."""
    found = ((parameter, parameter.grad) for parameter in learner.parameters)
    return [coalesced(each) if gradient.is_sparse else gradient for each, gradient in found if gradient is not None]


def coalesced(parameter: nn.Parameter) -> Tensor:
    """Return the values of a parameter's sparse gradient, after each place has become one entry."""
    gradient: Any = parameter.grad
    places = gradient._indices()
    if len(places) == 1 and bool((places[0, 1:] > places[0, :-1]).all()):
        gradient._coalesced_(True)  # it is, but backward forgets it
    parameter.grad = gradient = gradient.coalesce()
    return gradient._values()  # type: ignore[no-any-return]


def joint_norm(norms: tuple[Tensor, ...]) -> float:
    """Return the Euclidean norm of all gradients together, from that of each; not finite when any entry of one is not."""
    if norms and norms[0].device.type != "cpu":  # one wait for the device, not one for each parameter
        return float(torch.linalg.vector_norm(torch.stack(norms)))
    return math.hypot(*(each.item() for each in norms))


def refusal(quantity: str, step: int, window: Sequence[Batch], model: nn.Module) -> Exception:
    """Return E501 with the quantity, the rows of the window (those that are not finite themselves, where there are any:
    ``in_data``), and the layers whose parameters or gradients are not finite."""
    wrong = [batch.rows[_not_finite_rows(batch)] for batch in window if batch.rows is not None]
    problem: Any = error("E501", quantity=quantity, step=step)
    problem.quantity, problem.in_data = quantity, any(map(len, wrong))
    rows = wrong if problem.in_data else [batch.rows for batch in window if batch.rows is not None]
    problem.rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    problem.layers = [
        name for name, parameter in model.named_parameters() if not all(map(_finite, (parameter, parameter.grad)))
    ]
    return problem  # type: ignore[no-any-return]


def _not_finite_rows(batch: Batch) -> np.ndarray:
    """Return which rows of a batch hold a number in their inputs or targets that is not finite, bool (rows,)."""
    found = np.zeros(batch.size, bool)
    for leaf in tree_leaves((batch.inputs, batch.named, batch.targets)):
        if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.shape[:1] == (batch.size,):
            found |= ~leaf.isfinite().reshape(batch.size, -1).all(dim=1).cpu().numpy()
    return found


def _finite(found: Tensor | None) -> bool:
    return found is None or bool((found._values() if found.is_sparse else found).isfinite().all())
