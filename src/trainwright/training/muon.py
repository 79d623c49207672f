"""Muon for the hidden matrices of a network, AdamW for all else, as one optimiser (Jordan et al. 2024; Liu et al. 2025,
arXiv:2502.16982)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim._muon import muon
from torch.optim.adamw import adamw

from trainwright.errors import error

COEFFICIENTS, ITERATIONS, SMALLEST = (3.4445, -4.7750, 2.0315), 5, 1e-7  # of Newton and Schulz, as torch.optim.Muon has them


class Muon(Optimizer):
    """Both optimisers of torch at one rate: steps of Muon are scaled to the size that those of AdamW have.

    ``params`` are groups that say whether they are ``hidden``, as ``parameter_groups(model)`` gives them. Kernels of
    convolutions are matrices with a row for each output channel. ``momentum`` and ``nesterov`` are Muon's, ``betas`` and
    ``eps`` AdamW's. Raise E551 for groups that do not say it.
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        spare = [nn.Parameter(torch.zeros(2, 2))]  # for torch to refuse values that make no sense
        torch.optim.Muon(spare, lr, weight_decay, momentum, nesterov)
        torch.optim.AdamW(spare, lr, betas, eps, weight_decay)
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        super().__init__(params, defaults | {"betas": betas, "eps": eps})
        if not all(isinstance(group.get("hidden"), bool) for group in self.param_groups):
            raise error("E551")

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move the parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moved = [each for each in group["params"] if each.grad is not None]
            if moved:
                (self._move_matrices if group["hidden"] else self._move_others)(moved, group)
        return loss

    def _move_matrices(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        matrices = [each.detach().reshape(len(each), -1) for each in parameters]
        for each, matrix in zip(parameters, matrices, strict=True):
            if not self.state[each]:
                self.state[each]["momentum_buffer"] = torch.zeros_like(matrix, memory_format=torch.contiguous_format)
        muon(
            matrices,
            [each.grad.reshape(len(each), -1) for each in parameters],  # type: ignore[union-attr]
            [self.state[each]["momentum_buffer"] for each in parameters],
            **{name: group[name] for name in ("lr", "weight_decay", "momentum", "nesterov")},
            ns_coefficients=COEFFICIENTS,
            ns_steps=ITERATIONS,
            eps=SMALLEST,
            adjust_lr_fn="match_rms_adamw",
            has_complex=False,
        )
        for each, matrix in zip(parameters, matrices, strict=True):
            if each.data_ptr() != matrix.data_ptr():  # a kernel whose channels come last in memory is no matrix there
                each.copy_(matrix.view_as(each))

    def _move_others(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for each in parameters:
            if not self.state[each]:
                begun = {"exp_avg": torch.zeros_like(each), "exp_avg_sq": torch.zeros_like(each)}
                self.state[each].update({"step": torch.tensor(0.0), **begun})
        remembered = [[self.state[each][name] for each in parameters] for name in ("exp_avg", "exp_avg_sq", "step")]
        averages, squares, steps = remembered
        adamw(
            parameters,
            [each.grad for each in parameters],  # type: ignore[misc]
            averages,
            squares,
            [],
            steps,
            fused=parameters[0].device.type == "cpu",
            amsgrad=False,
            maximize=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            **{name: group[name] for name in ("lr", "weight_decay", "eps")},
        )
