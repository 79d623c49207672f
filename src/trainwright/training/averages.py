"""Exponential moving averages of a model's parameters (averaging: Polyak and Juditsky 1992, doi:10.1137/0330046)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

HALF = (torch.float16, torch.bfloat16)  # too coarse to move by small parts: their averages are float32


class Averages:
    """The averages of all parameters of a model; buffers stay those of the model.

    As in ``torch.optim.swa_utils.AveragedModel`` with ``get_ema_multi_avg_fn``, whose bits these are: the first update gives
    the parameters themselves, each one after it ``decay * average + (1 - decay) * parameter``.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = [each for each in model.parameters() if each.is_floating_point()]
        self._share = 1 - decay
        self.values: list[Tensor] = []  # empty before the first update

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are after an update."""
        now = [each.detach().float() if each.dtype in HALF else each.detach() for each in self._parameters]
        if self.values:
            torch._foreach_lerp_(self.values, now, self._share)
        else:
            self.values = [each.clone() for each in now]

    @torch.no_grad()
    def apply(self) -> None:
        """Give the model the averages for good."""
        for parameter, value in zip(self._parameters, self.values, strict=False):
            parameter.copy_(value)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the model the averages meanwhile; its parameters are afterwards what they were, to the bit."""
        before = [each.detach().clone() for each in self._parameters] if self.values else []
        self.apply()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(self._parameters, before, strict=False):
                    parameter.copy_(value)
