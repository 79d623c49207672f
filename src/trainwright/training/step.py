"""One update: forward, loss, backward, finite check, clip, update. The page to read first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwright.data.batches import Batch
from trainwright.errors import error
from trainwright.models.bag import Bag
from trainwright.models.forward import Forward
from trainwright.training.optim import Objective, Scheduler, lean_step
from trainwright.training.state import Tally
from trainwright.training.undo import Undo


@dataclass
class Learner:
    """What learns: a model, what it should make small, and what moves its parameters."""

    forward: Forward
    objective: Objective
    optimizer: Optimizer
    schedules: list[Scheduler] = field(default_factory=list)
    clip: float = 0.0
    clip_value: float = 0.0

    def __post_init__(self) -> None:
        """The parameters and the way to move them are looked up once."""
        self.parameters = [each for group in self.optimizer.param_groups for each in group["params"]]
        self.apply = lean_step(self.optimizer)
        self.undo = Undo(self.forward)
        self.between = True  # whether everything stands between two updates, so that it can be saved

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self.forward.model

    @property
    def lr(self) -> float:
        """The rate of the first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])


def update(learner: Learner, window: Sequence[Batch], step: int, tally: Tally) -> tuple[float, int]:
    """Make update number ``step`` from a window of one or more batches; gives its mean loss and its rows.

    The gradient is that of the mean over the whole window, however it is cut into batches. Where this raises, everything but
    the gradients is as it was: parameters, optimiser, buffers, the state that the model carries, the tally.

    Raises:
        TrainingError: E501, which names rows and layers, for a loss or a gradient that is not finite; E504 where the
            optimiser finds no memory.
        torch.OutOfMemoryError: where the forward or the backward pass finds none.
    """
    learner.undo.keep(tally)
    try:
        mean, gradients = _backward(learner, window, step, tally)
    except BaseException:
        learner.undo.put_back(tally)
        raise
    if learner.clip_value:
        torch._foreach_clamp_min_(gradients, -learner.clip_value)
        torch._foreach_clamp_max_(gradients, learner.clip_value)
    learner.between = False
    try:
        learner.apply()
    except torch.OutOfMemoryError:  # smaller batches would not help: what was made for them is gone by now
        raise error("E504", what="what the optimiser remembers") from None
    return mean, sum(batch.size for batch in window)


def _backward(learner: Learner, window: Sequence[Batch], step: int, tally: Tally) -> tuple[float, list[Tensor]]:
    """The mean loss of the window, and its gradients as they are before ``clip_value``. Raises as ``update``."""
    for parameter in learner.parameters:
        parameter.grad = None
    total, weight = 0.0, 0.0
    for batch in window:
        outputs = learner.forward(batch)
        mean, batch_weight = learner.objective(outputs, batch.targets)
        if not batch_weight and len(window) > 1:
            tally.add(0.0, 0.0, outputs, batch)
            continue  # its targets are all left out: torch gives no mean, and the window has one
        value = mean.item()
        if not math.isfinite(value):
            raise refusal("loss", step, [batch], learner.model)
        (mean if len(window) == 1 else mean * batch_weight).backward()  # type: ignore[no-untyped-call]
        tally.add(value, batch_weight, outputs, batch)
        total, weight = total + value * batch_weight, weight + batch_weight
    gradients = [parameter.grad for parameter in learner.parameters if parameter.grad is not None]
    if not weight and len(window) > 1:
        raise refusal("loss", step, window, learner.model)
    if len(window) > 1:
        torch._foreach_div_(gradients, weight)
    if isinstance(learner.model, Bag):
        learner.model.penalise()
    norm = gradient_norm(gradients)
    if not math.isfinite(norm) and not all(bool(each.isfinite().all()) for each in gradients):
        raise refusal("gradient", step, window, learner.model)
    if learner.clip and norm > learner.clip:
        nn.utils.clip_grad_norm_(learner.parameters, learner.clip)  # to the last bit what a loop written by hand gets
    return total / weight if weight else 0.0, gradients


def gradient_norm(gradients: list[Tensor]) -> float:
    """The Euclidean norm over all gradients together; not finite when any entry is not."""
    if gradients and gradients[0].device.type != "cpu":  # one wait for the device, not one for each parameter
        return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    return math.hypot(*map(float, torch._foreach_norm(gradients))) if gradients else 0.0


def refusal(quantity: str, step: int, window: Sequence[Batch], model: nn.Module) -> Exception:
    """E501 with the quantity, the rows of the window, and the layers whose parameters or gradients are not finite."""
    rows = [batch.rows for batch in window if batch.rows is not None]
    problem: Any = error("E501", quantity=quantity, step=step)
    problem.quantity = quantity
    problem.rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    problem.layers = [
        name
        for name, parameter in model.named_parameters()
        if not all(bool(each.isfinite().all()) for each in (parameter, parameter.grad) if each is not None)
    ]
    return problem  # type: ignore[no-any-return]
