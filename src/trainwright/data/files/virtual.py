"""What a person names that is no file and no folder of the disk, as a folder that is only read: the files of a pattern."""

from __future__ import annotations

import re
from collections.abc import Generator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path as _Path
else:
    _Path = type(Path())  # that of the machine; before Python 3.12 no other can be derived from
_PATTERN = re.compile(r"[*?\[]")


class Glob(_Path):
    """The files that a pattern such as ``data/*.csv`` matches, in the order of their names."""

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
        yield from sorted(Path(*self.parts[:first]).glob(str(Path(*self.parts[first:]))))


def is_data(given: object) -> bool:
    """Tell whether what a person gives in Python is data, and not the name of some."""
    return given is not None and not isinstance(given, str | PathLike)


def as_path(word: str | Path) -> Path:
    """Return what a word names, as a path to read from."""
    path = Path(word)
    if type(word) is not type(path) and isinstance(word, Path):
        return word
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
