"""Calling a model on one batch after the other; a stateful model gets the state that it returned for the batch before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.batches.alignment import has_address
from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_map
from trainwright.errors import error, in_short


class Forward:
    """A callable that returns the model's outputs for a batch.

    With ``start`` the model is called as ``model(*inputs, state)`` and returns ``(outputs, state)``. The first state is
    ``start(*inputs)``; those after it are what the model returned, detached from the graph (truncated back-propagation).
    """

    def __init__(self, model: nn.Module, start: Callable[..., Any] | None = None) -> None:
        self.model, self.start = model, start
        self.call: Callable[..., Any] = model
        self.state: Any = None

    def compile(self) -> None:
        """Call the model compiled from now on, and for each shape of inputs anew.

        So what is computed follows from the batch, not from those before it. A call raises E336 where it cannot be compiled.
        """
        compiled = torch.compile(self.model, dynamic=False)

        def call(*inputs: Any, **named: Any) -> Any:
            try:
                return compiled(*inputs, **named)
            except torch._dynamo.exc.TorchDynamoException as problem:
                raise error("E336", problem=in_short(problem)) from None

        self.call = call

    def is_stateful(self, batch: Batch) -> bool:
        """Return whether a state goes from each row of a batch to the same row of the next: such batches cannot be split."""
        return self.start is not None and self.start(*batch.inputs) is not None

    def reset_state(self) -> None:
        """Drop the state: the next batch is the first of a pass over the data."""
        self.state = None

    def __call__(self, batch: Batch) -> Any:
        """Return the outputs of one batch. Raise E614 where a model that should return a state does not."""
        if self.start is None:
            return self.call(*batch.inputs) if batch.named is None else self.call(*batch.inputs, **batch.named)
        if batch.named is not None:
            raise error("E614", problem="its inputs come by keyword")
        state = self.start(*batch.inputs) if self.state is None else self.state
        found = self.call(*batch.inputs, state)
        if not isinstance(found, tuple) or len(found) != 2:
            raise error("E614", problem=f"the model returns a {type(found).__name__}")
        outputs, state = found
        self.state = tree_map(_carried, state)
        return outputs


def _carried(leaf: Any) -> Any:
    """Return a part of a state detached from the graph, and in memory as it is when it comes from a checkpoint."""
    if not isinstance(leaf, Tensor):
        return leaf
    return leaf.detach().clone(memory_format=torch.contiguous_format) if has_address(leaf) else leaf.detach()
