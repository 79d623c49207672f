"""Data of a person's own as batches: tensors or arrays held whole, a ``Dataset``, a ``DataLoader``, an iterable of batches.

A batch is a tuple (input, ..., targets), where the inputs may stand in a tuple of their own, or a dict, in which the targets
have a key and everything else is handed to the model by keyword. Data held whole have the same shape as a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import length_hint
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from trainwright.data.batches.base import Arguments, Batch, Batches, tensor_batches
from trainwright.data.batches.pytree import count, filled, leaves, mapped
from trainwright.data.batches.shuffle import epoch_order
from trainwright.errors import TrainwrightError, error, nearest

TARGETS = ("targets", "target", "labels", "label", "y")  # what the targets of a dict are usually called


class Parts(NamedTuple):
    """A batch taken apart: the model is called as ``model(*inputs, **named)``."""

    inputs: tuple[Any, ...]
    named: dict[str, Any] | None
    targets: Any


@dataclass(frozen=True)
class BatchLayout:
    """How a batch is taken apart, and what becomes of its tensors and arrays.

    Attributes:
        device: where they go.
        dtype: of floating arrays and numbers; tensors, integers and truth values keep theirs.
        target: the key of the targets in a dict; empty = one of ``TARGETS``.
    """

    takes: ClassVar[tuple[type, ...]] = (tuple, list, Mapping)  # what data held whole may be; a list has its targets last
    device: torch.device
    dtype: torch.dtype
    target: str = ""

    def parts(self, batch: Any) -> Parts:
        """Inputs and targets. Raises E603 for no tuple or dict, E610 and E611 where the targets' key cannot be told."""
        if isinstance(batch, Mapping):
            key = self._key(batch)
            return Parts((), {name: each for name, each in batch.items() if name != key}, batch[key])
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise error("E603", found=type(batch).__name__)
        if self.target:
            raise error("E611", name=self.target, keys=f"none, as it is a {type(batch).__name__}")
        return Parts(_spread(batch[:-1]), None, batch[-1])

    def _key(self, batch: Mapping[str, Any]) -> str:
        keys = ", ".join(map(str, batch))
        if self.target:
            if self.target not in batch:
                raise error("E611", name=self.target, keys=keys, hint=nearest(self.target, map(str, batch)))
            return self.target
        found = [key for key in TARGETS if key in batch]
        if len(found) != 1 or len(batch) < 2:
            raise error("E610", keys=keys)
        return found[0]

    def batch(self, batch: Any, rows: np.ndarray | None = None) -> Batch:
        """A batch on the device. Raises what ``parts`` raises, and E613."""
        inputs, named, targets = self.parts(batch)
        inputs, targets = tuple(self.move(each) for each in inputs), self.move(targets)
        if named is not None:
            named = {name: self.move(each) for name, each in named.items()}
        return Batch(inputs, targets, count((inputs, named) if targets is None else targets), rows, named)

    def move(self, value: Any) -> Any:
        """The tensors and arrays in a value as tensors on the device; anything else as it is."""
        return value.to(self.device) if isinstance(value, Tensor) else mapped(self._leaf, value)

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._tensor(value)
        return value.to(self.device) if hasattr(value, "to") else value

    def _tensor(self, array: np.ndarray) -> Tensor:
        if not array.flags.writeable or not array.dtype.isnative or min(array.strides, default=0) < 0:
            array = array.astype(array.dtype.newbyteorder("="))  # torch shares memory with no such array
        try:
            tensor = torch.from_numpy(array)
        except TypeError:
            raise error("E613", dtype=array.dtype) from None
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else None)


@dataclass(frozen=True)
class InputLayout(BatchLayout):
    """For data to predict: inputs alone, or a batch as for training, whose targets are left out.

    Attributes:
        accepts: whether the model can be called with such arguments.
        targets: whether there are targets; None = found out by what the model can be called with.
    """

    takes: ClassVar[tuple[type, ...]] = (tuple, Mapping, Tensor, np.ndarray)  # a list is one of batches
    accepts: Callable[..., bool] = lambda *inputs, **named: True
    targets: bool | None = None

    def parts(self, batch: Any) -> Parts:
        """Inputs without targets. Raises E617 where it cannot be told whether there are targets."""
        if self.targets:
            return super().parts(batch)._replace(targets=None)
        if isinstance(batch, Mapping):
            alone = Parts((), dict(batch), None)
        else:
            alone = Parts(_spread(batch) if isinstance(batch, tuple | list) else (batch,), None, None)
        if self.targets is False:
            return alone
        try:
            rest = super().parts(batch)._replace(targets=None)
        except TrainwrightError:
            return alone
        if self.target:
            return rest
        fits = [self.accepts(*each.inputs, **(each.named or {})) for each in (alone, rest)]
        if fits[0] == fits[1]:
            either = "both with all parts of a batch and" if fits[0] else "neither with all parts of a batch nor"
            raise error("E617", why=f"the model can be called {either} without what would be the targets")
        return alone if fits[0] else rest


def _spread(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The inputs of a model; a single tuple of tensors or arrays is several inputs."""
    only = inputs[0] if len(inputs) == 1 else None
    if type(only) in (tuple, list) and only and all(isinstance(each, Tensor | np.ndarray) for each in only):
        return tuple(only)
    return tuple(inputs)


class Items:
    """Batches of a map-style ``Dataset``: items are fetched in our order and put together by torch's ``default_collate``."""

    def __init__(self, dataset: Dataset[Any], layout: BatchLayout, *, batch_size: int, seed: int | None) -> None:
        self.dataset, self.layout, self.batch_size, self.seed = dataset, layout, batch_size, seed
        self.rows = len(dataset)  # type: ignore[arg-type]
        self.per_epoch = -(-self.rows // batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Shuffled by (seed, epoch); in the data set's order where the seed is None."""
        order = np.arange(self.rows) if self.seed is None else epoch_order(self.rows, self.seed, epoch)
        fetch = getattr(self.dataset, "__getitems__", None)
        for first in range(start * self.batch_size, self.rows, self.batch_size):
            rows = order[first : first + self.batch_size]
            items = fetch(rows.tolist()) if fetch else [self.dataset[int(row)] for row in rows]
            batch = default_collate(items)
            if not any(isinstance(leaf, Tensor) and leaf.dtype == torch.float64 for leaf in leaves(items[0])):
                batch = mapped(self._narrow, batch)
            yield self.layout.batch(batch, rows)

    def _narrow(self, value: Any) -> Any:
        """Of items that hold no such tensor themselves, 64 bit comes from arrays and numbers."""
        return value.to(self.layout.dtype) if isinstance(value, Tensor) and value.dtype == torch.float64 else value


class Loader:
    """Batches of a ``DataLoader`` or any iterable of batches; with ``again`` one that can be gone through each epoch."""

    batch_size = 0  # the loader's own

    def __init__(self, batches: Any, layout: BatchLayout, again: bool = True) -> None:
        """Raises E602 for an iterator that would be used up after one epoch."""
        # Asking a loader for its iterator would draw from the random state and start its workers.
        if again and not isinstance(batches, DataLoader) and iter(batches) is batches:
            raise error("E602")
        self.batches, self.layout = batches, layout
        self.per_epoch = length_hint(batches)  # 0 where it cannot be known
        self.rows = len(batches.dataset) if isinstance(getattr(batches, "dataset", None), Sequence) else 0

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The loader's own batches in its own order; those before ``start`` are drawn at once and passed over."""
        batches = iter(self.batches)
        for _ in islice(batches, start):
            pass
        return map(self.layout.batch, batches)


def any_batches(data: Any, layout: BatchLayout, *, batch_size: int, seed: int | None, again: bool = True) -> Batches:
    """Batches of whatever a person has; ``again`` when they will be gone through more than once.

    Raises:
        ModelError: E601 for data of another kind, E602 for an iterator where ``again``, E604 for arrays of different lengths,
            E612 for a tuple of tuples, and what ``layout.parts`` raises.
    """
    if isinstance(data, layout.takes) and _is_whole(data):
        return _whole(data, layout, batch_size, seed)
    if isinstance(data, DataLoader):
        return Loader(data, layout)
    if isinstance(data, IterableDataset):
        return Loader(DataLoader(data, batch_size), layout)
    if isinstance(data, Dataset) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return Items(data, layout, batch_size=batch_size, seed=seed)
    if isinstance(data, tuple) and data and all(isinstance(each, tuple | list | Mapping) for each in data):
        raise error("E612")
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | Tensor | np.ndarray):
        return Loader(data, layout, again)
    raise error("E601", found=type(data).__name__)


def _is_whole(data: Any) -> bool:
    """Whether this is data rather than a row of batches, which are no tensors themselves."""
    if not isinstance(data, tuple | list):
        return True
    return len(data) >= 2 and any(isinstance(each, Tensor | np.ndarray) for each in data)


def _whole(data: Any, layout: BatchLayout, batch_size: int, seed: int | None) -> Batches:
    for leaf in leaves(data):
        if not isinstance(leaf, Tensor | np.ndarray):
            raise error("E601", found=f"{type(data).__name__} with a {type(leaf).__name__} in it")
    inputs, named, targets = parts = mapped(layout.move, layout.parts(data))
    columns = leaves(parts)
    if any(not each.ndim for each in columns) or len({len(each) for each in columns}) > 1:
        raise error("E604", lengths=", ".join(str(len(each)) if each.ndim else "none" for each in columns))
    if named is None and all(isinstance(each, Tensor) for each in (*inputs, targets)):
        return tensor_batches(inputs, targets, batch_size=batch_size, seed=seed, device=layout.device)

    def arrange(columns: list[Tensor]) -> Arguments:
        inputs, named, targets = filled(parts, columns)
        return inputs, targets, named

    *others, last = columns
    return tensor_batches(others, last, batch_size=batch_size, seed=seed, device=layout.device, arrange=arrange)
