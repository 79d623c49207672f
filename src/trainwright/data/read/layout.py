"""How a folder that a person names is laid out: the folder that is meant inside others, and folders of texts of any ending."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from trainwright.data.files.content import binary_kind, plain_suffix
from trainwright.data.files.folders import by_part, class_folders, entries
from trainwright.data.images.headers import SUFFIXES
from trainwright.data.read.formats import by_suffix

HEAD_BYTES = 4096


def unwrap(path: Path) -> Path:
    """Return the folder that is meant where each holds one folder and no data: the first with several, else ``path`` itself."""
    folder, inner = path, _folders(path)
    while len(inner) == 1 and not any(map(_is_data, entries(folder))):
        folder, inner = inner[0], _folders(inner[0])
    return folder if len(inner) > 1 else path


def text_classes(path: Path) -> dict[str, list[Path]]:
    """Return the files of each folder of texts in ``path``, by the folder's name: the .txt files, where any folder has some.

    Where none has, and there are several folders, files of other endings and of none are texts, if one of each folder begins
    like one. Raise E102.
    """
    if found := class_folders(path):
        return found
    if any(map(_is_data, entries(path))):
        return {}
    files = {
        folder.name: [each for each in entries(folder) if each.is_file() and not _is_data(each)] for folder in _folders(path)
    }
    found = {name: each for name, each in files.items() if any(map(_begins_as_text, each[:3]))}
    return found if len(found) > 1 else {}


def text_splits(path: Path) -> dict[str, Path] | None:
    """Return folders of classes of texts by split, where a folder holds train and one more; else None."""
    found = by_part(path, text_classes)
    return found if "train" in found and len(found) > 1 else None


def _folders(path: Path) -> list[Path]:
    return [entry for entry in entries(path) if entry.is_dir()]


def _is_data(path: Path) -> bool:
    """Return whether a file's name says that it is a table or an image."""
    return path.suffix.lower() in SUFFIXES or bool(by_suffix(plain_suffix(path)))


def _begins_as_text(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        return bool(head) and not binary_kind(head)
    return False
