"""Loaders for a loop of one's own: each batch is a tuple (input, ..., targets)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from trainwright.data.batches.base import Batches

Loader = DataLoader[Any]  # by this name for those who hand loaders on and import no torch


class BatchStream(IterableDataset[tuple[Tensor, ...]]):
    """The training batches of one epoch after the other: those of the next one each time that it is gone through."""

    def __init__(self, batches: Batches) -> None:
        self._batches, self._next = batches, 0

    def __len__(self) -> int:
        return self._batches.per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Go on with this epoch, counted from 0."""
        self._next = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        epoch, self._next = self._next, self._next + 1
        for batch in self._batches.epoch(epoch):
            yield *batch.inputs, batch.targets


def epochs_loader(batches: Batches) -> Loader:
    """Return a loader that gives the batches of the next epoch each time that it is gone through."""
    return DataLoader(BatchStream(batches), batch_size=None, generator=torch.Generator())


def ordered_loader(dataset: Dataset[Any], batch_size: int) -> Loader:
    """Return a loader of the items of a data set in order."""
    # With a generator of its own it does not draw from the global random state.
    return DataLoader(dataset, batch_size, collate_fn=getattr(dataset, "collate", None), generator=torch.Generator())
