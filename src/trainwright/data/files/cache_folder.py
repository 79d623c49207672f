"""The folder of the cache: where it is, which encoded data it keeps, and how they go.

Promises: an entry is there whole, under a seal, or not at all, and is gone in one step too; what a process that was killed left
behind goes with the next writing; nothing that the package did not put there is ever removed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainwright.errors import TrainwrightError
from trainwright.store import seal
from trainwright.store.atomic import remove_leftovers

LIMIT = 4 << 30  # bytes of encoded data
_ENTRY = re.compile(r"[0-9a-f]{32}")  # names of entries, as ``cache.fingerprint`` makes them


@dataclass(frozen=True)
class Kept:
    """Something that the cache keeps."""

    kind: Literal["encoded", "download"]
    source: str  # a path or the name of a data set; empty where that cannot be read
    path: Path
    bytes: int
    used: float  # seconds since 1970


def cache_folder() -> Path:
    """Return the folder of the cache, which need not exist yet: ``TRAINWRIGHT_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("TRAINWRIGHT_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs  # a prediction has no use for it

    return Path(platformdirs.user_cache_dir("trainwright"))


def encoded_folder() -> Path:
    """Return where encoded data are."""
    return cache_folder() / "encoded"


def encoded() -> list[Kept]:
    """Return the entries of encoded data, those used last first."""
    found = []
    folder = encoded_folder()
    for entry in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another process removed it
            if _ENTRY.fullmatch(entry.name):
                found.append(Kept("encoded", _source(entry), entry, size_of(entry), entry.stat().st_mtime))
    return sorted(found, key=lambda each: each.used, reverse=True)


def _source(entry: Path) -> str:
    try:
        return str(seal.read(entry).facts["source"])
    except (TrainwrightError, KeyError):
        return ""


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder. Raise OSError."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def remove(entry: Path) -> None:
    """Remove an entry. A reader finds all of it or nothing. Raise OSError."""
    gone = entry.with_name(f".{entry.name}.{os.getpid()}.old")
    entry.rename(gone)
    if gone.is_dir() and not gone.is_symlink():
        shutil.rmtree(gone)
    else:
        gone.unlink()


def make_room(limit: int) -> None:
    """Remove the entries used longest ago until the rest has no more than ``limit`` bytes. Raise OSError."""
    total = 0
    for each in encoded():
        total += each.bytes
        if total > limit:
            remove(each.path)


@contextmanager
def writing() -> Iterator[bool]:
    """Let one process at a time write encoded data; give False where it is another's turn.

    What a process that was killed left of its writing is removed. Raise OSError and E402.
    """
    folder = encoded_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        remove_leftovers(folder)
        yield True
