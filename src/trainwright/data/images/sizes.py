"""Derive the size of pictures from their headers, and decode them to that size.

A picture is decoded once, by all cores; one that cannot be used is named and the others go on; memory is taken for the result
and for one picture a core.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from trainwright.data.images.decode import decode_file, read_header, reshape
from trainwright.data.images.pictures import READERS, Pictures, Progress, cores, for_each_row
from trainwright.watch.events import Note

SIDES = (8, 16, 24, 28, 32, 48, 64, 96, 128, 160, 192, 224)  # derived sizes: those that convolutions can halve, and MNIST's
LARGEST = 256  # side of a square: if all pictures have one size with no more pixels than this, they keep it


@dataclass(frozen=True)
class ImageSizes:
    """What the headers say: the derived size (height, width), channels, and the reasons (what, value, why)."""

    size: tuple[int, int]
    channels: int
    notes: list[Note]


def measure_sizes(parts: Iterable[Pictures]) -> ImageSizes:
    """Read the header of every picture. Those that cannot be used are removed, in place, into ``rejected``.

    The first part is the training split: size and channels are derived from it alone. Raise E142 where no picture of a part
    can be used.
    """
    headers = [_read_headers(part) for part in parts]
    size, size_note = _size(headers[0][:, :2])
    grey = int((headers[0][:, 2] == 1).sum())
    total = len(headers[0])
    channels = 1 if grey == total else 3
    why = "every picture is grey" if channels == 1 else f"{total - grey:,} of {total:,} pictures are in colour"
    return ImageSizes(size, channels, [size_note, Note("channels", str(channels), why)])


def decode(pictures: Pictures, size: tuple[int, int], channels: int, progress: Progress | None = None) -> Pictures:
    """Return the pictures with ``pixels`` of this size (height, width); those that cannot be used are in its ``rejected``.

    ``progress(done, rows)`` is called on the way, in this thread. Raise E142 where no picture can be used.
    """
    if pictures.pixels is not None and pictures.pixels.shape[1:] == (channels, *size):
        return pictures
    pixels = np.empty((len(pictures), channels, *size), np.uint8)

    def decode_row(row: int) -> None:
        if pictures.pixels is not None:
            pixels[row] = reshape(pictures.pixels[row], size, channels)
        elif pictures.paths is not None:
            pixels[row] = decode_file(pictures.paths[row], size, channels)

    _, bad = for_each_row(decode_row, len(pictures), cores(), progress)
    decoded = replace(pictures, pixels=pixels, rejected=list(pictures.rejected), notes=list(pictures.notes))
    decoded.remove(bad)
    return decoded


def bytes_needed(pictures: Pictures, size: tuple[int, int], channels: int) -> int:
    """Return how many bytes the pixels of these pictures take at this size."""
    return len(pictures) * channels * size[0] * size[1]


def _read_headers(pictures: Pictures) -> np.ndarray:
    """Return width, height and channels of each usable picture: int64, shape (rows, 3). Remove the others, in place."""
    if pictures.pixels is not None:
        channels, height, width = pictures.pixels.shape[1:]
        return np.tile(np.array([width, height, channels]), (len(pictures), 1))
    paths = pictures.paths or []
    found, bad = for_each_row(lambda row: read_header(paths[row]), len(paths), READERS)
    pictures.remove(bad)
    return np.array([header for header in found if header])


def _size(sizes: np.ndarray) -> tuple[tuple[int, int], Note]:
    """Derive (height, width) from the widths and heights of the pictures, shape (rows, 2), and say why."""
    width, height = (int(side) for side in sizes[0])
    alike = bool((sizes == sizes[0]).all())
    if alike and width * height <= LARGEST**2:
        return (height, width), Note("size", f"{height} x {width}", "every picture has this height and width")
    median = int(np.median(sizes.min(axis=1)))
    side = max((side for side in SIDES if side <= median), default=SIDES[0])
    most = f"half of the pictures are {median} or more on their shorter side"
    have = f"every picture has {height} x {width}" if alike else most
    why = f"{have}; {side} is the next side below that is usual" if side < median else have
    return (side, side), Note("size", f"{side} x {side}", why)
