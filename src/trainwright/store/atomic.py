"""Write a file or a folder whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from trainwright.errors import error


def write_file(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path``: a reader sees the old file or the new one, also after a crash. Raises E402."""
    # A file name that is no UTF-8 is told as far as it can be.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        _write_synced(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as problem:
        with suppress(OSError):
            temporary.unlink()
        raise error("E402", path=path, problem=problem.strerror or problem) from None


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder ``path`` with these files: built beside it under another name, then renamed. Raises E402."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, content in files.items():
            _write_synced(temporary / name, content)
        sync_folder(temporary)
        temporary.rename(path)
        sync_folder(path.parent)
    except OSError as problem:
        shutil.rmtree(temporary, ignore_errors=True)
        raise error("E402", path=path, problem=problem.strerror or problem) from None


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make the folder's entries durable, where the system can (Windows cannot open folders)."""
    with suppress(PermissionError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
