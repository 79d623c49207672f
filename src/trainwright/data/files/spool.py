"""What is too large for the memory while data are read and encoded: arrays that grow on the disk, and work in order.

Promises: a file lies in the cache's folder without a name, so nothing of it is left however the process ends; its pages are
the system's to drop and to read again; what is small never touches the disk.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from trainwright.data.files.cache_folder import cache_folder
from trainwright.errors import error

Item = TypeVar("Item")
Result = TypeVar("Result")
IN_MEMORY = 32 << 20  # bytes of one array


def folder() -> Path:
    """Return where the files are: on the disk of the cache, as the system's folder for temporary files may be memory."""
    return cache_folder() / "scratch"


@contextmanager
def scratch_errors() -> Iterator[None]:
    """Raise E172 for whatever the disk refuses."""
    try:
        yield
    except OSError as problem:
        raise error("E172", path=folder(), why=problem.strerror or problem) from problem


def scratch_file() -> IO[bytes]:
    """Open a new file that no one else sees, among the system's temporary files if the cache cannot be written. Raise E172."""
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder())
    with scratch_errors():
        return tempfile.TemporaryFile()


class Spool:
    """An array that grows at its end: in memory up to a limit of bytes, beyond that on the disk."""

    def __init__(self, dtype: Any, limit: int | None = None) -> None:
        self._dtype, self._limit = np.dtype(dtype), IN_MEMORY if limit is None else limit
        self._parts: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, part: np.ndarray) -> None:
        """Append ``part``. Raise E172."""
        part = np.ascontiguousarray(part, self._dtype)
        self._size += len(part)
        if self._file is None and self._size * self._dtype.itemsize <= self._limit:
            self._parts.append(part)
            return
        self._file = self._file or scratch_file()
        with scratch_errors():
            for each in (*self._parts, part):
                self._file.write(each.data)
        self._parts = []

    def array(self) -> np.ndarray:
        """Return all of it, which may be written to. Nothing more can be appended. Raise E172."""
        if self._file is None:
            return np.concatenate([np.empty(0, self._dtype), *self._parts])
        with scratch_errors(), self._file as file:
            file.flush()
            return np.asarray(np.memmap(file, self._dtype, "r+", shape=(self._size,)))


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, each made by another thread while the one before it is worked on."""
    coming = iter(items)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, coming, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, coming, None)
            yield item


def apart(work: Callable[[], Result]) -> Result:
    """Do what a library takes long for in another thread, so that a signal ends the waiting for it at once."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as problem:
            done.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return done.result()


def parallel_map(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply ``work`` to each item on all cores. Yield the results in order; few of either are held at a time."""
    coming = iter(items)
    first = list(islice(coming, 2))
    if len(first) < 2:
        yield from map(work, first)
        return
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        begun: deque[Future[Result]] = deque(pool.submit(work, item) for item in chain(first, islice(coming, cores - 1)))
        while begun:
            yield begun.popleft().result()
            begun.extend(pool.submit(work, item) for item in islice(coming, 1))
