"""Batches of any epoch from any batch number on, as tensors on the device.

Data held whole are indexed: rows are gathered many batches at a time and each batch is a slice of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trainwright.data.batches.alignment import aligned
from trainwright.data.batches.pytree import tree_leaves, tree_unflatten
from trainwright.data.batches.shuffle import epoch_order
from trainwright.data.files.spool import prefetch

Device = torch.device  # by this name for those who make batches and import no torch
GATHER_TOKENS = 1 << 20  # gathered at a time; of the values of tensors 1/16, which stay in cache until they are used
PINNED_BYTES = 1 << 16  # from which on CUDA would wait for memory that may be moved
FIRST_BATCHES = 8  # batches that are gathered first, which training waits for


class Batch(NamedTuple):
    """One batch: the model is called as ``model(*inputs)``, or ``model(*inputs, **named)`` where some have names.

    ``rows`` are row numbers in the data set, where known; ``weights``, float32 (rows,), what each counts in the loss of
    training, where that differs. Floats that a kernel sums are ``aligned``, wherever the data lie.
    """

    inputs: tuple[Any, ...]
    targets: Any
    size: int
    rows: np.ndarray | None = None
    named: dict[str, Any] | None = None
    weights: Tensor | None = None


class Batches(Protocol):
    """The batches that the training loop and evaluation read. ``rows`` and ``per_epoch`` are 0 where they cannot be known.

    ``batch_size`` may be divided between two epochs' iterators where memory runs out: the same rows come in the same order,
    in more batches. It is 0 where batches come as they are. ``per_epoch`` counts those of the size that was asked for.
    """

    rows: int
    per_epoch: int
    batch_size: int

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of ``epoch`` from number ``start`` on."""


class Indexed:
    """Batches of arrays held whole.

    ``gather(rows)`` returns the columns of many rows; ``part(columns, low, high)`` a part of them as inputs, targets and named
    inputs. With ``in_advance`` another thread makes the next batches while these are used.
    """

    def __init__(
        self,
        rows: int,
        gather: Callable[[np.ndarray], Any],
        part: Callable[[Any, int, int], tuple[tuple[Any, ...], Any, dict[str, Any] | None]],
        *,
        batch_size: int,
        seed: int | None,
        per_gather: int,
        in_advance: bool = False,
    ) -> None:
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self.per_epoch = -(-rows // batch_size)
        self._gather, self._part, self._in_advance = gather, part, in_advance
        self._per_gather = max(per_gather // batch_size, 1) * batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches, shuffled by (seed, epoch); in file order where the seed is None."""
        order = epoch_order(self.rows, self.seed, epoch)
        made = (list(self._batches(order[low:high])) for low, high in pairwise(self._bounds(start * self.batch_size)))
        for batches in prefetch(made) if self._in_advance else made:
            yield from batches

    def take(self, rows: np.ndarray) -> Batch:
        """Return the rows of these numbers as one batch."""
        inputs, targets, named = self._part(self._gather(rows), 0, len(rows))
        return Batch(inputs, targets, len(rows), rows, named)

    def _bounds(self, first: int) -> Iterator[int]:
        """Yield the bounds of the gathered runs of rows: short ones first, since training waits for them, then longer ones."""
        width = min(FIRST_BATCHES * self.batch_size, self._per_gather) if self._in_advance else self._per_gather
        while first < self.rows:
            yield first
            first, width = first + width, min(2 * width, self._per_gather)
        yield self.rows

    def _batches(self, rows: np.ndarray) -> Iterator[Batch]:
        columns = self._gather(rows)
        for low in range(0, len(rows), self.batch_size):
            high = min(low + self.batch_size, len(rows))
            inputs, targets, named = self._part(columns, low, high)
            yield Batch(inputs, targets, high - low, rows[low:high], named)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on the device, and do not wait for what the device has to do before it gets there.

    CUDA takes small ones along with the call, and the others from memory that stays in its place.
    """
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return (tensor.pin_memory() if tensor.nbytes > PINNED_BYTES else tensor).to(device, non_blocking=True)


def tensor_batches(
    inputs: Sequence[Any],
    targets: Any,
    named: dict[str, Any] | None = None,
    *,
    batch_size: int,
    seed: int | None,
    device: torch.device,
) -> Indexed:
    """Return batches of tensors, or pytrees of them, with equal first dimensions, which are moved to the device once."""
    structure = tuple(inputs), targets, named
    columns = [each.to(device) for each in tree_leaves(structure)]
    nested = named is not None or not all(isinstance(each, Tensor) for each in (*inputs, targets))

    def gather(rows: np.ndarray) -> list[Tensor]:
        index = to_device(torch.from_numpy(rows), device)
        return [each.index_select(0, index) for each in columns]

    def part(taken: list[Tensor], low: int, high: int) -> Any:
        parts = aligned([each[low:high] for each in taken])
        return tree_unflatten(structure, parts) if nested else (tuple(parts[:-1]), parts[-1], None)

    width = max(sum(each[:1].numel() for each in columns), 1)
    per_gather = GATHER_TOKENS // (16 if device.type == "cpu" else 1) // width
    return Indexed(len(columns[0]), gather, part, batch_size=batch_size, seed=seed, per_gather=per_gather)


def array_batches(
    inputs: Sequence[np.ndarray], targets: np.ndarray, *, batch_size: int, seed: int | None, device: torch.device
) -> Indexed:
    """Return ``tensor_batches`` of arrays."""
    # What polars gives may not be written to, which torch cannot promise.
    *tensors, last = (torch.from_numpy(np.require(each, requirements="W")) for each in (*inputs, targets))
    return tensor_batches(tensors, last, batch_size=batch_size, seed=seed, device=device)
