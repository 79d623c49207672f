"""One update as a CUDA graph: recorded once, then started with a single call, whatever number of kernels it has.

Recorded are updates of networks that are made of torch's and this package's modules alone: Python of somebody else's that runs
between the kernels (counters, branches) would run once, and never again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_leaves, tree_map, tree_unflatten
from trainwright.models.forward import Forward
from trainwright.training.step import Learner

OURS = ("torch.nn.", "trainwright.")  # the packages whose modules do the same in every call


def graphable(learner: Learner) -> bool:
    """Return whether the updates of a learner can be recorded."""
    if not learner.parameters or learner.parameters[0].device.type != "cuda":
        return False
    loss = learner.objective.loss
    known = [type(each).__module__ for each in learner.model.modules()]
    known.append(type(loss).__module__ if isinstance(loss, nn.Module) else f"{getattr(loss, '__module__', '')}.")
    return all(each.startswith(OURS) for each in known) and not any(map(_is_unfit, learner.model.modules()))


def _is_unfit(module: nn.Module) -> bool:
    """Return whether a module has hooks, or draws random numbers that no graph can draw anew (dropout in cuDNN's networks)."""
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks) or (isinstance(module, nn.RNNBase) and bool(module.dropout) and module.num_layers > 1)


def leaves_of(window: Sequence[Batch]) -> list[Any]:
    """Return the tensors of some batches."""
    return tree_leaves([(each.inputs, each.named, each.targets, each.weights) for each in window])


class Graph:
    """A recorded update. ``classified`` is what ``update`` returned while it was recorded."""

    def __init__(self, update: Callable[[Sequence[Batch]], bool], window: Sequence[Batch], forward: Forward, failed: Tensor):
        """Record ``update`` of batches of these shapes. Raise RuntimeError where it cannot be recorded."""
        self._forward = forward
        self._leaves = [each.clone() for each in leaves_of(window)]
        leaves = iter(self._leaves)
        batches = [_with_leaves(each, leaves) for each in window]
        before = forward.state
        self._carried = tree_map(lambda each: each.clone() if isinstance(each, Tensor) else each, before)
        self._graph = torch.cuda.CUDAGraph()
        forward.state = self._carried
        drawing = torch.cuda.default_generators[failed.device.index or 0]
        fresh = drawing.clone_state()
        try:
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self.classified = update(batches)
                for kept, new in zip(tree_leaves(self._carried), tree_leaves(forward.state), strict=True):
                    kept.copy_(torch.where(failed > 0, kept, new))
        except RuntimeError:
            drawing.graphsafe_set_state(fresh)  # the other one still takes itself to be recorded
            raise
        finally:
            forward.state = before

    def replay(self, window: Sequence[Batch]) -> None:
        """Make the update of these batches."""
        torch._foreach_copy_(self._leaves, leaves_of(window))
        if self._carried is not None and self._forward.state is not self._carried:
            for kept, new in zip(tree_leaves(self._carried), tree_leaves(self._forward.state), strict=True):
                kept.copy_(new)
        self._graph.replay()
        self._forward.state = self._carried


def _with_leaves(batch: Batch, leaves: Any) -> Batch:
    structure = batch.inputs, batch.named, batch.targets, batch.weights
    inputs, named, targets, weights = tree_unflatten(structure, leaves)
    return batch._replace(inputs=inputs, named=named, targets=targets, weights=weights)
