"""The scale of the loss in float16, whose smallest gradients would be zero otherwise: ``torch.amp.GradScaler``.

Where a gradient overflows, the same update is made again at half the scale, so no rows are passed over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwright.errors import TrainwrightError, error
from trainwright.training.rng import restore_rng, rng_state


class LossScale:
    """The scale of one learner. It starts at 65,536, and doubles after 2,000 updates without an overflow."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, device: torch.device) -> None:
        """Raise E554 where float16 cannot be computed in."""
        if device.type == "cpu" and any(isinstance(each, nn.RNNBase) for each in model.modules()):
            raise error("E554", why="recurrent layers have no float16 on a processor")
        if any(each.dtype == torch.float16 for group in optimizer.param_groups for each in group["params"]):
            raise error("E554", why="the parameters are float16 themselves, and have to be float32")
        self._optimizer, self._device, self._scaler = optimizer, device, torch.amp.GradScaler(device.type)
        self.begin()

    @property
    def kept(self) -> dict[str, Any]:
        """Return what a checkpoint has to keep, as numbers."""
        return dict(self._scaler.state_dict())

    def restore(self, kept: dict[str, Any]) -> None:
        """Take what ``kept`` was."""
        self._scaler.load_state_dict(kept)

    def begin(self) -> None:
        """Take note of the scale and of the random state before an update."""
        self._before, self._drawing = self.kept, rng_state(self._device)

    def backward(self, mean: Tensor) -> None:
        """Make the gradients of a loss, times the scale."""
        self._scaler.scale(mean).backward()  # type: ignore[no-untyped-call]

    def unscale(self) -> None:
        """Divide the gradients by the scale."""
        self._scaler.unscale_(self._optimizer)

    def end(self) -> None:
        """Take note that an update could be made."""
        self._scaler.update()

    def halve(self, problem: BaseException) -> bool:
        """Halve the scale where ``problem`` is a gradient that overflowed at it, and return whether that was so.

        What is not finite at any scale leaves the scale as it was.
        """
        if not isinstance(problem, TrainwrightError) or getattr(problem, "quantity", "") != "gradient":
            return False
        self._scaler.update()
        restore_rng(self._device, self._drawing)
        if self._scaler.get_scale() >= 1:
            return True
        self._scaler.load_state_dict(self._before)
        return False
