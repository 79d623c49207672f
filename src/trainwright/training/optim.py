"""Optimisers by their torch names and with torch's own arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from trainwright.config.settings import Named
from trainwright.startup import skip_compiler_import
from trainwright.training.torch_names import check, checking, classes

# Optimisers whose update is a single pass over memory when torch's fused kernel does it.
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")


def optimizers() -> dict[str, type[Optimizer]]:
    """Return the optimisers of ``torch.optim`` by name, without those that cannot move what is trained here.

    LBFGS needs the loss again within one update; SparseAdam takes no dense gradients, which every model here has.
    """
    return classes(torch.optim, Optimizer, without=("Optimizer", "LBFGS", "SparseAdam"))


def make_optimizer(named: Named, parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """Return the optimiser, fused where torch has it. Raise E310, E311, and E312 when torch refuses a value."""
    kind: Any = check("optimizer", named, optimizers(), reserved=["lr"])
    skip_compiler_import(Optimizer)
    arguments = named.arguments
    if named.name in FUSED and not {"foreach", "fused", "differentiable"} & set(arguments):
        arguments["fused"] = True
    with checking("optimizer", named):
        made: Optimizer = kind(parameters, lr=lr, **arguments)
    return made
