"""What a person names that is no file and no folder of the disk, as paths that are only read: the files that a pattern matches,
and what is in an archive, which is read in memory and never unpacked."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Generator, Mapping
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.store.run_folder import is_run

if TYPE_CHECKING:
    from pathlib import Path as _Path

    from trainwright.data.files.archives import Archive
else:
    _Path = type(Path())  # that of the machine; before Python 3.12 no other can be derived from
SUFFIXES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")  # of archives
_PATTERN = re.compile(r"[*?\[]")


class Glob(_Path):
    """The files that a pattern such as ``data/*.csv`` matches, in the order of their names; none in the folder of a run."""

    def is_dir(self) -> bool:
        """Return whether anything matches, as a folder would be there."""
        return any(self.iterdir())

    def is_file(self) -> bool:
        """Return False: it stands for several."""
        return False

    def exists(self, **how: bool) -> bool:
        """Return whether anything matches."""
        return self.is_dir()

    def iterdir(self) -> Generator[Any, None, None]:
        """Yield what matches."""
        first = next(place for place, part in enumerate(self.parts) if _PATTERN.search(part))
        passed_over = cache(is_run)
        for path in sorted(Path(*self.parts[:first]).glob(str(Path(*self.parts[first:])))):
            if not any(map(passed_over, [path, *path.parents][: len(path.parts) - first])):
                yield path


class InArchive(_Path):
    """An archive as the folder of what is in it, or a file or folder in it: ``data.zip``, ``data.zip/train/cat/1.png``."""

    @property
    def archive(self) -> Path:
        """Return the file of the archive."""
        return next(path for path in map(Path, map(str, (self, *self.parents))) if path.is_file())

    def _found(self) -> tuple[Archive, str]:
        from trainwright.data.files.archives import open_archive  # a text that is asked about has no use for it

        path = self.archive
        return open_archive(path), "/".join(self.parts[len(path.parts) :])

    def is_dir(self) -> bool:
        """Return whether it is a folder in the archive, or all of it."""
        archive, name = self._found()
        return name in archive.folders

    def is_file(self) -> bool:
        """Return whether it is a file in the archive."""
        archive, name = self._found()
        return name in archive

    def is_symlink(self) -> bool:
        """Return False: links in an archive are not followed."""
        return False

    def exists(self, **how: bool) -> bool:
        """Return whether it is in the archive."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Generator[Any, None, None]:
        """Yield what is in a folder. Raise NotADirectoryError for a file."""
        archive, name = self._found()
        if name not in archive.folders:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self))
        yield from (self / each for each in sorted(archive.folders[name]))

    def open(self, mode: str = "r", *args: Any, **how: Any) -> Any:
        """Open a file for reading bytes. Raise FileNotFoundError, E139 and E185."""
        archive, name = self._found()
        if name not in archive or mode != "rb":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        file: Any = io.BytesIO(archive.read(name))
        file.name = str(self)  # as messages name it
        return file

    def stat(self, **how: bool) -> os.stat_result:
        """Return what the system says of the archive, with the size of this file."""
        archive, name = self._found()
        found = list(self.archive.stat())
        if name in archive:
            found[stat.ST_SIZE] = archive.size(name)
        return os.stat_result(found)

    def tree(self) -> Generator[tuple[str, list[str], list[str]], None, None]:
        """Yield folders, what is in them, as ``os.walk`` does."""
        names = sorted(self.iterdir())
        folders = [each.name for each in names if each.is_dir()]
        yield str(self), folders, [each.name for each in names if each.is_file()]
        for each in folders:
            yield from (self / each).tree()


def is_data(given: object) -> bool:
    """Tell whether what a person gives in Python is data, and not the name of some."""
    return given is not None and not isinstance(given, str | PathLike)


def has_columns(given: object) -> bool:
    """Tell whether what a person gives in Python has named columns: a frame, a lazy one too, a data set, a dict of columns."""
    if isinstance(given, Mapping):
        return bool(given) and all(hasattr(each, "__len__") and not isinstance(each, str | bytes) for each in given.values())
    if any(hasattr(given, name) for name in ("collect_schema", "column_names", "columns")):  # lazily, what a plan has costs
        return True
    return hasattr(given, "__arrow_c_stream__") and not any(hasattr(given, name) for name in ("dtype", "type"))  # of a column


def is_records(given: object) -> bool:
    """Tell whether it is a list of dictionaries."""
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(each, Mapping) for each in given)


def as_path(word: str | Path) -> Path:
    """Return what a word names, as a path to read from: what is in an archive and what a pattern matches are such, too."""
    path = Path(word)
    if type(word) is not type(path) and isinstance(word, Path):
        return word
    if _in_archive(path):
        return InArchive(path)
    text = str(path)
    if not path.name.isspace() and _PATTERN.search(text) and len(text) < 1000 and not _there(path):
        pattern = Glob(text)
        return pattern if pattern.is_dir() else path
    return path


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _in_archive(path: Path) -> bool:
    try:
        return any(each.name.lower().endswith(SUFFIXES) and each.is_file() for each in (path, *path.parents))
    except (OSError, ValueError):
        return False
