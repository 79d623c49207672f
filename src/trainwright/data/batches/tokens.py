"""Batches of a stream of tokens for language models: each token as input, and the one after it as target.

Every batch has the same shape; where the stream does not fill it, targets are ``IGNORED`` and count nowhere. A stream of N
tokens has N - 1 targets: its first token is context only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from trainwright.data.batches.base import Batch, to_device
from trainwright.data.batches.shuffle import epoch_order

IGNORED = -100  # torch's own number for targets that do not count


class Lanes:
    """The stream cut into ``batch_size`` lanes that run side by side, ``context`` tokens a batch, so that the state of a
    model goes on from batch to batch. Always in the same order."""

    def __init__(self, ids: np.ndarray, *, batch_size: int, context: int, device: torch.device) -> None:
        self.ids, self.batch_size, self.context, self.device = ids, batch_size, context, device
        self.rows = len(ids) - 1
        self.length = -(-self.rows // batch_size)
        self.per_epoch = -(-self.length // context)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches from number ``start`` on."""
        firsts = np.arange(self.batch_size) * self.length
        for number in range(start, self.per_epoch):
            low = number * self.context
            width = min(self.context, self.length - low)
            ends = np.minimum(firsts + self.length, self.rows)
            yield _batch(self.ids, firsts + low, width, np.clip(ends - firsts - low, 0, width), self.device)


class Windows:
    """The stream cut into windows of ``context`` tokens that stand alone, in an order that follows from (seed, epoch).

    Each epoch cuts at other places: the first window is shortened by a number of tokens that follows from them too.
    """

    def __init__(self, ids: np.ndarray, *, batch_size: int, context: int, seed: int, device: torch.device) -> None:
        self.ids, self.batch_size, self.seed, self.device = ids, batch_size, seed, device
        self.rows = len(ids) - 1
        self.context = min(context, self.rows)
        # A shifted cut may add a window: the number of batches is that of most epochs.
        whole, rest = divmod(self.rows, self.context)
        self.per_epoch = -(-(whole + 1 + (2 * rest > self.context)) // batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of ``epoch`` from number ``start`` on."""
        shift = int(epoch_order(self.context, self.seed, epoch)[0])
        edges = np.concatenate([[0], np.arange(shift or self.context, self.rows, self.context), [self.rows]])
        order = epoch_order(len(edges) - 1, self.seed, epoch)
        for low in range(start * self.batch_size, len(order), self.batch_size):
            chosen = order[low : low + self.batch_size]
            lengths = edges[chosen + 1] - edges[chosen]
            yield _batch(self.ids, edges[chosen], self.context, lengths, self.device)


class WindowDataset(Dataset[tuple[Tensor, Tensor]]):
    """Windows one by one, as ``evaluation_windows`` has them: ids and targets int64 (width,), every target exactly once."""

    def __init__(self, ids: np.ndarray, width: int, warm: int = 0) -> None:
        self._ids, self._rows = ids, len(ids) - 1
        self._width = min(width, self._rows)
        self._warm = min(warm, self._width - 1)

    def __len__(self) -> int:
        return -(-max(self._rows - self._warm, 1) // (self._width - self._warm))

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        first = range(len(self))[row] * (self._width - self._warm)  # raises where there is no such window
        lengths = np.array([min(self._rows - first, self._width)])
        (ids,), targets, *_ = _batch(self._ids, np.array([first]), self._width, lengths, torch.device("cpu"))
        targets[:, : self._warm if first else 0] = IGNORED
        return ids[0], targets[0]


def evaluation_windows(ids: np.ndarray, *, batch_size: int, width: int, warm: int, device: torch.device) -> Iterator[Batch]:
    """Yield every target of the stream exactly once, whatever the batch size: overlapping windows of ``width`` tokens.

    The first window counts in full; each after it reads ``warm`` tokens before those that it counts, so that no token is
    judged without context. How the windows are batched changes nothing.
    """
    rows = len(ids) - 1
    width = min(width, max(rows, 1))
    warm = min(warm, width - 1)
    firsts = np.arange(0, max(rows - warm, 1), width - warm)
    for low in range(0, len(firsts), batch_size):
        chosen = firsts[low : low + batch_size]
        batch = _batch(ids, chosen, width, np.minimum(rows - chosen, width), device)
        skipped = to_device(torch.from_numpy(chosen > 0), device)[:, None] & (
            torch.arange(width, device=device)[None, :] < warm
        )
        yield batch._replace(targets=batch.targets.masked_fill(skipped, IGNORED))


def _batch(ids: np.ndarray, firsts: np.ndarray, width: int, lengths: np.ndarray, device: torch.device) -> Batch:
    """Return ids and targets (batch, width) of the windows that begin at ``firsts`` and have ``lengths`` targets each."""
    places = firsts[:, None] + np.arange(width + 1)[None, :]
    taken = to_device(torch.from_numpy(np.asarray(ids[np.minimum(places, len(ids) - 1)], np.int64)), device)
    targets: Tensor = taken[:, 1:]
    if int(lengths.min()) < width:
        beyond = torch.arange(width)[None, :] >= torch.from_numpy(np.asarray(lengths, np.int64))[:, None]
        targets = targets.masked_fill(to_device(beyond, device), IGNORED)
    return Batch((taken[:, :-1].contiguous(),), targets, int(lengths.sum()), None)
