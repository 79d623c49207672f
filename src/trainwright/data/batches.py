"""The batches of any epoch from any batch on, as tensors on the device.

Built-in data are indexed as a whole: rows are gathered many batches at a time and each batch is a slice of that.
A person's own ``Dataset``, ``DataLoader`` or iterable of batches is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from trainwright.data.order import epoch_order
from trainwright.data.ragged import Ragged
from trainwright.errors import error

GATHER = 1 << 20  # token ids gathered at a time; of tensors 1/16, which stays in cache until it is used


class Batch(NamedTuple):
    """One batch: the model is called as ``model(*inputs)``. ``rows`` are row numbers in the data set, where known."""

    inputs: tuple[Any, ...]
    targets: Any
    size: int
    rows: np.ndarray | None = None


class Batches(Protocol):
    """What the loop and the evaluation read. ``rows`` and ``per_epoch`` are 0 where they cannot be known."""

    rows: int
    per_epoch: int

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of ``epoch`` from number ``start`` on."""


class Indexed:
    """Batches of arrays that are held whole.

    ``gather(rows)`` gives the columns of many rows; ``slice(columns, low, high)`` a part of them as model inputs.
    """

    def __init__(
        self,
        rows: int,
        gather: Callable[[np.ndarray], Any],
        part: Callable[[Any, int, int], tuple[tuple[Any, ...], Any]],
        *,
        batch_size: int,
        seed: int | None,
        per_gather: int,
    ) -> None:
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self.per_epoch = -(-rows // batch_size)
        self._gather, self._part = gather, part
        self._per_gather = max(per_gather // batch_size, 1) * batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Shuffled by (seed, epoch); in file order where the seed is None."""
        order = np.arange(self.rows) if self.seed is None else epoch_order(self.rows, self.seed, epoch)
        for first in range(start * self.batch_size, self.rows, self._per_gather):
            rows = order[first : first + self._per_gather]
            columns = self._gather(rows)
            for low in range(0, len(rows), self.batch_size):
                high = min(low + self.batch_size, len(rows))
                inputs, targets = self._part(columns, low, high)
                yield Batch(inputs, targets, high - low, rows[low:high])


def ragged_batches(texts: Ragged, targets: np.ndarray, *, batch_size: int, seed: int | None, device: torch.device) -> Indexed:
    """Batches of token rows: inputs are (values, offsets) or (values, offsets, weights), targets int64 class numbers."""

    def gather(rows: np.ndarray) -> tuple[Any, ...]:
        taken = texts.take(rows)
        weights = None if taken.weights is None else torch.from_numpy(taken.weights)
        return torch.from_numpy(taken.values), taken.offsets, weights, torch.from_numpy(targets[rows])

    def part(columns: tuple[Any, ...], low: int, high: int) -> tuple[tuple[Any, ...], Any]:
        values, offsets, weights, classes = columns
        first, last = offsets[low], offsets[high]
        starts = torch.from_numpy((offsets[low:high] - first).astype(np.int32))
        inputs = [values[first:last], starts] + ([] if weights is None else [weights[first:last]])
        if device.type != "cpu":
            return tuple(each.to(device) for each in inputs), classes[low:high].to(device)
        return tuple(inputs), classes[low:high]

    mean = max(len(texts.values) // max(len(texts), 1), 1)
    return Indexed(len(texts), gather, part, batch_size=batch_size, seed=seed, per_gather=GATHER // mean)


def tensor_batches(
    inputs: Sequence[Tensor], targets: Tensor, *, batch_size: int, seed: int | None, device: torch.device
) -> Indexed:
    """Batches of tensors with equal first dimensions, which are moved to the device once."""
    columns = [each.to(device) for each in (*inputs, targets)]

    def gather(rows: np.ndarray) -> list[Tensor]:
        index = torch.from_numpy(rows).to(device)
        return [each.index_select(0, index) for each in columns]

    def part(taken: list[Tensor], low: int, high: int) -> tuple[tuple[Any, ...], Any]:
        *parts, classes = [each[low:high] for each in taken]
        return tuple(parts), classes

    width = max(sum(each[:1].numel() for each in columns), 1)
    return Indexed(len(targets), gather, part, batch_size=batch_size, seed=seed, per_gather=GATHER // 16 // width)


class Items:
    """Batches of a map-style ``Dataset``: items are fetched in our order and put together by torch's ``default_collate``."""

    def __init__(self, dataset: Dataset[Any], *, batch_size: int, seed: int | None, device: torch.device) -> None:
        self.dataset, self.batch_size, self.seed, self.device = dataset, batch_size, seed, device
        self.rows = len(dataset)  # type: ignore[arg-type]
        self.per_epoch = -(-self.rows // batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Shuffled by (seed, epoch); in the data set's order where the seed is None."""
        order = np.arange(self.rows) if self.seed is None else epoch_order(self.rows, self.seed, epoch)
        fetch = getattr(self.dataset, "__getitems__", None)
        for first in range(start * self.batch_size, self.rows, self.batch_size):
            rows = order[first : first + self.batch_size]
            items = fetch(rows.tolist()) if fetch else [self.dataset[int(row)] for row in rows]
            yield as_batch(default_collate(items), self.device, rows)


class Loader:
    """Batches of a ``DataLoader`` or any iterable of batches that can be gone through again each epoch."""

    def __init__(self, batches: Any, device: torch.device) -> None:
        if iter(batches) is batches:
            raise error("E602")
        self.batches, self.device = batches, device
        self.per_epoch = len(batches) if hasattr(batches, "__len__") else 0
        self.rows = len(batches.dataset) if isinstance(getattr(batches, "dataset", None), Sequence) else 0

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The loader's own batches in its own order; those before ``start`` are drawn and passed over."""
        for number, batch in enumerate(self.batches):
            if number >= start:
                yield as_batch(batch, self.device)


def as_batch(batch: Any, device: torch.device, rows: np.ndarray | None = None) -> Batch:
    """A batch of the person's own: (input, ..., target), all moved to the device. Raises E603 for any other shape."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise error("E603", found=type(batch).__name__)
    *inputs, targets = (_to(each, device) for each in batch)
    return Batch(tuple(inputs), targets, len(targets), rows)


def _to(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value).to(device)
    if isinstance(value, Mapping):
        return {key: _to(each, device) for key, each in value.items()}
    return value


def any_batches(data: Any, *, batch_size: int, seed: int | None, device: torch.device) -> Batches:
    """Batches of whatever a person has: a tuple of tensors or arrays, a ``Dataset``, a ``DataLoader``, an iterable of batches.

    Raises:
        ModelError: E601 for data of another kind, E602 for an iterator that would be used up after one epoch,
            E603 for batches that are no tuples, E604 for arrays of different lengths.
    """
    if isinstance(data, tuple | list) and len(data) >= 2 and all(isinstance(each, Tensor | np.ndarray) for each in data):
        *inputs, targets = (each if isinstance(each, Tensor) else torch.from_numpy(each) for each in data)
        lengths = [len(each) for each in (*inputs, targets)]
        if len(set(lengths)) > 1:
            raise error("E604", lengths=", ".join(map(str, lengths)))
        return tensor_batches(inputs, targets, batch_size=batch_size, seed=seed, device=device)
    if isinstance(data, DataLoader):
        return Loader(data, device)
    if isinstance(data, Dataset) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return Items(data, batch_size=batch_size, seed=seed, device=device)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | Mapping):
        return Loader(data, device)
    raise error("E601", found=type(data).__name__)
