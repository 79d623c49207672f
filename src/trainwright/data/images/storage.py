"""From the files of a data set to pixels: the size that their headers say, and where the pixels are kept.

That is in memory, decoded once by all cores, or in the files where they are too many for that; either way the same is learned.
A picture that cannot be used is named, before training, and the others go on. Pictures that took long to decode are cached
under the digests of their files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from trainwright.data.files import cache
from trainwright.data.images.decode import decode_file, quiet, read_header, reshape
from trainwright.data.images.headers import Unusable
from trainwright.data.images.pictures import READERS, Pictures, Progress, cores, for_each_row, sums_of
from trainwright.errors import error
from trainwright.memory import available
from trainwright.watch.events import Listener, Note, ignore

SIDES = (8, 16, 24, 28, 32, 48, 64, 96, 128, 160, 192, 224)  # derived sizes: those that convolutions can halve, and MNIST's
LARGEST = 256  # side of a square: if all pictures have one size with no more pixels than this, they keep it
MOST_BYTES = 4 << 30  # of pixels in memory; and never more than half of the available memory
CACHED_FILES = 2000  # fewer files are decoded about as fast as they are read from the cache


@dataclass(frozen=True)
class ImageSizes:
    """What the headers say: the derived size (height, width), channels, and the reasons (what, value, why)."""

    size: tuple[int, int]
    channels: int
    notes: list[Note]


@dataclass(frozen=True)
class Files:
    """Pictures that stay in their files and are decoded whenever they are needed."""

    paths: list[Path | bytes]
    size: tuple[int, int]
    channels: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: np.ndarray) -> Files:
        """Return these rows, by index or by mask."""
        return Files([self.paths[place] for place in np.arange(len(self))[rows].tolist()], self.size, self.channels)

    def read(self, rows: Iterable[int]) -> np.ndarray:
        """Return the pixels of these rows: uint8, shape (rows, channels, height, width). Raise E270 for a damaged file."""
        found = []
        with quiet():
            for row in rows:
                try:
                    found.append(decode_file(self.paths[row], self.size, self.channels))
                except Unusable as problem:
                    path = self.paths[row]
                    raise error(
                        "E270", path=f"image {row + 1:,}" if isinstance(path, bytes) else path, why=problem
                    ) from problem
        return np.stack(found) if found else np.empty((0, self.channels, *self.size), np.uint8)


Inputs = np.ndarray | Files


@dataclass
class Stored:
    """The usable pictures of a part, and what a network is fed from."""

    pictures: Pictures  # with ``rejected`` complete; ``pixels`` are None where ``inputs`` are files
    inputs: Inputs  # uint8, shape (rows, channels, height, width), or files
    sums: np.ndarray | None = None  # of each picture, from ``sums_of``: int64, shape (rows, channels, 2); None with pixels
    keep: Callable[[], str | None] = lambda: None  # puts the pixels into the cache, and returns why it cannot


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


def fit_in_memory(parts: Iterable[Pictures], size: tuple[int, int], channels: int) -> bool:
    """Return whether the pixels of all parts fit in memory at once; those that are arrays already are in it.

    Raise DataError E275 for arrays that are to be brought to a size at which they cannot be.
    """
    parts, most = list(parts), min(MOST_BYTES, available() // 2)
    resized = [part for part in parts if part.pixels is not None and part.pixels.shape[1:] != (channels, *size)]
    if (wanted := sum(bytes_needed(part, size, channels) for part in resized)) > most:
        raise error("E275", size=f"{size[0]} x {size[1]}", wanted=f"{wanted / 2**30:.1f}", most=f"{most / 2**30:.1f}")
    return sum(bytes_needed(part, size, channels) for part in parts if part.pixels is None) <= most


def store(
    pictures: Pictures,
    size: tuple[int, int],
    channels: int,
    in_memory: bool,
    progress: Progress | None = None,
    listen: Listener = ignore,
) -> Stored:
    """Decode pictures to this size, or scan them and leave them in files; those that cannot be used are in ``rejected``.

    ``progress(done, total)`` is called meanwhile, ``listen`` where the cache is damaged. Raise SourceError E142.
    """
    if not in_memory and pictures.paths is not None and pictures.pixels is None:
        return _scan(pictures, size, channels, progress)
    key = ""
    if pictures.paths is not None and len(pictures) >= CACHED_FILES:
        key = cache.fingerprint("".join(pictures.keys), {"size": size, "channels": channels})
        if (found := cache.load(key, listen)) and found[1]["pixels"].shape == (len(pictures), channels, *size):
            pictures.pixels = np.require(found[1]["pixels"], requirements="W")
            return Stored(pictures, pictures.pixels)
    decoded = decode(pictures, size, channels, progress)
    assert decoded.pixels is not None
    stored = Stored(decoded, decoded.pixels)
    if key and len(decoded) == len(pictures):  # the cache cannot hold the reasons for others
        stored.keep = partial(cache.save, key, pictures.file, {}, {"pixels": decoded.pixels})
    return stored


def _scan(pictures: Pictures, size: tuple[int, int], channels: int, progress: Progress | None) -> Stored:
    """Decode every file once, for its sums and to find those that cannot be decoded."""
    paths = pictures.paths or []

    def sums(row: int) -> np.ndarray:
        return sums_of(decode_file(paths[row], size, channels)[None])

    found, bad = for_each_row(sums, len(paths), cores(), progress)
    pictures.remove(bad)
    return Stored(pictures, Files(pictures.paths or [], size, channels), np.array([each for each in found if each is not None]))
