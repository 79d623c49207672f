"""Calling a model on batches, one after the other; a state that the model carries goes from each batch to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from trainwright.data.batches import Batch


class Forward:
    """``forward(batch)`` gives the model's outputs.

    With ``start`` the model is called as ``model(*inputs, state)`` and gives ``(outputs, state)``. The first state is
    ``start(*inputs)``; those after it are what the model gave, cut off from the graph (truncated back-propagation).
    """

    def __init__(self, model: nn.Module, start: Callable[..., Any] | None = None) -> None:
        self.model, self.start = model, start
        self.state: Any = None

    def begin(self) -> None:
        """Forget the state: the next batch is the first of a pass over the data."""
        self.state = None

    def __call__(self, batch: Batch) -> Any:
        """The outputs of one batch."""
        if self.start is None:
            return self.model(*batch.inputs)
        state = self.start(*batch.inputs) if self.state is None else self.state
        outputs, state = self.model(*batch.inputs, state)
        self.state = detached(state)
        return outputs


def detached(state: Any) -> Any:
    """The state without the graph that made it: tensors, and tuples, lists and dicts of them."""
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, tuple | list):
        return type(state)(detached(each) for each in state)
    if isinstance(state, dict):
        return {key: detached(each) for key, each in state.items()}
    return state
