"""Batches whose rows weigh differently in the loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import torch

from trainwright.data.batches.base import Batch


class WeightedBatches:
    """The batches of ``batches``, each with the weights of its rows: float32 (rows,), on their device."""

    def __init__(self, batches: Any, weights: np.ndarray, device: torch.device) -> None:
        """Take the weight of each row of the data set, shape (rows,)."""
        self._batches, self._weights = batches, torch.tensor(weights, dtype=torch.float32, device=device)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    @property
    def batch_size(self) -> int:
        """Return the rows of a batch, which may be divided where memory runs out."""
        return int(self._batches.batch_size)

    @batch_size.setter
    def batch_size(self, value: int) -> None:
        self._batches.batch_size = value

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        with closing(self._batches.epoch(epoch, start)) as batches:
            for batch in batches:
                rows = torch.from_numpy(batch.rows).to(self._weights.device)
                yield batch._replace(weights=self._weights.index_select(0, rows))
