"""Where the pixels of a data set are kept: in memory, decoded once, or in their files where they are too many for that.

Either way the same is learned, and a file that cannot be used is found before training. Pictures that took long to decode are
cached under the digests of their files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainwright.data.files import cache
from trainwright.data.images.decode import decode_file, quiet
from trainwright.data.images.headers import Unusable
from trainwright.data.images.pictures import Pictures, Progress, cores, for_each_row, sums_of
from trainwright.data.images.sizes import bytes_needed, decode
from trainwright.errors import error

MOST_BYTES = 4 << 30  # of pixels in memory; and never more than half of the available memory
CACHED_FILES = 2000  # fewer files are decoded about as fast as they are read from the cache


@dataclass(frozen=True)
class Files:
    """Pictures that stay in their files and are decoded whenever they are needed."""

    paths: list[Path]
    size: tuple[int, int]
    channels: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: np.ndarray) -> Files:
        """Return these rows, by index or by mask."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Files([self.paths[place] for place in places.tolist()], self.size, self.channels)

    def read(self, rows: Iterable[int]) -> np.ndarray:
        """Return the pixels of these rows: uint8, shape (rows, channels, height, width). Raise E270 for a damaged file."""
        found = []
        with quiet():
            for row in rows:
                try:
                    found.append(decode_file(self.paths[row], self.size, self.channels))
                except Unusable as problem:
                    raise error("E270", path=self.paths[row], why=problem) from problem
        return np.stack(found) if found else np.empty((0, self.channels, *self.size), np.uint8)


Inputs = np.ndarray | Files


@dataclass
class Stored:
    """The usable pictures of a part, and what a network is fed from."""

    pictures: Pictures  # with ``rejected`` complete; ``pixels`` are None where ``inputs`` are files
    inputs: Inputs  # uint8, shape (rows, channels, height, width), or files
    sums: np.ndarray | None = None  # of each picture, from ``sums_of``: int64, shape (rows, channels, 2); None with pixels
    keep: Callable[[], None] = lambda: None  # puts the pixels into the cache


def fit_in_memory(parts: Iterable[Pictures], size: tuple[int, int], channels: int) -> bool:
    """Return whether the pixels of all parts fit in memory at once; those that are arrays already are in it.

    Raise DataError E275 for arrays that are to be brought to a size at which they cannot be.
    """
    parts, most = list(parts), min(MOST_BYTES, _available() // 2)
    resized = [part for part in parts if part.pixels is not None and part.pixels.shape[1:] != (channels, *size)]
    if (wanted := sum(bytes_needed(part, size, channels) for part in resized)) > most:
        raise error("E275", size=f"{size[0]} x {size[1]}", wanted=f"{wanted / 2**30:.1f}", most=f"{most / 2**30:.1f}")
    return sum(bytes_needed(part, size, channels) for part in parts if part.pixels is None) <= most


def store(
    pictures: Pictures, size: tuple[int, int], channels: int, in_memory: bool, progress: Progress | None = None
) -> Stored:
    """Decode pictures to this size, or scan them and leave them in files; those that cannot be used are in ``rejected``.

    ``progress(done, total)`` is called meanwhile. Raise SourceError E142.
    """
    if not in_memory and pictures.paths is not None and pictures.pixels is None:
        return _scan(pictures, size, channels, progress)
    if pictures.paths is None or len(pictures) < CACHED_FILES:
        return _in_memory(decode(pictures, size, channels, progress))
    key = cache.fingerprint("".join(pictures.keys), {"size": size, "channels": channels})
    if (found := cache.load(key)) and found[1]["pixels"].shape == (len(pictures), channels, *size):
        pictures.pixels = np.require(found[1]["pixels"], requirements="W")
        return _in_memory(pictures)
    decoded = decode(pictures, size, channels, progress)
    stored = _in_memory(decoded)
    if len(decoded) == len(pictures):  # the cache cannot hold the reasons for others
        pixels: Any = decoded.pixels
        stored.keep = lambda: cache.save(key, {}, {"pixels": pixels})
    return stored


def _in_memory(pictures: Pictures) -> Stored:
    assert pictures.pixels is not None
    return Stored(pictures, pictures.pixels)


def _scan(pictures: Pictures, size: tuple[int, int], channels: int, progress: Progress | None) -> Stored:
    """Decode every file once, for its sums and to find those that cannot be decoded."""
    paths = pictures.paths or []

    def sums(row: int) -> np.ndarray:
        return sums_of(decode_file(paths[row], size, channels)[None])

    found, bad = for_each_row(sums, len(paths), cores(), progress)
    pictures.remove(bad)
    return Stored(pictures, Files(pictures.paths or [], size, channels), np.array([each for each in found if each is not None]))


def _available() -> int:
    """Return how many bytes of memory are available; where the system does not say, more than enough."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        found = None
    return int(found[1]) << 10 if found else MOST_BYTES * 2
