"""A disk that is full: chosen file operations of this process fail."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch


class FullDisk:
    """Operations number ``first`` to ``last`` (from 1) fail with ENOSPC; all are counted."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last, self.count = first, last, 0
        self.names: list[str] = []

    def fails(self, name: str) -> bool:
        """Whether the operation that is about to be made fails."""
        self.count += 1
        self.names.append(name)
        return self.first <= self.count <= self.last

    def check(self, name: str) -> None:
        """Raise where it fails."""
        if self.fails(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def before(self, place: Any, name: str, patch: Any) -> None:
        """``place.name`` is an operation."""
        inner = getattr(place, name)

        def outer(*args: Any, **named: Any) -> Any:
            self.check(name)
            return inner(*args, **named)

        patch(place, name, outer)

    def install(self, below: Path, patch: Any = setattr) -> None:
        """Patch this process; only what is opened below a folder counts, so that logs of the test itself do not."""
        for place, name in ((os, "fsync"), (Path, "mkdir"), (Path, "rename"), (Path, "replace")):
            self.before(place, name, patch)
        opened = Path.open

        def path_open(path: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+") or not path.is_relative_to(below):
                return opened(path, mode, *args, **named)
            self.check(f"open {path.name}")
            file = opened(path, mode, *args, **named)
            return Written(file, path.name, self) if "b" in mode else file

        save_file = safetensors.torch.save_file

        def full(tensors: Any, path: Path, *args: Any, **named: Any) -> None:
            if self.fails("tensors"):
                Path.write_bytes(path, b"half")
                raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
            save_file(tensors, path, *args, **named)

        patch(Path, "open", path_open)
        patch(safetensors.torch, "save_file", full)


class Written:
    """A file whose writes are operations; one that fails has written a part."""

    def __init__(self, file: Any, name: str, disk: FullDisk) -> None:
        self._file, self._name, self._disk = file, f"write {name}", disk

    def write(self, data: bytes) -> int:
        """As that of the file."""
        if self._disk.fails(self._name):
            self._file.write(data[: len(data) // 2])
            if self._file_is_raw and len(data) > 1:
                return len(data) // 2
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(data))

    @property
    def _file_is_raw(self) -> bool:
        return not hasattr(self._file, "raw")

    def __enter__(self) -> Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
