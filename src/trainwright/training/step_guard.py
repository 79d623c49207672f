"""A refused update leaves no trace: what its forward passes changed before anything was applied is put back.

Gradients are made anew for every update. What remains: the buffers of modules in training mode (running statistics and
counters; not masks and tables of integers, which no forward pass changes), and the state that the model carries.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainwright.models.forward import Forward


class StepGuard:
    """Save what an update may change before its forward passes; restore it where the update is refused."""

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._modules = [each for each in forward.model.modules() if _changing(each)]
        self._places: list[tuple[nn.Module, str, Tensor]] = []
        self._copies: list[Tensor] = []
        self._carried: Any = None

    def save(self) -> None:
        """Remember how things are. A model without buffers costs next to nothing here."""
        self._carried = self._forward.state
        if not self._modules:
            return
        self._places = [(each, *buffer) for each in self._modules if each.training for buffer in _changing(each)]
        buffers = [buffer for _, _, buffer in self._places]
        if [(each.shape, each.dtype) for each in self._copies] != [(each.shape, each.dtype) for each in buffers]:
            self._copies = [torch.empty_like(each) for each in buffers]
        if buffers:
            with torch.no_grad():
                torch._foreach_copy_(self._copies, buffers)

    def restore(self) -> None:
        """Make things as they were. A module may have changed a buffer in place, or put another tensor there."""
        self._forward.state = self._carried
        with torch.no_grad():
            for (module, name, buffer), copy in zip(self._places, self._copies, strict=True):
                module._buffers[name] = buffer.copy_(copy)

    def restore_where(self, failed: Tensor) -> None:
        """Make the buffers as they were if ``failed``, which is on the device, is 1."""
        with torch.no_grad():
            for (module, name, buffer), copy in zip(self._places, self._copies, strict=True):
                now = module._buffers[name]
                assert now is not None
                module._buffers[name] = buffer.copy_(torch.where(failed > 0, copy, now))


def _changing(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the model's buffers that a forward pass may change, by name."""
    found = ((name, each) for name, each in module._buffers.items() if each is not None)
    return [(name, each) for name, each in found if each.is_floating_point() or each.ndim == 0]
