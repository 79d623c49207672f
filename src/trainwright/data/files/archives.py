"""Members of an archive, read into memory. Nothing is ever unpacked to disk, so no name in an archive becomes a path.

Promises: a member is found by its exact name and must be a plain file, there once; none is larger than the caller allows,
whatever the archive says of its size; a .tar.gz is read to its end, so that one that was cut short is noticed.
"""

from __future__ import annotations

import errno
import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

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
)


def members(path: Path, wanted: Sequence[str], most: int = MOST_BYTES) -> dict[str, bytes]:
    """Return the content of every wanted member of the .zip or .tar.gz at ``path``, by name; each at most ``most`` bytes.

    Raise E102 for a file that cannot be read, E136 for a member that is missing, E137 for one that is too large, E138 for a
    link or anything else than a plain file, E139 for an archive that is damaged or none.
    """
    found: dict[str, bytes] = {}
    try:
        with path.open("rb") as file:
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
    except TrainwrightError:
        raise
    except _DAMAGE as problem:
        raise error("E139", path=path, why=str(problem) or type(problem).__name__) from problem
    except OSError as problem:
        if problem.errno == errno.EINVAL:  # a header that sent the reader to before the beginning of the file
            raise error("E139", path=path, why="its headers contradict each other") from problem
        raise error("E102", path=path, why=problem.strerror or problem) from problem
    for name in wanted:
        if name not in found:
            raise error("E136", path=path, member=name)
    return found


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
