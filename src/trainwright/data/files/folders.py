"""Folders as data: one folder of .txt files a class, and folders that hold train, test and valid ones.

Promises: entries are taken in sorted order, hidden ones and the folders of runs are passed over, and a class is one level deep.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from trainwright.data.files.virtual import InArchive, as_path
from trainwright.store.run_folder import is_run

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("valid", "validation", "val", "dev"), "valid"
)


def is_path(word: str) -> bool:
    """Return whether something of that name exists, or a pattern matches; a word that cannot be a name at all is none."""
    try:
        return bool(word) and as_path(word).exists()
    except (OSError, ValueError):
        return False


def absolute(path: str) -> str:
    """Return a path as seen from the root, by which two ways of writing it can be compared."""
    return str(Path(path).absolute())


def split_folder(path: Path) -> dict[str, Path] | None:
    """``{"train": ..., "test": ..., "valid": ...}`` (those there are) when ``path`` holds such folders of classes.

    A train folder and one more are needed; anything else is not split by its folders, and gives None.
    """
    found = by_part(path, class_folders)
    return found if "train" in found and len(found) > 1 else None


def by_part(path: Path, holds: Callable[[Path], object]) -> dict[str, Path]:
    """Return the folders in ``path`` that are called after a split and hold what is wanted, by split: the first of each."""
    found: dict[str, Path] = {}
    for entry in entries(path):
        part = PARTS.get(entry.name.lower())
        if part and part not in found and entry.is_dir() and holds(entry):
            found[part] = entry
    return found


def class_folders(path: Path) -> dict[str, list[Path]]:
    """Return the .txt files of every folder in ``path`` that has any, by the folder's name."""
    found = {}
    for folder in [entry for entry in entries(path) if entry.is_dir()]:
        if texts := [entry for entry in entries(folder) if entry.suffix.lower() == ".txt" and entry.is_file()]:
            found[folder.name] = texts
    return found


def part_of(name: str) -> str | None:
    """Return the split that a file's name says: ``"valid"`` for ``ptb.valid.txt``; None where it says none, or two."""
    parts = {PARTS[word] for word in re.findall("[a-z]+", name.lower()) if word in PARTS}
    return parts.pop() if len(parts) == 1 else None


def entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted, without hidden things; nothing where it is none, a run's, or cannot be read.

    What a person names can be (``content.require``), and folders in it that cannot are named (``passed_over``). Raise E139.
    """
    try:
        if is_run(folder):
            return []
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files in ``folder`` at any depth, folder by folder in sorted order, without hidden ones and those of runs.

    Links to folders are not followed, so that none leads into a loop. Folders that cannot be read are passed over.
    """
    walk = folder.tree() if isinstance(folder, InArchive) else os.walk(folder)
    for place, folders, files in walk:
        inside = type(folder)(place)
        if is_run(inside):
            folders[:], files = [], []
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            yield inside / name


def passed_over(folder: Path, depth: int | None = None) -> tuple[list[Path], dict[Path, str]]:
    """Return the folders of runs in a folder, and those that cannot be read, with why; ``depth`` is how far down is looked."""
    runs, closed = list[Path](), dict[Path, str]()

    def note(problem: OSError) -> None:
        closed[Path(problem.filename)] = f"the folder cannot be read: {problem.strerror}"

    for place, folders, _ in os.walk(folder, onerror=note):
        inside = Path(place)
        if is_run(inside):
            runs.append(inside)
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if depth is not None and len(inside.parts) - len(folder.parts) >= depth:
            folders.clear()
    return runs, closed


def printable(name: str) -> str:
    """Return a name without surrogates, which stand for bytes that are not valid in the system's encoding."""
    return name.encode("utf-8", "replace").decode()


def short_name(path: Path) -> str:
    """Return the file's name without its endings; its folder's name where the file's says nothing."""
    place = path.resolve() if path.is_file() or "*" not in path.name else path.parent.resolve()
    name = place.name.split(".")[0] if place.is_file() or isinstance(path, InArchive) else place.name
    return place.parent.name if name.lower() in ("train", "training", "data") and place.parent.name else name
