"""Batches of token rows, also beside arrays: gathered many batches at a time, of which each batch is a slice; and rows one by
one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from trainwright.data.batches.alignment import aligned
from trainwright.data.batches.base import GATHER_TOKENS, Indexed, to_device
from trainwright.data.text.ragged import Ragged


def ragged_batches(
    texts: Ragged, targets: np.ndarray, *, batch_size: int, seed: int | None, device: torch.device, transposed: int = 0
) -> Indexed:
    """Return batches of token rows: inputs are (values, offsets) or (values, offsets, weights), targets int64 classes.

    ``transposed``: how many ids there are, where a model wants each batch from their side too, as ``transposed``; else 0.
    """

    def gather(rows: np.ndarray) -> tuple[Ragged, Tensor]:
        return texts.take(rows), torch.from_numpy(targets[rows])

    def part(columns: tuple[Ragged, Tensor], low: int, high: int) -> tuple[tuple[Any, ...], Any, dict[str, Any] | None]:
        taken, classes = columns
        batch = _cut(taken, low, high)
        named = {"transposed": batch.transposed(transposed)} if transposed else None
        return _tensors(batch, device), aligned(to_device(classes[low:high], device)), named

    return _indexed(len(texts), len(texts.values), gather, part, batch_size=batch_size, seed=seed, device=device)


def mixed_batches(
    arrays: Sequence[np.ndarray],
    texts: Sequence[Ragged],
    targets: np.ndarray,
    *,
    batch_size: int,
    seed: int | None,
    device: torch.device,
) -> Indexed:
    """Return batches of rows that have texts: inputs are the rows of each array, then (values, offsets, weights) a text."""

    def gather(rows: np.ndarray) -> tuple[list[Tensor], list[Ragged]]:
        return [torch.from_numpy(each[rows]) for each in (*arrays, targets)], [each.take(rows) for each in texts]

    def part(columns: tuple[list[Tensor], list[Ragged]], low: int, high: int) -> tuple[tuple[Any, ...], Any, None]:
        *plain, classes = (aligned(to_device(each[low:high], device)) for each in columns[0])
        return (*plain, *(_tensors(_cut(each, low, high), device) for each in columns[1])), classes, None

    values = sum(len(each.values) for each in texts) + sum(each.size for each in arrays)
    return _indexed(len(targets), values, gather, part, batch_size=batch_size, seed=seed, device=device)


def _indexed(rows: int, values: int, *parts: Any, batch_size: int, seed: int | None, device: torch.device) -> Indexed:
    """Return batches of rows with so many values in all, of which about as many are gathered at a time as stay in cache."""
    per_gather = GATHER_TOKENS // max(values // max(rows, 1), 1)
    in_advance = device.type == "cpu"  # what a thread puts on another device may not be ready for this one
    return Indexed(rows, *parts, batch_size=batch_size, seed=seed, per_gather=per_gather, in_advance=in_advance)


def _cut(texts: Ragged, low: int, high: int) -> Ragged:
    """Return rows that stand side by side."""
    cut = slice(texts.offsets[low], texts.offsets[high])
    weights = None if texts.weights is None else texts.weights[cut]
    return Ragged(texts.values[cut], texts.offsets[low : high + 1] - texts.offsets[low], weights)


def _tensors(texts: Ragged, device: torch.device) -> tuple[Tensor, ...]:
    """Return values and where each row begins, as ``EmbeddingBag`` takes them, and weights where there are some.

    Weights may lie anywhere: each is multiplied by itself.
    """
    arrays = texts.values, texts.offsets[:-1].astype(np.int32), *([] if texts.weights is None else [texts.weights])
    return tuple(to_device(torch.from_numpy(each), device) for each in arrays)


class TextDataset(Dataset[tuple[Tensor, ...]]):
    """Texts one by one: token ids int32 (tokens,); where they have weights, these float32 (tokens,); and its class int64."""

    def __init__(self, texts: Ragged, targets: np.ndarray) -> None:
        self._texts, self._targets = texts, targets

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, row: int) -> tuple[Tensor, ...]:
        target = torch.tensor(self._targets[row])  # raises where there is no such row
        first, end = self._texts.offsets[range(len(self))[row] :][:2]
        columns = [self._texts.values, *([] if self._texts.weights is None else [self._texts.weights])]
        return *(torch.tensor(each[first:end]) for each in columns), target

    @staticmethod
    def collate(items: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """Return texts as a batch as ``EmbeddingBag`` takes it: values (tokens,), offsets int32 (batch,), weights, classes."""
        return *_joined([item[:-1] for item in items]), torch.stack([item[-1] for item in items])


class MixedDataset(Dataset[tuple[Any, ...]]):
    """Rows with texts one by one: the row of each array; ids int32 and weights float32, both (tokens,), a text; its target."""

    def __init__(self, arrays: Sequence[np.ndarray], texts: Sequence[Ragged], targets: np.ndarray) -> None:
        self._arrays = [torch.tensor(each) for each in (*arrays, targets)]
        self._texts = [TextDataset(each, targets) for each in texts]

    def __len__(self) -> int:
        return len(self._arrays[-1])

    def __getitem__(self, row: int) -> tuple[Any, ...]:
        *arrays, target = (each[row] for each in self._arrays)
        return *arrays, *(each[row][:-1] for each in self._texts), target

    @staticmethod
    def collate(items: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return rows as a batch, the texts of a column as (values (tokens,), offsets int32 (batch,), weights)."""
        columns = zip(*items, strict=True)
        return tuple(_joined(each) if isinstance(each[0], tuple) else torch.stack(each) for each in columns)


def _joined(texts: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Return texts, each its ids and perhaps their weights, one after the other: values, offsets, weights."""
    ids, *weights = zip(*texts, strict=True)
    ends = torch.tensor([len(each) for each in ids]).cumsum(0)
    offsets = torch.cat([ends.new_zeros(1), ends[:-1]]).to(torch.int32)
    return torch.cat(ids), offsets, *(torch.cat(each) for each in weights)
