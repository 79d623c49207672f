"""Whether memory is enough: for a network before it is made, and what torch raises where it was not."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwright.errors import error
from trainwright.memory import available
from trainwright.models.meta import on_meta

ON_CPU = "DefaultCPUAllocator: can't allocate memory"  # torch has no exception of its own for it


def ran_out(problem: BaseException) -> bool:
    """Return whether an exception says that there was no memory, on whatever device."""
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or ON_CPU in str(problem)


def make(name: str, build: Callable[[], nn.Module]) -> nn.Module:
    """Return the network ``name`` that ``build`` gives.

    Raise E360 where its weights and their gradients do not fit in memory: a system that promises more memory than it has ends
    the process. Raise E361 where settings ask for what torch cannot build.
    """
    try:
        sizes = [each.nbytes for each in on_meta(build).state_dict().values()]
        if 2 * sum(sizes) > (most := available()):
            raise error("E360", name=name, wanted=f"{2 * sum(sizes) / 2**30:,.1f}", most=f"{most / 2**30:,.1f}")
        return build()
    except (ArithmeticError, MemoryError, RuntimeError, TypeError) as problem:
        raise error("E361", name=name, problem=problem) from None
