"""Batches of token rows: gathered many batches at a time, of which each batch is a slice; and texts one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from trainwright.data.batches.base import GATHER_TOKENS, Indexed
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
        cut = slice(taken.offsets[low], taken.offsets[high])
        weights = None if taken.weights is None else taken.weights[cut]
        batch = Ragged(taken.values[cut], taken.offsets[low : high + 1] - taken.offsets[low], weights)
        arrays = batch.values, batch.offsets[:-1].astype(np.int32), *([] if weights is None else [weights])
        inputs = tuple(torch.from_numpy(each).to(device) for each in arrays)
        return inputs, classes[low:high].to(device), {"transposed": batch.transposed(transposed)} if transposed else None

    per_gather = GATHER_TOKENS // max(len(texts.values) // max(len(texts), 1), 1)
    in_advance = device.type == "cpu"  # what a thread puts on another device may not be ready for this one
    return Indexed(len(texts), gather, part, batch_size=batch_size, seed=seed, per_gather=per_gather, in_advance=in_advance)


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
        (ids, *weights), targets = list(zip(*items, strict=True))[:-1], torch.stack([item[-1] for item in items])
        ends = torch.tensor([len(each) for each in ids]).cumsum(0)
        offsets = torch.cat([ends.new_zeros(1), ends[:-1]]).to(torch.int32)
        return torch.cat(ids), offsets, *(torch.cat(each) for each in weights), targets
