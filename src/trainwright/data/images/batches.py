"""Batches of pictures: gathered as bytes, then converted, augmented and normalized on the device, a batch at a time.

Pixels in memory are indexed as a whole. Pictures in files are decoded by worker processes while the batches before them
train; the results are the same.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainwright.data.batches.base import Batch, to_device
from trainwright.data.batches.shuffle import epoch_order
from trainwright.data.images.augment import Augment
from trainwright.data.images.storage import Files, Inputs
from trainwright.errors import TrainwrightError, error

# Forked workers need no imports, and a user's script needs no ``if __name__ == "__main__"``.
START = "fork" if sys.platform == "linux" else None


class ImageBatches:
    """Batches of normalized images, float32 (batch, channels, height, width); targets int64 (batch,), or ``augment``'s.

    ``mean`` and ``std`` are those of each channel. ``augment`` is None for evaluation. ``workers`` is the number of processes
    that decode files; 0 = this process.
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: np.ndarray,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        batch_size: int,
        seed: int | None,
        device: torch.device,
        augment: Augment | None = None,
        workers: int = 0,
    ) -> None:
        self.rows, self.batch_size, self.seed, self.device = len(targets), batch_size, seed, device
        self.per_epoch = -(-self.rows // batch_size)
        self.augment, self.workers = augment, workers
        self._targets = torch.tensor(targets, device=device)
        self._inputs = inputs if isinstance(inputs, Files) else _move_if_it_fits(inputs, device)
        self._scale, self._shift = (each.to(device) for each in _scale_and_shift(mean, std))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches, shuffled by (seed, epoch) and augmented by (seed, epoch, row); in order where the seed is None.

        Raise E270 and E271 for files that cannot be decoded on the way.
        """
        order = epoch_order(self.rows, self.seed, epoch)
        begins = range(start * self.batch_size, self.rows, self.batch_size)
        wanted = [order[begin : begin + self.batch_size] for begin in begins]
        with closing(self._pixels(wanted)) as pixels:
            for rows, images in zip(wanted, pixels, strict=True):
                index = to_device(torch.from_numpy(rows), self.device)
                targets = self._targets.index_select(0, index)
                if self.augment is not None:
                    images, targets = self.augment(images, targets, epoch, index)
                yield Batch((self.normalize(images),), targets, len(rows), rows)

    def normalize(self, images: Tensor) -> Tensor:
        """Return ``(images / 255 - mean) / std``, in place after the conversion: the fastest of the ways that were measured."""
        return _normalized(images, self._scale, self._shift)

    def _pixels(self, wanted: Sequence[np.ndarray]) -> Generator[Tensor]:
        """Yield the pictures of each batch as they are stored: uint8, on the device."""
        if isinstance(self._inputs, Files):
            yield from (to_device(each, self.device) for each in _decode_batches(self._inputs, wanted, self.workers))
            return
        for rows in wanted:
            index = to_device(torch.from_numpy(rows), self._inputs.device)
            yield to_device(self._inputs.index_select(0, index), self.device)


class ImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """Pictures one by one, as the batches have them but for random changes: float32 (channels, height, width), and its class.

    Raise E270 for a file that cannot be decoded.
    """

    def __init__(self, inputs: Inputs, targets: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> None:
        self._inputs, self._targets = inputs, targets
        self._scale, self._shift = _scale_and_shift(mean, std)

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        target = torch.tensor(self._targets[row])  # raises where there is no such row
        pixels = self._inputs.read([row])[0] if isinstance(self._inputs, Files) else self._inputs[row]
        return _normalized(torch.tensor(pixels)[None], self._scale, self._shift)[0], target


def _scale_and_shift(mean: Sequence[float], std: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return what bytes are multiplied by, and what is added then: float32, shape (1, channels, 1, 1) each."""
    means, stds = (torch.tensor(each, dtype=torch.float64).view(1, -1, 1, 1) for each in (mean, std))
    return (1 / (255 * stds)).to(torch.float32), (-means / stds).to(torch.float32)


def _normalized(images: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return images.to(torch.float32, copy=True).mul_(scale).add_(shift)


def _move_if_it_fits(array: np.ndarray, device: torch.device) -> Tensor:
    """Return the pixels on the device if they take up to half of its memory; else as they are, to be moved batch by batch."""
    pixels = torch.from_numpy(np.require(array, requirements="W"))
    if device.type == "cuda" and pixels.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return pixels
    return pixels.to(device)


class _DecodedBatches(Dataset[Any]):
    """A data set of which each item is a whole batch: its pixels, or an error, which cannot be raised across processes."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def __getitem__(self, rows: Sequence[int]) -> Tensor | TrainwrightError:
        try:
            return torch.from_numpy(self.files.read(rows))
        except TrainwrightError as problem:
            return problem


def _decode_batches(files: Files, wanted: Sequence[np.ndarray], workers: int) -> Iterator[Tensor]:
    """Yield the pixels of each batch in order. The worker processes end with the generator, however that ends."""
    loader = DataLoader(
        _DecodedBatches(files),
        batch_size=None,
        sampler=[rows.tolist() for rows in wanted],
        num_workers=min(workers, len(wanted)),
        multiprocessing_context=START if workers and wanted else None,
        generator=torch.Generator(),  # without one the loader would draw from the global random state
    )
    with warnings.catch_warnings():  # of a fork in a process with threads: the workers only decode, and start none
        warnings.filterwarnings("ignore", message=".*use of fork.*", category=DeprecationWarning)
        batches = iter(loader)
    try:
        for _ in wanted:
            try:
                found = next(batches)
            except RuntimeError as problem:
                raise error("E271", why=str(problem).splitlines()[0]) from problem
            if isinstance(found, TrainwrightError):
                raise found
            yield found
    finally:  # not left to the garbage collector, as a traceback may keep the iterator alive
        getattr(batches, "_shutdown_workers", lambda: None)()
