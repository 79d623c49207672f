"""A step of a person's own in the place of ``step.update``: several optimisers, closures, losses of several networks.

It may move anything at any time, so all that can change is copied beforehand, and put back where the step is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwright.data.batches.base import Batch
from trainwright.errors import error
from trainwright.training import snapshot
from trainwright.training.state import Tally
from trainwright.training.step import Learner, Made, joint_norm, numbers, refusal

Loss = Tensor | Callable[[], Tensor]


class Update:
    """What a step is handed beside its batch. ``number`` counts the updates of the run, from 1 on."""

    def __init__(self, learner: Learner, window: Sequence[Batch], number: int) -> None:
        self.number = number
        self._learner, self._window = learner, window
        self.norms: dict[int, float] = {}  # of the gradients that ``clip`` saw last, by optimiser

    def minimize(self, loss: Loss, optimizer: Optimizer | None = None) -> Tensor:
        """Move the parameters of an optimizer (the only one, where none is named) to make ``loss`` small, and return the loss.

        Its gradients are set to none, made by ``loss.backward()``, clipped as ``fit`` was told, and applied. A function in the
        place of the loss is called as often as the optimizer asks for it, as LBFGS does; the loss of its first call comes back.
        Raise E501 for a loss or a gradient that is not finite, E628 for a loss that depends on no parameter.
        """
        chosen = self._chosen(optimizer)
        seen: list[Tensor] = []

        def closure() -> Tensor:
            with torch.enable_grad():
                chosen.zero_grad()
                value = loss() if callable(loss) else loss
                if not seen and not math.isfinite(value.item()):  # later ones are tried out by a line search
                    raise self._refused("loss")
                if not value.requires_grad:
                    raise error("E628")
                value.backward()  # type: ignore[no-untyped-call]
                self._clip(chosen, strict=not seen)
                seen.append(value.detach())
            return value

        if callable(loss):
            chosen.step(closure)  # type: ignore[arg-type]  # which torch wants to give a float, and turns into one
        else:
            closure()
            chosen.step()
        return seen[0]

    def clip(self, optimizer: Optimizer | None = None) -> float:
        """Clip the gradients of an optimizer as ``fit`` was told (``clip``, ``clip_value``), and return their norm before that.

        ``minimize`` does so by itself. Raise E501 for a gradient that is not finite.
        """
        return self._clip(self._chosen(optimizer), strict=True)

    def _clip(self, optimizer: Optimizer, *, strict: bool) -> float:
        learner = self._learner
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        gradients = [each.grad for each in parameters if each.grad is not None]
        norms = torch._foreach_norm(gradients) if gradients else ()
        norm = self.norms[id(optimizer)] = joint_norm(norms)
        if strict and not math.isfinite(norm) and not all(bool(each.isfinite().all()) for each in gradients):
            raise self._refused("gradient")
        if learner.clip and norm > learner.clip:
            torch._foreach_mul_(gradients, learner.clip / (norm + 1e-6))
        learner.clip_values(gradients)
        return norm

    def _chosen(self, optimizer: Optimizer | None) -> Optimizer:
        known = self._learner.optimizers
        if optimizer is None and len(known) == 1:
            return known[0]
        if not any(optimizer is each for each in known):
            raise error("E643", found=type(optimizer).__name__, count=len(known))
        return optimizer  # type: ignore[return-value]

    def _refused(self, quantity: str) -> Exception:
        return refusal(quantity, self.number, self._window, self._learner.model)


class OwnStep:
    """Calls ``step(batch, update)`` for each batch."""

    def __init__(self, step: Callable[[Any, Update], Any]) -> None:
        self._step = step

    def __call__(self, learner: Learner, window: Sequence[Batch], number: int, tally: Tally) -> Made:
        """Make update ``number``, and return what it came to. The step returns its loss, or a dict of numbers with a "loss".

        Raise E501, and E644 where it returns something else; everything but the gradients is then as it was.
        """
        (batch,) = window
        held, turn = snapshot.hold(learner), Update(learner, window, number)
        learner.at_step_boundary = False
        try:
            parts = _measured(self._step(batch.inputs[0], turn))
            wrong = next((name for name, each in parts.items() if not math.isfinite(each)), "")
            if not all(snapshot.finite(each.detach()) for each in learner.parameters):
                wrong = "parameter"
            if wrong:
                raise refusal(wrong, number, window, learner.model)
        except BaseException:
            snapshot.put_back(held, learner)
            learner.at_step_boundary = True
            raise
        loss = parts.pop("loss")
        tally.count(loss * batch.size, batch.size, 0, batch.size, False)
        tally.count_parts(parts, batch.size)
        return Made(loss, batch.size, math.hypot(*turn.norms.values()) if turn.norms else None, parts)


def _measured(found: Any) -> dict[str, float]:
    """Return what a step measured, by name. Raise E644."""
    values = found if isinstance(found, Mapping) else {"loss": found}
    if "loss" not in values:
        raise error("E644", found=f"a dict with {', '.join(map(str, values)) or 'nothing in it'}, and no loss")
    made = {}
    for name, value in values.items():
        tensor = value if isinstance(value, Tensor) else torch.tensor(value) if isinstance(value, int | float) else None
        if tensor is None or tensor.numel() != 1 or tensor.is_complex():
            shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
            raise error("E644", found=f"{name}: a {type(value).__name__}{shape}")
        made[str(name)] = tensor
    return numbers(made)
