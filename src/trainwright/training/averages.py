"""Averages of a model's parameters, which are validated and kept in their place (averaging: Polyak and Juditsky 1992,
doi:10.1137/0330046)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

HALF = (torch.float16, torch.bfloat16)  # too coarse to move by small parts: their averages are float32


class Averages:
    """Averages of some parameters; buffers stay those of the model.

    ``values`` are what a checkpoint has to keep of them, beside what the optimiser remembers.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = [each for each in parameters if each.is_floating_point()]
        self.values: list[Tensor] = []

    def begin(self) -> None:
        """Take note that training begins."""

    def update(self) -> None:
        """Take in the parameters as they are after an update."""

    def found(self) -> list[Tensor]:
        """Return the average of each parameter; empty before the first update."""
        return self.values

    def apply(self) -> None:
        """Give the model the averages for good."""
        self._give(self.found())

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the model the averages meanwhile; its parameters are afterwards what they were, to the bit."""
        before = [each.detach().clone() for each in self.parameters]
        self._give(self.found())
        try:
            yield
        finally:
            self._give(before)

    @torch.no_grad()
    def _give(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=False):
            parameter.copy_(value)


class MovingAverages(Averages):
    """Exponential moving averages of all parameters of a model.

    As in ``torch.optim.swa_utils.AveragedModel`` with ``get_ema_multi_avg_fn``, whose bits these are: the first update gives
    the parameters themselves, each one after it ``decay * average + (1 - decay) * parameter``.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model.parameters())
        self._share = 1 - decay

    @torch.no_grad()
    def update(self) -> None:
        now = [each.detach().float() if each.dtype in HALF else each.detach() for each in self.parameters]
        if self.values:
            torch._foreach_lerp_(self.values, now, self._share)
        else:
            self.values = [each.clone() for each in now]
