"""Write a file or a folder whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainwright.errors import error


def write_file(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path``: a reader sees the old file or the new one, also after a crash. Raise E402."""
    # A file name that is no UTF-8 is told as far as it can be.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        write_synced(temporary, data)
        temporary.replace(path)
        sync(path.parent)
    except OSError as problem:
        with suppress(OSError):
            temporary.unlink()
        raise error("E402", path=path, problem=problem.strerror or problem) from None


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Make a folder to be filled, which gets its name ``path`` at the end, or is gone when filling it failed.

    Files are to be written by ``write_synced``, or synced by ``sync``. With ``replace`` a folder of that name gives way.
    Raise E402.
    """
    temporary, before = (path.with_name(f".{path.name}.{os.getpid()}.{kind}") for kind in ("tmp", "old"))
    try:
        for each in (temporary, before):
            shutil.rmtree(each, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        sync(temporary)
        if replace and path.exists():
            path.rename(before)
        temporary.rename(path)
        sync(path.parent)
        shutil.rmtree(before, ignore_errors=True)
    except OSError as problem:
        if before.exists() and not path.exists():
            with suppress(OSError):
                before.rename(path)
        raise error("E402", path=path, problem=problem.strerror or problem) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed left of its writing in ``folder``, where no other process writes. Raise E402."""
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if re.fullmatch(r"\..+\.\d+\.(tmp|old)", path.name) and not path.is_symlink():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as problem:
        raise error("E402", path=folder, problem=problem.strerror or problem) from None


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file, which is on the disk when this returns. Raise OSError."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Put a file's content, or a folder's entries, on the disk, where the system can (Windows cannot open folders)."""
    with suppress(PermissionError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
