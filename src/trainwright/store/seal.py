"""Folders whose content can be proved: beside the files lies a SEAL with the size and the SHA-256 of each.

The seal is itself sealed by its last line, so that no byte of the folder can change unseen. It guards against what happens
to files, not against a person who means harm: they can seal what they like.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from trainwright.errors import error
from trainwright.memory import available
from trainwright.plain_files import from_json, regular
from trainwright.store.atomic import write_file, write_synced

NAME = "SEAL"
FORMAT = 1
LARGEST = 1 << 20  # bytes of a seal
HEADER = 64 << 20  # bytes of the header of a safetensors file
PLAIN = 64 << 20  # bytes of a file that any memory holds


@dataclass(frozen=True)
class Seal:
    """What a folder should hold: ``files`` by name with (bytes, SHA-256); ``facts`` are what else its writer put down."""

    files: Mapping[str, tuple[int, str]]
    facts: Mapping[str, Any]

    def text(self) -> bytes:
        """Return the content of the seal's file."""
        files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in self.files.items()}
        body = json.dumps({"format": FORMAT, **self.facts, "files": files}, indent=1)
        return f"{body}\n{_digest(body.encode())}\n".encode()


def of(folder: Path, facts: Mapping[str, Any], paths: Iterable[Path]) -> Seal:
    """Return the seal of ``paths`` in a folder, as they are on the disk. Raise OSError."""
    files = {path.relative_to(folder).as_posix(): (path.stat().st_size, _digest_of(path)) for path in sorted(paths)}
    return Seal(files, facts)


def close(folder: Path, facts: Mapping[str, Any]) -> None:
    """Seal a folder that has no seal, with all its files. Raise OSError."""
    write_synced(folder / NAME, of(folder, facts, folder.iterdir()).text())


def renew(folder: Path, paths: Iterable[Path]) -> None:
    """Put files that were made anew under the seal of a folder that has one. Raise E411, and E402 where it cannot be."""
    if (folder / NAME).is_file():
        before = read(folder)
        write_file(folder / NAME, Seal({**before.files, **of(folder, {}, paths).files}, before.facts).text())


def read(folder: Path) -> Seal:
    """Return the seal of a folder. Raise E411 where it is missing or not as it was written."""
    path = folder / NAME
    with opened(path) as file:
        raw = file.read(LARGEST + 1)
    try:
        if len(raw) > LARGEST:
            raise ValueError
        found = from_json(raw[: raw.rindex(b"}") + 1])
        if found.pop("format") != FORMAT:
            raise ValueError
        files = {name: (each["bytes"], each["sha256"]) for name, each in found.pop("files").items()}
        seal = Seal(files, found)
        if seal.text() != raw or any(".." in Path(name).parts or Path(name).is_absolute() for name in files):
            raise ValueError
        if any(b"\0" in os.fsencode(name) for name in files):  # or no name that a file can have
            raise ValueError
        if any(type(size) is not int or type(digest) is not str for size, digest in files.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise error("E411", path=path, problem="it is not as it was written") from None
    return seal


def contents(folder: Path, names: Iterable[str] | None = None, largest: Mapping[str, int] | None = None) -> dict[str, bytes]:
    """Return the files of a sealed folder, or those ``names`` of them: what is given back is what was checked.

    ``largest`` are the most bytes that some may have. Raise E411 for the first file that is missing, cut, changed or larger.
    """
    seal = read(folder)
    found = {}
    for name in seal.files if names is None else names:
        if name not in seal.files:
            raise error("E411", path=folder / name, problem="it is not under the seal")
        size, most = seal.files[name][0], (largest or {}).get(name)
        if most is not None and size > most:
            raise error("E411", path=folder / name, problem=f"it has {size:,} bytes, and {most:,} are the most that is read")
        found[name] = intact(folder / name, *seal.files[name])
    return found


def intact(path: Path, size: int, digest: str) -> bytes:
    """Return the content of a file that has this size and SHA-256. Raise E411, and E424 where no memory holds it."""
    with opened(path, size) as file:
        if size > PLAIN and size > available():
            raise error("E424", path=path, problem=f"it has {size:,} bytes, and there is memory for {available():,}")
        content = file.read(size)
    if _digest(content) != digest:
        raise error("E411", path=path, problem="its content has changed")
    return content


def check(folder: Path) -> None:
    """Raise E411 for the first file of a sealed folder that is missing, cut or changed; none is held in memory."""
    for name, (size, digest) in read(folder).files.items():
        check_file(folder / name, size, digest)


def check_file(path: Path, size: int, digest: str) -> None:
    """Raise E411 for a file that has not this size and SHA-256; it may be larger than memory."""
    with opened(path, size) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise error("E411", path=path, problem="its content has changed")


@contextmanager
def opened(path: Path, size: int | None = None) -> Iterator[BufferedReader]:
    """Open an ordinary file where its size is as it should be. Raise E411, and E424 for what may pass."""
    try:
        with regular(path) as (handle, facts):
            if size is not None and facts.st_size != size:
                raise error("E411", path=path, problem=f"it has {facts.st_size:,} bytes instead of {size:,}")
            with os.fdopen(handle, "rb", closefd=False) as file:
                yield file
    except OSError as problem:
        passing = problem.errno in (errno.EIO, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
        raise error("E424" if passing else "E411", path=path, problem=problem.strerror or problem) from None


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return _digest(b"")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:  # no copy on the way
            return hashlib.sha256(content).hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parse(content: bytes) -> Any:
    """Return the value of JSON in which no object has a key twice. Raise ValueError."""
    return from_json(content, object_pairs_hook=_once)


def check_header(content: bytes) -> bytes:
    """Return the ``content`` of a safetensors file, whose header names no tensor twice. Raise ValueError.

    Sizes and offsets are checked by the library itself before it makes a tensor.
    """
    header_of(io.BytesIO(content), len(content))
    return content


def header_of(file: IO[bytes], size: int) -> Any:
    """Return the header of a safetensors file of ``size`` bytes, in which no tensor is named twice. Raise ValueError."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, HEADER):
        raise ValueError(f"its header would have {length:,} bytes, and the file has {size:,}")
    return parse(file.read(length))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a JSON object has a key twice")
    return found
