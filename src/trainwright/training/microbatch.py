"""When a device runs out of memory: the same batch in smaller parts, whose gradients add up to its own."""

from __future__ import annotations

import torch
from torch import nn

from trainwright.data.batches.base import Batch, Batches
from trainwright.errors import error
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Note


def split_batches(learner: Learner, train: Batches, first: Batch, state: State) -> Note:
    """Divide the batches of ``train`` by the smallest factor that leaves none over; the iterator in use has to be made anew.

    ``first`` is one of the batches that did not fit. Raise E504 where they cannot be cut.
    """
    for parameter in learner.parameters:
        parameter.grad = None
    if learner.forward.is_stateful(first):
        raise error("E504", what="a batch, which cannot be cut: the model carries a state for each of its rows")
    if not train.batch_size:
        raise error("E504", what="a batch, which cannot be cut: it comes as it is")
    if train.batch_size == 1:
        raise error("E504", what="a single row")
    factor = next(each for each in range(2, train.batch_size + 1) if train.batch_size % each == 0)
    train.batch_size //= factor
    state.batch, state.microbatches = state.batch * factor, state.microbatches * factor
    why = f"memory ran out; {state.microbatches} of them make a batch, the updates stay as they were asked for"
    if any(isinstance(each, nn.modules.batchnorm._BatchNorm) and each.training for each in learner.model.modules()):
        why += ", but batch norm sees fewer rows at a time"
    return Note("micro-batch", f"{train.batch_size} rows", why)


def release(device: torch.device) -> None:
    """Give back what torch keeps for itself: pieces of the old sizes are of no use to smaller batches."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
