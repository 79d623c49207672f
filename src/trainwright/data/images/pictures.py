"""The labeled pictures of one split, in files not yet decoded or as pixels, beside a list of those that were left out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.files.folders import printable
from trainwright.data.images.decode import quiet
from trainwright.data.images.headers import MAX_BYTES, Unusable
from trainwright.data.tables.table import Rejected, Table
from trainwright.errors import error
from trainwright.watch.events import Note

CHUNK_ROWS = 64  # pictures a thread takes at a time
READERS = 32  # threads that mostly wait for the disk
DIGEST_BYTES = 16  # of a key
CHUNK_VALUES = 1 << 17  # pixels summed at a time: they stay in the processor's cache
Progress = Callable[[int, int], None]


@dataclass
class Pictures:
    """The pictures of one split."""

    file: str  # the folder or file, as the person gave it, for messages
    labels: pl.Series  # String, Float64 or List(String), shape (rows,), as ``LabelForm.read`` gives them
    rows: np.ndarray  # int64, shape (rows,): the number in its table (``ROW``) or array, or in the sorted folder; from 1
    names: list[str]  # the path below the folder, or as the table has it; "" for arrays
    paths: list[Path | bytes] | None  # where each picture lies, or its file's content; None for arrays
    pixels: np.ndarray | None  # uint8, shape (rows, channels, height, width); None for files that are not decoded yet
    keys: pl.Series  # String, shape (rows,): a digest of the file's bytes or of the array's row, the same for equal pictures
    rejected: list[Rejected] = field(default_factory=list)  # what was left out, in the order it was found
    notes: list[Note] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)  # files that are no images, or lie in no folder of a class
    table: Table | None = None  # further columns of the rows, where pictures in memory have some
    by_row: bool = False  # whether messages count rows of ``file``; else each picture is a file of its own

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: np.ndarray) -> Pictures:
        """Return these rows (from 0) in this order, with copies of ``rejected`` and ``notes``."""
        places = index.tolist()
        return replace(
            self,
            labels=self.labels[index],
            rows=self.rows[index],
            names=[self.names[place] for place in places],
            paths=None if self.paths is None else [self.paths[place] for place in places],
            pixels=None if self.pixels is None else self.pixels[index],
            keys=self.keys[index],
            rejected=list(self.rejected),
            notes=list(self.notes),
        )

    def remove(self, bad: Mapping[int, str]) -> None:
        """Move rows (indices from 0), in place, into ``rejected``, each with its reason. Raise E142 where none is left."""
        if not bad:
            return
        self.rejected += [self._rejection(index, bad[index]) for index in sorted(bad)]
        kept = np.delete(np.arange(len(self)), list(bad))
        self.__dict__.update(vars(self.take(kept)))
        if not len(self):
            first = self.rejected[0]
            where = f"{first.file}, row {first.row}" if first.row else first.file
            raise error("E142", path=self.file, count=f"{len(self.rejected):,}", why=first.reason, where=where)

    def _rejection(self, index: int, reason: str) -> Rejected:
        if self.paths is not None and not self.by_row:
            return Rejected(printable(str(self.paths[index])), 0, reason)
        named = f"'{self.names[index]}': {reason}" if self.names[index] else reason
        return Rejected(self.file, int(self.rows[index]), named)


def from_files(
    file: str,
    labels: Sequence[str] | pl.Series,
    names: Sequence[str],
    paths: Sequence[Path | bytes],
    rows: np.ndarray,
    by_row: bool,
) -> Pictures:
    """Return pictures in files, each read once for its key; leave missing, empty and unreadable ones out. Raise E142."""
    keys, bad = for_each_row(lambda row: _digest(paths[row]), len(paths), READERS)
    pictures = Pictures(
        file,
        labels.rename("label") if isinstance(labels, pl.Series) else pl.Series("label", labels, pl.String),
        rows,
        list(names),
        list(paths),
        None,
        pl.Series("key", keys, pl.String),
        by_row=by_row,
    )
    pictures.remove(bad)
    return pictures


def from_pixels(file: str, labels: pl.Series, pixels: np.ndarray) -> Pictures:
    """Return pictures from an array, in order; leave rows without a label (null) out. Raise E142."""
    rows = len(pixels)
    pictures = Pictures(
        file,
        labels.rename("label"),
        np.arange(1, rows + 1, dtype=np.int64),
        [""] * rows,
        None,
        pixels,
        pl.Series("key", _row_keys(pixels), pl.String),
        by_row=True,
    )
    pictures.remove(dict.fromkeys(labels.is_null().arg_true().to_list(), "no label"))
    return pictures


def for_each_row(
    work: Callable[[int], Any], rows: int, threads: int, progress: Progress | None = None
) -> tuple[list[Any], dict[int, str]]:
    """Call ``work(row)`` for every row, in threads; return what it returned, and the reasons where it raised ``Unusable``.

    ``progress(done, rows)`` is called in this thread. When anything else is raised, no further rows begin.
    """
    found: list[Any] = [None] * rows
    bad: dict[int, str] = {}

    def chunk(start: int) -> int:
        stop = min(start + CHUNK_ROWS, rows)
        for row in range(start, stop):
            try:
                found[row] = work(row)
            except Unusable as problem:
                bad[row] = str(problem)
        return stop

    pool = ThreadPoolExecutor(max(1, threads))
    try:
        with quiet():
            for done in pool.map(chunk, range(0, rows, CHUNK_ROWS)):
                if progress is not None:
                    progress(done, rows)
    finally:
        pool.shutdown(cancel_futures=True)
    return found, bad


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _row_keys(pixels: np.ndarray) -> list[str]:
    digest, flat, width = hashlib.blake2b, np.ascontiguousarray(pixels).reshape(-1).data, pixels[0].size
    return [digest(flat[at : at + width], digest_size=DIGEST_BYTES).hexdigest() for at in range(0, len(flat), width)]


def _digest(path: Path | bytes) -> str:
    if isinstance(path, bytes):
        if not path:
            raise Unusable("the cell is empty")
        return hashlib.blake2b(path, digest_size=DIGEST_BYTES).hexdigest()
    try:
        if not path.is_file():
            raise Unusable("it is a folder" if path.is_dir() else "there is no such file")
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size > MAX_BYTES:
                raise Unusable(f"it has more than {MAX_BYTES >> 20} MiB, the most that is read")
            if not size:
                raise Unusable("the file is empty")
            return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=DIGEST_BYTES)).hexdigest()
    except (OSError, ValueError) as problem:
        raise Unusable(f"it cannot be read: {getattr(problem, 'strerror', None) or problem}") from problem


def sums_of(pixels: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of each channel of pixels (rows, channels, height, width): int64, shape (channels, 2)."""
    sums = np.zeros((pixels.shape[1], 2), np.int64)
    rows = max(1, CHUNK_VALUES // pixels[0, 0].size)
    for channel in range(len(sums)):
        for start in range(0, len(pixels), rows):
            part = pixels[start : start + rows, channel].astype(np.float64).reshape(-1)  # exact up to 2**53
            sums[channel] += int(part.sum()), int(part @ part)
    return sums
