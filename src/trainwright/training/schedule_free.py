"""SGD and AdamW without a schedule of the rate (Defazio et al. 2024, arXiv:2405.15682).

An average of all steps takes the place of a falling rate. The parameters of the model are y, where gradients are taken; the
optimiser remembers z, which makes the steps; y lies between z and their average x, at the part ``beta`` of the way. It is x
that is validated and kept: ``FreeAverages`` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwright.training.averages import Averages

Tensors = tuple[Tensor, ...] | list[Tensor]


class ScheduleFree(Optimizer):
    """What the two share: how the average moves on. Later steps weigh as the square of the highest rate so far."""

    def __init__(self, params: Iterable[Any], **defaults: float) -> None:
        for name in ("beta", "beta2"):
            if not 0 < defaults.get(name, 0.5) < 1:
                raise ValueError(f"{name} is {defaults[name]}, and has to be between 0 and 1")
        for name in ("lr", "eps", "weight_decay"):
            if not defaults.get(name, 0.0) >= 0:
                raise ValueError(f"{name} is {defaults[name]}, and cannot be below 0")
        super().__init__(params, {**defaults, "steps": 0, "highest": 0.0, "weight": 0.0, "averaged": False})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move the parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            group["steps"] += 1
            group["highest"] = max(group["highest"], group["lr"])
            weight = group["highest"] ** 2
            group["weight"] += weight
            moved = [each for each in group["params"] if each.grad is not None]
            if not moved:
                continue
            for each in moved:
                if not self.state[each]:
                    self.state[each].update(z=each.detach().clone(), **self._begun(each))
            steps = self._direction(moved, group)
            if group["weight_decay"]:
                steps = torch._foreach_add(steps, moved, alpha=group["weight_decay"])
            share, rate = weight / group["weight"] if group["weight"] else 0.0, group["lr"]
            ends = [self.state[each]["z"] for each in moved]
            torch._foreach_lerp_(moved, ends, share)
            torch._foreach_add_(moved, steps, alpha=rate * (group["beta"] * (1 - share) - 1))
            torch._foreach_add_(ends, steps, alpha=-rate)
        return loss

    def _begun(self, parameter: Tensor) -> dict[str, Tensor]:
        """Return what else is remembered of a parameter, at its beginning."""
        return {}

    def _direction(self, moved: list[Tensor], group: dict[str, Any]) -> Tensors:
        """Return the step of each parameter at a rate of -1."""
        raise NotImplementedError


class SGDScheduleFree(ScheduleFree):
    """Schedule-free gradient descent. It takes a higher rate than SGD with a schedule, and a warm-up (``warmup=0.05``)."""

    def __init__(self, params: Iterable[Any], lr: float = 1.0, beta: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, beta=beta, weight_decay=weight_decay)

    def _direction(self, moved: list[Tensor], group: dict[str, Any]) -> Tensors:
        return [each.grad for each in moved]  # type: ignore[misc]


class AdamWScheduleFree(ScheduleFree):
    """Schedule-free AdamW."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.0025,
        beta: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, beta=beta, beta2=beta2, eps=eps, weight_decay=weight_decay)

    def _begun(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"exp_avg_sq": torch.zeros_like(parameter)}

    def _direction(self, moved: list[Tensor], group: dict[str, Any]) -> Tensors:
        squares, gradients = [self.state[each]["exp_avg_sq"] for each in moved], [each.grad for each in moved]
        torch._foreach_mul_(squares, group["beta2"])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["beta2"])  # type: ignore[arg-type]
        sizes = torch._foreach_div(squares, 1 - group["beta2"] ** group["steps"])
        torch._foreach_sqrt_(sizes)
        torch._foreach_add_(sizes, group["eps"])
        return torch._foreach_div(gradients, sizes)  # type: ignore[arg-type]


class FreeAverages(Averages):
    """The averages x of schedule-free optimisers, which follow from y and z.

    A training that has ended leaves x in the model, and the groups of the optimiser say so: another one begins at y.
    """

    def __init__(self, optimizers: Iterable[ScheduleFree]) -> None:
        self._optimizers = list(optimizers)
        super().__init__(each for one in self._optimizers for group in one.param_groups for each in group["params"])

    def begin(self) -> None:
        self._give(self._moved(lambda beta: 1 - beta, averaged=True))
        self._mark(False)

    def found(self) -> list[Tensor]:
        return self._moved(lambda beta: 1 - 1 / beta, averaged=False)

    def apply(self) -> None:
        super().apply()
        self._mark(True)

    def _moved(self, share: Callable[[float], float], averaged: bool) -> list[Tensor]:
        """Return the parameters, of groups that are ``averaged`` or not a part of the way to z."""
        values = []
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                for each in group["params"]:
                    now, there = each.detach(), optimizer.state.get(each)
                    moves = there and group["averaged"] == averaged
                    values.append(now.lerp(there["z"], share(group["beta"])) if there and moves else now)
        return values

    def _mark(self, averaged: bool) -> None:
        for group in (group for optimizer in self._optimizers for group in optimizer.param_groups):
            group["averaged"] = averaged
