"""Networks without memory, on torch's ``meta`` device: only the names, shapes and types of their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network whose weights have no memory; leave torch's random state as it is."""
    with torch.device("meta"), _SkipInit():
        return build()


class _SkipInit(TorchFunctionMode):
    """A mode that skips the initialization of weights.

    Without memory it has no effect, but for normal random numbers torch imports a computer algebra system to find that out,
    which takes longer than all else here.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is Tensor.normal_ or getattr(function, "__module__", "") == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))
