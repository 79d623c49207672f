"""Batches of token rows: gathered many batches at a time, of which each batch is a slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

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
