"""Members of an archive, read into memory. Nothing is ever unpacked to disk, so no name in an archive becomes a path.

``members`` reads archives whose content is known, ``Archive`` those of a person, whatever is in them.

Promises: a member is found by its exact name and must be a plain file, there once; none is larger than the caller allows,
whatever the archive says of its size; a .tar.gz is read to its end, so that one that was cut short is noticed.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from trainwright.errors import TrainwrightError, error

MOST_BYTES = 256 << 20  # in one member; the largest member of the catalogue has 154 MB
MOST_STREAM = 1 << 30  # in a whole .tar.gz
MOST_MEMBERS = 10_000  # in a whole .tar.gz: each costs memory, and an empty one hardly any bytes
READ_BYTES = 1 << 20
Member = tuple[str, bool, int, Callable[[], bytes]]  # its name, whether it is a plain file, its size, and its content

# What the standard library is known to raise for archives that are not as they should be.
_DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,  # an encrypted member, or an unknown compression
    ValueError,  # numbers in headers
    LookupError,
    OverflowError,
    lzma.LZMAError,
    NotImplementedError,  # a way of compression that the standard library does not have
)

PACKED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}  # how a tar file may be compressed
MOST_FILES = 500_000  # in a person's archive
MOST_MEMBER = 1 << 30  # bytes of one of its files
BLOCK = 512  # bytes that tar files come in
MAX_EXPANSION, SMALL = 200, 8 << 20  # text shrinks 3 to 20 times; what is small may shrink as it likes


def members(path: Path, wanted: Sequence[str], most: int = MOST_BYTES) -> dict[str, bytes]:
    """Return the content of every wanted member of the .zip or .tar.gz at ``path``, by name; each at most ``most`` bytes.

    Raise E102 for a file that cannot be read, E136 for a member that is missing, E137 for one that is too large, E138 for a
    link or anything else than a plain file, E139 for an archive that is damaged or none.
    """
    found: dict[str, bytes] = {}
    with _reading(path), path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        for name, plain, size, read in _zip_members(file) if head.startswith(b"PK") else _tar_gz_members(file, path):
            if name not in wanted:
                continue
            if not plain:
                raise error("E138", path=path, member=name)
            if name in found:
                raise error("E139", path=path, why=f"it has '{name}' twice")
            if size > most:
                raise error("E137", path=path, what=f"'{name}'", limit=f"{most:,} bytes")
            found[name] = read()
            if len(found[name]) != size:
                raise error("E139", path=path, why=f"'{name}' has {len(found[name]):,} bytes instead of {size:,}")
    for name in wanted:
        if name not in found:
            raise error("E136", path=path, member=name)
    return found


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise E102 for what cannot be read, and E139 for what the standard library raises of archives that are damaged."""
    try:
        yield
    except TrainwrightError:
        raise
    except _DAMAGE as problem:
        raise error("E139", path=path, why=str(problem) or type(problem).__name__) from problem
    except OSError as problem:
        if problem.errno in (errno.EINVAL, None):  # a header that sent the reader to before the beginning of the file; bz2
            raise error("E139", path=path, why="its headers contradict each other") from problem
        raise error("E102", path=path, why=problem.strerror or problem) from problem


def _tar_gz_members(file: IO[bytes], path: Path) -> Iterator[Member]:
    stream = _Bounded(fileobj=file)
    with tarfile.open(fileobj=stream, mode="r|", bufsize=READ_BYTES) as archive:
        for count, member in enumerate(archive):
            if count == MOST_MEMBERS:
                raise error("E139", path=path, why=f"it has more than {MOST_MEMBERS:,} members")
            if member.size > MOST_STREAM:  # tarfile would go on skipping that much after the end of the file
                raise error("E137", path=path, what=f"'{member.name}'", limit=f"{MOST_STREAM >> 20:,} MiB")
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            yield member.name, content is not None, member.size, content.read if content else bytes
    while stream.read(READ_BYTES):  # tarfile stops at its own end mark; the checksum of the gzip comes after it
        pass


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was not made on Unix
            plain = not member.is_dir() and kind in (0, stat.S_IFREG)
            # read gives no more than the size it told, and checks the checksum
            yield member.filename, plain, member.file_size, partial(archive.read, member)


class _Bounded(gzip.GzipFile):
    """A decompressed stream that gives no more than ``MOST_STREAM`` bytes."""

    given = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes. Raise E137 at the bound."""
        chunk = super().read(size)
        self.given += len(chunk)
        if self.given > MOST_STREAM:
            raise error("E137", path=self.name, what="the whole", limit=f"{MOST_STREAM >> 20:,} MiB")
        return chunk


class Archive:
    """The plain files of a .zip or .tar archive (also compressed) by their names; each is read when it is asked for.

    A name is only a name: parts that would lead elsewhere are left out. Links and devices are no files.
    """

    def __init__(self, path: Path) -> None:
        """Find the files. Raise E102 for an archive that cannot be read, E139 for a damaged one, E185 for one too large."""
        self.path = path
        self._files: dict[str, tuple[int, Callable[[], bytes]]] = {}
        self.folders: dict[str, set[str]] = {"": set()}  # the names in each folder
        with _reading(path):
            for name, size, read in self._in_zip() if path.suffix.lower() == ".zip" else self._in_tar():
                self._add(name, size, read)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a file of that name."""
        return name in self._files

    def size(self, name: str) -> int:
        """Return how many bytes a file has, as the archive says."""
        return self._files[name][0]

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raise E139 and E185."""
        size, read = self._files[name]
        if size > MOST_MEMBER:
            raise self._refused(f"'{name}' has {size >> 20:,} MiB, and the most that is read is {MOST_MEMBER >> 20:,}")
        with _reading(self.path):
            content = read()
        if len(content) != size:
            raise error("E139", path=self.path, why=f"'{name}' has {len(content):,} bytes instead of {size:,}")
        return content

    def _add(self, name: str, size: int, read: Callable[[], bytes]) -> None:
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..")]
        if not parts or parts[0] == "__MACOSX":  # where a Mac keeps what only it can use
            return
        if len(self._files) == MOST_FILES:
            raise self._refused(f"it holds more than {MOST_FILES:,} files")
        self._files["/".join(parts)] = size, read
        for depth in range(len(parts)):
            self.folders.setdefault("/".join(parts[:depth]), set()).add(parts[depth])

    def _in_zip(self) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
        archive = zipfile.ZipFile(self.path)
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was not made on Unix
            if member.is_dir() or kind not in (0, stat.S_IFREG):
                continue
            if member.flag_bits & 1:
                raise self._refused(f"'{member.filename}' is encrypted")
            if member.file_size > max(SMALL, MAX_EXPANSION * member.compress_size):
                raise self._refused(f"'{member.filename}' grows more than {MAX_EXPANSION} times; no data shrinks that far")
            yield member.filename, member.file_size, partial(archive.read, member)

    def _in_tar(self) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
        with self.path.open("rb") as file:
            head = file.read(BLOCK)
        unpack = next((each for mark, each in PACKED.items() if head.startswith(mark)), None)
        whole = None if unpack is None else self._unpacked(unpack)

        def read(start: int, size: int) -> bytes:
            if whole is not None:
                return whole[start : start + size]
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read(size)

        with self.path.open("rb") if whole is None else io.BytesIO(whole) as source:
            for member in tarfile.open(fileobj=source, mode="r:"):  # noqa: SIM115  # it holds nothing but the file
                if member.isreg() and not member.issparse():
                    yield member.name, member.size, partial(read, member.offset_data, member.size)

    def _unpacked(self, unpack: Callable[[Path], IO[bytes]]) -> bytes:
        """Return all of a compressed archive: it cannot be read at any other place than its beginning."""
        most, found = max(SMALL, min(MOST_MEMBER, MAX_EXPANSION * self.path.stat().st_size)), bytearray()
        with unpack(self.path) as file:
            while chunk := file.read(READ_BYTES):
                found += chunk
                if len(found) > most:
                    raise self._refused(f"it grows beyond {most >> 20:,} MiB")
        return bytes(found)

    def _refused(self, why: str) -> TrainwrightError:
        return error("E185", path=self.path, why=why)


@lru_cache(maxsize=2)
def _opened(path: Path, size: int, changed: int, process: int) -> Archive:
    return Archive(path)


def open_archive(path: Path) -> Archive:
    """Return the archive at a path; the two that were used last are kept. A process that was forked opens its own."""
    found = path.stat()
    return _opened(path, found.st_size, found.st_mtime_ns, os.getpid())
