"""Write a file or a folder whole or not at all.

What is our own is replaced, whatever lies there; where a person says to write, only an ordinary file is.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainwright.errors import error


def write_file(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path``: a reader sees the old file or the new one, also after a crash. Raise E402."""
    try:
        _replace(path, _encoded(content))
    except OSError as problem:
        raise error("E402", path=path, problem=problem.strerror or problem) from None


def write_out(path: Path, content: bytes | str) -> None:
    """Write ``content`` where a person says: through a link, into a device, into a pipe that is read. Raise E402.

    An ordinary file is replaced as by ``write_file``, and keeps its owner and its mode. Where it cannot keep them, and where it
    has other names (hard links), it is written over instead.
    """
    data = _encoded(content)
    try:
        before = path.stat() if os.path.lexists(path) and not _dangles(path) else None
        if before is None:
            _replace(path.resolve(), data)
        elif stat.S_ISREG(before.st_mode) and before.st_nlink == 1:
            os.close(os.open(path, os.O_WRONLY))  # what may not be written is not replaced
            try:
                _replace(path.resolve(), data, before)
            except PermissionError:
                _write_over(path, data)
        else:
            _write_over(path, data)
    except (OSError, RuntimeError, ValueError) as problem:  # a loop of links; a name that cannot be one
        raise error("E402", path=path, problem=getattr(problem, "strerror", None) or problem) from None


def holds_something(path: Path) -> bool:
    """Return whether an ordinary file is there that is not empty."""
    with suppress(OSError, ValueError):  # ``write_out`` says what is wrong with such a name
        there = path.stat()
        return stat.S_ISREG(there.st_mode) and there.st_size > 0
    return False


def _encoded(content: bytes | str) -> bytes:
    """Return a text in UTF-8. A file name that is none is told as far as it can be."""
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _dangles(path: Path) -> bool:
    """Return whether a path is a link to something that is not there. Raise OSError for a loop of links."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    return False


def _replace(path: Path, data: bytes, before: os.stat_result | None = None) -> None:
    """Put a new file in the place of what is there, with the owner and the mode that were ``before``. Raise OSError."""
    temporary = beside(path)
    try:
        temporary.unlink(missing_ok=True)
        write_synced(temporary, data)
        if before is not None:
            there = temporary.stat()
            if (there.st_uid, there.st_gid) != (before.st_uid, before.st_gid):
                os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        temporary.replace(path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write_over(path: Path, data: bytes) -> None:
    """Write into what is there. Raise OSError, also for a pipe that nobody reads."""
    handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(handle, True)
    with open(handle, "wb", buffering=0) as file:  # noqa: PTH123
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def beside(path: Path, ending: str = "tmp") -> Path:
    """Return the name under which this process makes what is to be at ``path``."""
    return path.with_name(f".{path.name[:40]}.{os.getpid()}.{ending}")  # a name has 255 bytes at most


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Make a folder to be filled, which gets its name ``path`` at the end, or is gone when filling it failed.

    Files are to be written by ``write_synced``, or synced by ``sync``. With ``replace`` a folder of that name gives way.
    Raise E402.
    """
    temporary, before = beside(path), beside(path, "old")
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


def remove_leftovers(*folders: Path) -> None:
    """Remove what a process that was killed left of its writing in folders, where no other process writes. Raise E402."""
    try:
        for path in (path for folder in folders if folder.is_dir() for path in folder.iterdir()):
            if re.fullmatch(r"\..+\.\d+\.(tmp|old)", path.name) and not path.is_symlink():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as problem:
        raise error("E402", path=folders[0], problem=problem.strerror or problem) from None


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, where there is one. Raise E402."""
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
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
