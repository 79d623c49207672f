"""Batches of a user's own data: tensors or arrays held whole, a ``Dataset``, a ``DataLoader``, an iterable of batches.

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
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, default_collate

from trainwright.data.batches.alignment import aligned
from trainwright.data.batches.base import Batch, Indexed, tensor_batches, to_device
from trainwright.data.batches.pytree import count_rows, tree_leaves, tree_map
from trainwright.data.batches.shuffle import epoch_order
from trainwright.errors import TrainwrightError, error, nearest

TARGETS = ("targets", "target", "labels", "label", "y")  # what the targets of a dict are usually called


class Parts(NamedTuple):
    """A batch split into inputs and targets: the model is called as ``model(*inputs, **named)``."""

    inputs: tuple[Any, ...]
    named: dict[str, Any] | None
    targets: Any


@dataclass(frozen=True)
class BatchLayout:
    """How a batch is split into inputs and targets, and how its tensors and arrays are converted."""

    takes: ClassVar[tuple[type, ...]] = (tuple, list, Mapping)  # types of data held whole; a list has its targets last
    device: torch.device
    dtype: torch.dtype  # of floating arrays and numbers; tensors, integers and truth values keep theirs
    target: str = ""  # the key of the targets in a dict; empty = one of TARGETS

    def parts(self, batch: Any) -> Parts:
        """Split a batch into inputs and targets.

        Raise E603 for no tuple or dict, E610 and E611 where the targets' key cannot be told.
        """
        if isinstance(batch, Mapping):
            key = self._key(batch)
            return Parts((), {name: each for name, each in batch.items() if name != key}, batch[key])
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise error("E603", found=type(batch).__name__)
        if self.target:
            raise error("E611", name=self.target, keys=f"none, as it is a {type(batch).__name__}")
        return Parts(_unpack(batch[:-1]), None, batch[-1])

    def _key(self, batch: Mapping[str, Any]) -> str:
        keys = list(map(str, batch))
        if self.target:
            if self.target not in batch:
                raise error("E611", name=self.target, keys=keys, hint=nearest(self.target, map(str, batch)))
            return self.target
        found = [key for key in TARGETS if key in batch]
        if len(found) != 1 or len(batch) < 2:
            raise error("E610", keys=keys)
        return found[0]

    def batch(self, batch: Any, rows: np.ndarray | None = None) -> Batch:
        """Return a batch on the device. Raise what ``parts`` raises, and E613."""
        inputs, named, targets = aligned(self.move(self.parts(batch)))
        return Batch(inputs, targets, count_rows((inputs, named) if targets is None else targets), rows, named)

    def move(self, value: Any) -> Any:
        """Return a value with its tensors and arrays as tensors on the device; anything else stays."""
        return tree_map(self._move_leaf, value)

    def _move_leaf(self, leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray):
            return self._tensor(leaf)
        if isinstance(leaf, Tensor):
            return to_device(leaf, self.device)
        return leaf.to(self.device) if hasattr(leaf, "to") else leaf

    def _tensor(self, array: np.ndarray) -> Tensor:
        if not array.flags.writeable or not array.dtype.isnative or min(array.strides, default=0) < 0:
            array = array.astype(array.dtype.newbyteorder("="))  # torch shares memory with no such array
        try:
            tensor = torch.from_numpy(array)
        except TypeError:
            raise error("E613", dtype=array.dtype) from None
        return to_device(tensor.to(self.dtype) if tensor.is_floating_point() else tensor, self.device)


@dataclass(frozen=True)
class InputLayout(BatchLayout):
    """The layout of data to predict: inputs alone, or a batch as for training, whose targets are left out."""

    takes: ClassVar[tuple[type, ...]] = (tuple, Mapping, Tensor, np.ndarray)  # a list holds batches
    accepts: Callable[..., bool] = lambda *inputs, **named: True  # whether the model can be called with such arguments
    targets: bool | None = None  # whether there are targets; None = found out by what the model can be called with

    def parts(self, batch: Any) -> Parts:
        """Return the inputs without targets. Raise E617 where it cannot be told whether there are targets."""
        if self.targets:
            return super().parts(batch)._replace(targets=None)
        if isinstance(batch, Mapping):
            alone = Parts((), dict(batch), None)
        else:
            alone = Parts(_unpack(batch) if isinstance(batch, tuple | list) else (batch,), None, None)
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


@dataclass(frozen=True)
class ModelLossLayout(BatchLayout):
    """The layout of data for a model that makes its loss itself: it is called with the targets too, where there are any."""

    def parts(self, batch: Any) -> Parts:
        """Return all of a batch as inputs, and its targets beside them: None in a dict where none of ``TARGETS`` is a key."""
        if not isinstance(batch, Mapping):
            found = super().parts(batch)
            return found._replace(inputs=(*found.inputs, found.targets))
        given = [self._key(batch)] if self.target else [key for key in TARGETS if key in batch]
        return Parts((), dict(batch), batch[given[0]] if len(given) == 1 else None)


@dataclass(frozen=True)
class WholeLayout(BatchLayout):
    """The layout of data for a step of the person's own, which is handed each batch as it comes."""

    takes: ClassVar[tuple[type, ...]] = (tuple, Mapping, Tensor, np.ndarray)  # a list holds batches

    def parts(self, batch: Any) -> Parts:
        """Return the batch as the only input."""
        return Parts((batch,), None, None)


def _unpack(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Return the inputs of a model; a single tuple of tensors or arrays is several inputs."""
    only = inputs[0] if len(inputs) == 1 else None
    if type(only) in (tuple, list) and only and all(isinstance(each, Tensor | np.ndarray) for each in only):
        return tuple(only)
    return tuple(inputs)


class DatasetBatches:
    """Batches of a map-style ``Dataset``: items are fetched in our order and combined by its method ``collate``, where it has
    one, else by torch's ``default_collate``."""

    def __init__(self, dataset: Dataset[Any], layout: BatchLayout, *, batch_size: int, seed: int | None) -> None:
        self.dataset, self.layout, self.batch_size, self.seed = dataset, layout, batch_size, seed
        self.rows = len(dataset)  # type: ignore[arg-type]
        self.per_epoch = -(-self.rows // batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches, shuffled by (seed, epoch); in the data set's order where the seed is None."""
        order = epoch_order(self.rows, self.seed, epoch)
        for first in range(start * self.batch_size, self.rows, self.batch_size):
            yield self.take(order[first : first + self.batch_size])

    def take(self, rows: np.ndarray) -> Batch:
        """Return the items of these numbers as one batch."""
        fetch = getattr(self.dataset, "__getitems__", None)
        items = fetch(rows.tolist()) if fetch else [self.dataset[int(row)] for row in rows]
        batch = getattr(self.dataset, "collate", default_collate)(items)
        if not any(isinstance(leaf, Tensor) and leaf.dtype == torch.float64 for leaf in tree_leaves(items[0])):
            batch = tree_map(self._to_default_dtype, batch)
        return self.layout.batch(batch, rows)

    def _to_default_dtype(self, value: Any) -> Any:
        """Convert float64 to the layout's type: from items without such tensors it comes from arrays and numbers."""
        return value.to(self.layout.dtype) if isinstance(value, Tensor) and value.dtype == torch.float64 else value


class LoaderBatches:
    """Batches of a ``DataLoader`` or any iterable of batches; with ``again`` one that can be iterated over in each epoch."""

    batch_size = 0  # the loader's own

    def __init__(self, batches: Any, layout: BatchLayout, again: bool = True) -> None:
        """Raise E602 for an iterator that would be used up after one epoch."""
        # Asking a loader for its iterator would draw from the random state and start its workers.
        if again and not isinstance(batches, DataLoader) and iter(batches) is batches:
            raise error("E602")
        self.batches, self.layout = batches, layout
        self.per_epoch = length_hint(batches)  # 0 where it cannot be known
        known = isinstance(batches, DataLoader) and type(batches.batch_sampler) is BatchSampler
        self.rows = length_hint(batches.sampler) if known else 0
        self._in_order = known and isinstance(batches.sampler, SequentialSampler) and not batches.drop_last

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Return the loader's own batches in its own order; those before ``start`` are drawn at once and skipped.

        A data set or sampler whose order follows from the epoch is told which one begins, by its ``set_epoch``.
        """
        for part in (getattr(self.batches, name, None) for name in ("dataset", "sampler")):
            if callable(begin := getattr(part, "set_epoch", None)):
                begin(epoch)
        batches = iter(self.batches)
        for _ in islice(batches, start):
            pass
        return map(self.layout.batch, batches)

    def take(self, rows: np.ndarray) -> Batch | None:
        """Return the items of these numbers as one batch; None for what is not a loader that goes through items in order."""
        if not self._in_order:
            return None
        return self.layout.batch(self.batches.collate_fn([self.batches.dataset[int(row)] for row in rows]), rows)


# Data that may be asked for rows by their numbers, as they come where there is no seed: ``take`` is None where they cannot.
UserBatches = Indexed | DatasetBatches | LoaderBatches


def any_batches(data: Any, layout: BatchLayout, *, batch_size: int, seed: int | None, again: bool = True) -> UserBatches:
    """Return batches of whatever data a user has; ``again`` when they will be iterated over more than once.

    Raise E601 for data of another kind, E602 for an iterator where ``again``, E604 for arrays of different lengths, E612 for a
    tuple of tuples, and what ``layout.parts`` raises.
    """
    if isinstance(data, layout.takes) and _is_tensor_batches(data):
        return _tensor_batches(data, layout, batch_size, seed)
    if isinstance(data, DataLoader):
        return LoaderBatches(data, layout)
    if isinstance(data, IterableDataset):
        return LoaderBatches(DataLoader(data, batch_size), layout)
    if isinstance(data, Dataset) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return DatasetBatches(data, layout, batch_size=batch_size, seed=seed)
    if isinstance(data, tuple) and data and all(isinstance(each, tuple | list | Mapping) for each in data):
        raise error("E612")
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | Tensor | np.ndarray):
        return LoaderBatches(data, layout, again)
    raise error("E601", found=type(data).__name__)


def _is_tensor_batches(data: Any) -> bool:
    """Tell data held whole from a sequence of batches, which are no tensors themselves."""
    if not isinstance(data, tuple | list):
        return True
    if len(data) == 1 and isinstance(data, tuple):
        return isinstance(data[0], Tensor | np.ndarray)
    return len(data) >= 2 and any(isinstance(each, Tensor | np.ndarray) for each in data)


def _tensor_batches(data: Any, layout: BatchLayout, batch_size: int, seed: int | None) -> Indexed:
    for leaf in tree_leaves(data):
        if not isinstance(leaf, Tensor | np.ndarray):
            raise error("E601", found=f"{type(data).__name__} with a {type(leaf).__name__} in it")
    inputs, named, targets = parts = layout.move(layout.parts(data))
    columns = tree_leaves(parts)
    if any(not each.ndim for each in columns) or len({len(each) for each in columns}) > 1:
        raise error("E604", lengths=", ".join(str(len(each)) if each.ndim else "none" for each in columns))
    return tensor_batches(inputs, targets, named, batch_size=batch_size, seed=seed, device=layout.device)
