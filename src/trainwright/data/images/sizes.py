"""Which size pictures are given, and their decoding: headers first, pixels once.

Promises: a picture is decoded once, by all cores; one that cannot be used is named and the others go on; memory is taken
for the result and for one picture a core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from trainwright.data.images.decode import Header, decode_file, quiet, read_header, reshape
from trainwright.data.images.headers import Unusable
from trainwright.data.images.pictures import READERS, Pictures, cores, in_pieces
from trainwright.watch.events import Note

SIDES = (8, 16, 24, 28, 32, 48, 64, 96, 128, 160, 192, 224)  # derived ones: what convolutions halve well, and MNIST's
LARGEST = 256  # pictures that all have one size keep it up to this side's square of pixels


@dataclass(frozen=True)
class ImageSizes:
    """What the headers say: the derived size (height, width), channels, and the reasons (what, value, why)."""

    size: tuple[int, int]
    channels: int
    notes: list[Note]


def measure_sizes(parts: Iterable[Pictures]) -> ImageSizes:
    """Read the header of every picture. Those that cannot be used are removed, in place, into ``rejected``.

    The first part is the training split: size and channels are derived from it alone.

    Raises:
        SourceError: E142, no picture of a part can be used.
    """
    headers = [_headers(part) for part in parts]
    size, size_note = _size(headers[0][:, :2])
    grey = int((headers[0][:, 2] == 1).sum())
    total = len(headers[0])
    channels = 1 if grey == total else 3
    why = "every picture is grey" if channels == 1 else f"{total - grey:,} of {total:,} pictures are in colour"
    return ImageSizes(size, channels, [size_note, Note("channels", str(channels), why)])


def decode(
    pictures: Pictures, size: tuple[int, int], channels: int, progress: Callable[[int, int], None] | None = None
) -> Pictures:
    """The pictures with ``pixels`` of this size (height, width); those that cannot be used are in its ``rejected``.

    ``progress(done, rows)`` is called on the way, in this thread.

    Raises:
        SourceError: E142, no picture can be used.
    """
    if pictures.pixels is not None and pictures.pixels.shape[1:] == (channels, *size):
        return pictures
    pixels = np.empty((len(pictures), channels, *size), np.uint8)
    bad: dict[int, str] = {}

    def work(start: int, stop: int) -> int:
        for index in range(start, stop):
            try:
                if pictures.pixels is not None:
                    pixels[index] = reshape(pictures.pixels[index], size, channels)
                elif pictures.paths is not None:
                    pixels[index] = decode_file(pictures.paths[index], size, channels)
            except Unusable as problem:
                bad[index] = str(problem)
        return stop - start

    with quiet():
        in_pieces(work, len(pictures), cores(), progress)
    decoded = replace(pictures, pixels=pixels, rejected=list(pictures.rejected), notes=list(pictures.notes))
    decoded.remove(bad)
    return decoded


def bytes_needed(pictures: Pictures, size: tuple[int, int], channels: int) -> int:
    """What ``decode`` takes for its result."""
    return len(pictures) * channels * size[0] * size[1]


def _headers(pictures: Pictures) -> np.ndarray:
    """int64, shape (usable rows, 3): width, height, channels."""
    if pictures.pixels is not None:
        channels, height, width = pictures.pixels.shape[1:]
        return np.tile(np.array([width, height, channels]), (len(pictures), 1))
    paths = pictures.paths or []
    found: list[Header | None] = [None] * len(paths)
    bad: dict[int, str] = {}

    def work(start: int, stop: int) -> int:
        for index in range(start, stop):
            try:
                found[index] = read_header(paths[index])
            except Unusable as problem:
                bad[index] = str(problem)
        return stop - start

    with quiet():
        in_pieces(work, len(paths), READERS, None)
    pictures.remove(bad)
    return np.array([(each.width, each.height, each.channels) for each in found if each is not None], np.int64)


def _size(sizes: np.ndarray) -> tuple[tuple[int, int], Note]:
    """(height, width) for pictures of these widths and heights, shape (rows, 2), and why."""
    width, height = (int(side) for side in sizes[0])
    alike = bool((sizes == sizes[0]).all())
    if alike and width * height <= LARGEST**2:
        return (height, width), Note("size", f"{height} x {width}", "every picture has this height and width")
    median = int(np.median(sizes.min(axis=1)))
    side = max((side for side in SIDES if side <= median), default=SIDES[0])
    have = (
        f"every picture has {height} x {width}" if alike else f"half of the pictures are {median} or more on their shorter side"
    )
    why = f"{have}; {side} is the next side below that is usual" if side < median else have
    return (side, side), Note("size", f"{side} x {side}", why)
