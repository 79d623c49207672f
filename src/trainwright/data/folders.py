"""Folders as data: one folder of .txt files a class, and folders that hold train, test and valid ones.

Promises: entries are taken in sorted order, hidden ones are passed over, and a class is one level
deep, so no link leads into a loop.
"""

from __future__ import annotations

from pathlib import Path

from trainwright.errors import error

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("valid", "validation", "val", "dev"), "valid"
)


def split_folder(path: Path) -> dict[str, Path] | None:
    """``{"train": ..., "test": ..., "valid": ...}`` (those there are) when ``path`` holds such folders of classes.

    A train folder and one more are needed; anything else is not split by its folders, and gives None.
    """
    found: dict[str, Path] = {}
    for entry in entries(path):
        part = PARTS.get(entry.name.lower())
        if part and part not in found and entry.is_dir() and class_folders(entry):
            found[part] = entry
    return found if "train" in found and len(found) > 1 else None


def class_folders(path: Path) -> dict[str, list[Path]]:
    """The .txt files of every folder in ``path`` that has any, by the folder's name."""
    classes = {entry.name: _texts(entry) for entry in entries(path) if entry.is_dir()}
    return {name: files for name, files in classes.items() if files}


def _texts(folder: Path) -> list[Path]:
    return [entry for entry in entries(folder) if entry.suffix.lower() == ".txt" and entry.is_file()]


def entries(folder: Path) -> list[Path]:
    """What is in ``folder``, sorted, without hidden entries; nothing for a file. Raises SourceError E102."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except NotADirectoryError:
        return []
    except OSError as problem:
        raise error("E102", path=folder, why=problem.strerror or problem) from problem
