"""Pictures: the labelled pictures of one split, in files not yet decoded or as pixels. What is left out is named beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.files.folders import printable
from trainwright.data.images.headers import MAX_BYTES
from trainwright.data.tables.table import Rejected
from trainwright.errors import error
from trainwright.watch.events import Note

PIECE = 64  # pictures a thread takes at a time
READERS = 32  # threads that mostly wait for the disk
DIGEST = 16  # bytes of a key


@dataclass
class Pictures:
    """One split.

    Attributes:
        file: the folder or file, as the person gave it, for messages.
        labels: String, shape (rows,).
        rows: int64, shape (rows,): the number in its table (``ROW``) or array, or in the sorted folder; from 1.
        names: the path below the folder, or as the table has it; "" for arrays.
        paths: where each picture lies; None for arrays.
        pixels: uint8, shape (rows, channels, height, width); None for files that are not decoded yet.
        keys: String, shape (rows,): digest of the file's bytes or of the array's row, so equal pictures have equal keys.
        rejected: what was left out, in the order it was found.
        notes: (what, value, why), for printing.
        by_row: whether messages count rows of ``file``; else each picture is a file of its own.
    """

    file: str
    labels: pl.Series
    rows: np.ndarray
    names: list[str]
    paths: list[Path] | None
    pixels: np.ndarray | None
    keys: pl.Series
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    by_row: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> Pictures:
        """These rows (indices from 0, or a mask) in this order; ``rejected`` and ``notes`` go along, as copies."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
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
        """Take rows (indices from 0) out, in place, each into ``rejected`` with its reason.

        Raises:
            SourceError: E142, no picture is left.
        """
        if not bad:
            return
        self.rejected += [self._rejection(index, bad[index]) for index in sorted(bad)]
        kept = np.ones(len(self), bool)
        kept[list(bad)] = False
        self.__dict__.update(vars(self.take(kept)))
        if not len(self):
            self.refuse_empty()

    def refuse_empty(self) -> None:
        """Raise E142, with the first of the reasons."""
        first = self.rejected[0]
        where = f"{first.file}, row {first.row}" if first.row else first.file
        raise error("E142", path=self.file, count=f"{len(self.rejected):,}", why=first.reason, where=where)

    def _rejection(self, index: int, reason: str) -> Rejected:
        if self.paths is not None and not self.by_row:
            return Rejected(printable(str(self.paths[index])), 0, reason)
        named = f"'{self.names[index]}': {reason}" if self.names[index] else reason
        return Rejected(self.file, int(self.rows[index]), named)


def from_files(
    file: str, labels: Sequence[str], names: Sequence[str], paths: Sequence[Path], rows: np.ndarray, by_row: bool
) -> Pictures:
    """Pictures that lie in files, each read once for its key; missing, empty and unreadable ones are left out. Raises E142."""
    keys, bad = _digests(paths)
    pictures = Pictures(
        file,
        pl.Series("label", labels, pl.String),
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
    """Pictures that are an array, in order; rows without a label (null) are left out. Raises E142."""
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


def in_pieces(work: Callable[[int, int], int], rows: int, threads: int, progress: Callable[[int, int], None] | None) -> None:
    """``work(start, stop)`` over pieces of the rows, in threads; it returns how many rows it has done.

    ``progress(done, rows)`` is called in this thread. When anything is raised, no further piece begins.
    """
    done = 0
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        starts = range(0, rows, PIECE)
        for count in pool.map(lambda start: work(start, min(start + PIECE, rows)), starts):
            done += count
            if progress is not None:
                progress(done, rows)
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _row_keys(pixels: np.ndarray) -> list[str]:
    digest, flat, width = hashlib.blake2b, np.ascontiguousarray(pixels).reshape(-1).data, pixels[0].size
    return [digest(flat[at : at + width], digest_size=DIGEST).hexdigest() for at in range(0, len(flat), width)]


def _digests(paths: Sequence[Path]) -> tuple[list[str], dict[int, str]]:
    """The key of each file, and the reason where there is none."""
    keys, bad = [""] * len(paths), dict[int, str]()

    def work(start: int, stop: int) -> int:
        for index in range(start, stop):
            found, why = _digest(paths[index])
            keys[index] = found
            if why:
                bad[index] = why
        return stop - start

    in_pieces(work, len(paths), READERS, None)
    return keys, bad


def _digest(path: Path) -> tuple[str, str]:
    try:
        if not path.is_file():
            return "", "it is a folder" if path.is_dir() else "there is no such file"
        digest, size = hashlib.blake2b(digest_size=DIGEST), 0
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                size += len(chunk)
                if size > MAX_BYTES:
                    return "", f"it has more than {MAX_BYTES >> 20} MiB, the most that is read"
    except (OSError, ValueError) as problem:
        return "", f"it cannot be read: {getattr(problem, 'strerror', None) or problem}"
    return (digest.hexdigest(), "") if size else ("", "the file is empty")
