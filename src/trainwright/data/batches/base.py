"""The batches of any epoch from any batch on, as tensors on the device.

Data that are held whole are indexed: rows are gathered many batches at a time and each batch is a slice of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trainwright.data.batches.shuffle import epoch_order
from trainwright.data.files.spool import prefetch
from trainwright.data.text.ragged import Ragged

GATHER = 1 << 20  # token ids gathered at a time; of tensors 1/16, which stays in cache until it is used
AT_FIRST = 8  # batches
Arguments = tuple[tuple[Any, ...], Any, dict[str, Any] | None]  # inputs, targets, and inputs with a name


class Batch(NamedTuple):
    """One batch: the model is called as ``model(*inputs)``, or ``model(*inputs, **named)`` where some have names.

    ``rows`` are row numbers in the data set, where known.
    """

    inputs: tuple[Any, ...]
    targets: Any
    size: int
    rows: np.ndarray | None = None
    named: dict[str, Any] | None = None


class Batches(Protocol):
    """What the loop and the evaluation read. ``rows`` and ``per_epoch`` are 0 where they cannot be known.

    ``batch_size`` may be divided between two epochs' iterators where memory runs out: the same rows come in the same order,
    in more batches. It is 0 where batches come as they are. ``per_epoch`` counts those of the size that was asked for.
    """

    rows: int
    per_epoch: int
    batch_size: int

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of ``epoch`` from number ``start`` on."""


class Indexed:
    """Batches of arrays that are held whole.

    ``gather(rows)`` gives the columns of many rows; ``part(columns, low, high)`` a part of them as inputs, targets, and inputs
    with a name. With ``in_advance`` another thread makes the next batches while these are used.
    """

    def __init__(
        self,
        rows: int,
        gather: Callable[[np.ndarray], Any],
        part: Callable[[Any, int, int], Arguments],
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
        """Shuffled by (seed, epoch); in file order where the seed is None."""
        order = np.arange(self.rows) if self.seed is None else epoch_order(self.rows, self.seed, epoch)
        made = (list(self._batches(order[low:high])) for low, high in pairwise(self._cuts(start * self.batch_size)))
        for batches in prefetch(made) if self._in_advance else made:
            yield from batches

    def _cuts(self, first: int) -> Iterator[int]:
        """Where gathering stops and goes on: at first after few batches, which training waits for, then after many."""
        width = min(AT_FIRST * self.batch_size, self._per_gather) if self._in_advance else self._per_gather
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


def ragged_batches(
    texts: Ragged, targets: np.ndarray, *, batch_size: int, seed: int | None, device: torch.device, transposed: int = 0
) -> Indexed:
    """Batches of token rows: inputs are (values, offsets) or (values, offsets, weights), targets int64 class numbers.

    ``transposed``: how many ids there are, where a model wants each batch from their side too, as ``transposed``; else 0.
    """

    def gather(rows: np.ndarray) -> tuple[Ragged, Tensor]:
        return texts.take(rows), torch.from_numpy(targets[rows])

    def part(columns: tuple[Ragged, Tensor], low: int, high: int) -> Arguments:
        taken, classes = columns
        cut = slice(taken.offsets[low], taken.offsets[high])
        weights = None if taken.weights is None else taken.weights[cut]
        batch = Ragged(taken.values[cut], taken.offsets[low : high + 1] - taken.offsets[low], weights)
        arrays = batch.values, batch.offsets[:-1].astype(np.int32), *([] if weights is None else [weights])
        inputs = tuple(torch.from_numpy(each).to(device) for each in arrays)
        return inputs, classes[low:high].to(device), {"transposed": batch.transposed(transposed)} if transposed else None

    per_gather = GATHER // max(len(texts.values) // max(len(texts), 1), 1)
    in_advance = device.type == "cpu"  # what a thread puts on another device may not be ready for this one
    return Indexed(len(texts), gather, part, batch_size=batch_size, seed=seed, per_gather=per_gather, in_advance=in_advance)


def _as_they_come(columns: list[Tensor]) -> Arguments:
    return tuple(columns[:-1]), columns[-1], None


def tensor_batches(
    inputs: Sequence[Tensor],
    targets: Tensor,
    *,
    batch_size: int,
    seed: int | None,
    device: torch.device,
    arrange: Callable[[list[Tensor]], Arguments] = _as_they_come,
) -> Indexed:
    """Return batches of tensors with equal first dimensions, which are moved to the device once.

    ``arrange`` makes the tensors of a batch inputs, targets, and inputs with a name.
    """
    columns = [each.to(device) for each in (*inputs, targets)]

    def gather(rows: np.ndarray) -> list[Tensor]:
        index = torch.from_numpy(rows).to(device)
        return [each.index_select(0, index) for each in columns]

    def part(taken: list[Tensor], low: int, high: int) -> Arguments:
        return arrange([each[low:high] for each in taken])

    width = max(sum(each[:1].numel() for each in columns), 1)
    return Indexed(len(targets), gather, part, batch_size=batch_size, seed=seed, per_gather=GATHER // 16 // width)
