"""Folders of image files whose names say the class: ``cat.0.png``, ``american_bulldog_12.jpg``, ``0001_cat.png``.

They are taken only where it is clear: every name is one label without digits, and numbers before or behind it; every label is
there again and again.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from trainwright.data.files.folders import PARTS, entries, printable
from trainwright.data.images.pictures import Pictures, from_files
from trainwright.data.read.image_folders import images_in
from trainwright.watch.events import Note

_NAME = re.compile(r"(?:\d+[\W_]+)*([^\W\d_](?:[^\d]*[^\W\d_])?)(?:[\W_]*\d+)*[\W_]*")
AGAIN = 3  # files that each label has on average, at least


def holds(path: Path, head: bytes = b"") -> bool:
    """Return whether a folder, or its folders of splits, hold nothing but images whose names say the class."""
    return bool(_parts(path))


def read(path: Path) -> dict[str, Pictures]:
    """Return the pictures of each split. Raise E102 and E142."""
    return {part: _read(folder) for part, folder in _parts(path).items()}


def label_of(stem: str) -> str:
    """Return the label that a file's name says; an empty string where it is not clear."""
    found = _NAME.fullmatch(stem)
    return found[1] if found and any(letter.isdigit() for letter in stem) else ""


def _parts(path: Path) -> dict[str, Path]:
    """Return the folders of files by split; nothing where they are not what is looked for."""
    if not path.is_dir():
        return {}
    with_images = [entry for entry in entries(path) if entry.is_dir() and images_in(entry)]
    if not with_images:
        return {"train": path} if _clear(path) else {}
    parts = {PARTS.get(entry.name.lower(), ""): entry for entry in with_images if _clear(entry)}
    return parts if "train" in parts and "" not in parts else {}


def _clear(folder: Path) -> bool:
    files = images_in(folder)
    labels = Counter(label_of(file.stem) for file in files)
    return "" not in labels and 1 < len(labels) <= len(files) / AGAIN and min(labels.values()) > 1


def _read(folder: Path) -> Pictures:
    files = images_in(folder)
    labels, names = [printable(label_of(file.stem)) for file in files], [printable(file.name) for file in files]
    pictures = from_files(str(folder), labels, names, [*files], np.arange(1, len(files) + 1, dtype=np.int64), by_row=False)
    classes = list(dict.fromkeys(labels))
    shown = f"{', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}"
    pictures.notes.append(Note("labels", shown, f"from the names of the files, such as '{names[0]}'"))
    return pictures
