"""Optimisers by their torch names and with torch's own arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from trainwright.config.settings import Named
from trainwright.errors import error
from trainwright.startup import skip_compiler_import
from trainwright.training.torch_names import check

# Optimisers whose update is a single pass over memory when torch's fused kernel does it.
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")


def optimizers() -> dict[str, type[Optimizer]]:
    """The optimisers of ``torch.optim`` by name, without those that cannot move what is trained here.

    LBFGS needs the loss again within one update; SparseAdam takes no dense gradients, which every model here has.
    """
    found = {name: each for name, each in vars(torch.optim).items() if inspect.isclass(each) and issubclass(each, Optimizer)}
    return {name: each for name, each in found.items() if name not in ("Optimizer", "LBFGS", "SparseAdam")}


def make_optimizer(named: Named, parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """The optimiser, fused where torch has it. Raises E310, E311, and E312 when torch refuses a value."""
    kind = check("optimizer", named, optimizers(), reserved=["lr"])
    skip_compiler_import(Optimizer)
    arguments = named.arguments
    if named.name in FUSED and not {"foreach", "fused", "differentiable"} & set(arguments):
        arguments["fused"] = True
    try:
        return kind(parameters, lr=lr, **arguments)  # type: ignore[no-any-return]
    except (TypeError, ValueError, RuntimeError) as problem:
        raise error("E312", setting="optimizer", name=named.name, problem=problem) from None
