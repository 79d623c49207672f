"""A test suite that every reader passes, whatever the format: nothing lost, nothing invented, nothing but clear refusals.

A reader is given as two functions: ``write(path, rows)`` makes a source of rows at or below ``path`` and returns its path;
``read(path)`` returns its rows. A row is whatever both agree on, as long as equal rows compare equal.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from trainwright.conformance import promise
from trainwright.errors import TrainwrightError

Rows = Sequence[Hashable]
Write = Callable[[Path, Any], Path]
Read = Callable[[Path], Any]
CUTS = 16  # places at which a file is cut short


def check_reader(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check every promise of a reader, in ``folder``. Raise AssertionError that names the broken one."""
    for check in (_all_come_back, _one_row, _missing, _empty, _cut_short):
        place = folder / check.__name__
        place.mkdir()
        try:
            check(read, write, rows, place)
        except AssertionError as problem:
            raise AssertionError(f"{promise(check)}: {problem}") from None


def _all_come_back(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check that all rows come back in order, and again."""
    source = write(folder / "source", rows)
    found = read(source)
    assert list(found) == list(rows), f"{len(found)} rows came back of {len(rows)}"
    assert list(read(source)) == list(found), "a second reading differs"


def _one_row(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check that one row is enough."""
    found = list(read(write(folder / "source", rows[:1])))
    assert found == list(rows[:1]), f"found {found}"


def _missing(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check that a source that is not there is refused."""
    assert _refused(read, folder / "nothing"), "it was read"


def _empty(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check that a source whose files are empty is refused."""
    source = write(folder / "source", rows)
    for file in _files(source):
        file.write_bytes(b"")
    assert _refused(read, source), "it was read"


def _cut_short(read: Read, write: Write, rows: Rows, folder: Path) -> None:
    """Check that a file that is cut short gives rows that were in it, at most one of them damaged, or is refused."""
    source = write(folder / "source", rows)
    largest = max(_files(source), key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    for part in range(1, CUTS):
        copy = folder / f"cut{part}"
        shutil.copytree(source, copy) if source.is_dir() else copy.mkdir()
        place = copy / (largest.relative_to(source) if source.is_dir() else source.name)
        place.write_bytes(content[: len(content) * part // CUTS])
        try:
            found: Counter[Hashable] = Counter(read(copy if source.is_dir() else place))
        except TrainwrightError:
            continue
        invented = sum((found - Counter(rows)).values())
        assert invented <= 1, f"{invented} rows of {part}/{CUTS} of the file were never written"


def _files(source: Path) -> list[Path]:
    return [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file())


def _refused(read: Read, path: Path) -> bool:
    """Return whether reading is refused with a message for a person; let any other exception through."""
    try:
        read(path)
    except TrainwrightError:
        return True
    return False
