"""From a path to labelled pictures, whatever holds them: folders, a table of file names, IDX files, NumPy's files.

What holds them is a module with ``holds(path, head)``, which looks at names and at the first bytes of a file, and
``read(path)``, which gives the pictures by split; and its place in ``SOURCES``.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from trainwright.data.files.content import require
from trainwright.data.images.pictures import Pictures
from trainwright.data.read import idx, image_folders, named_images, npy
from trainwright.data.read.layout import unwrap
from trainwright.data.read.tables import read_table
from trainwright.data.tables.split import NAMES

SOURCES = (idx, npy, named_images, image_folders)
HEAD_BYTES = 512


def holds_images(path: Path) -> bool:
    """Return whether ``path`` is a folder of images, of IDX files, or a file of IDX or NumPy. Raise E101 or E102.

    A table that names image files is found by ``image_folders.image_column``.
    """
    return _source(path) is not None


def _source(path: Path) -> Any:
    require(path)
    head = b""
    if path.is_file():
        with suppress(OSError), path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    return next((each for each in SOURCES if each.holds(path, head)), None)


def read_pictures(path: Path) -> dict[str, Pictures]:
    """Return the pictures by split, of IDX files perhaps without ``train``. Files are not decoded.

    Raise E101 to E120 for what cannot be read, E141 to E149 for what holds no usable pictures, E201 to E205 for columns.
    """
    require(path)
    path = unwrap(path) if path.is_dir() else path
    source = _source(path)
    if source is None and not path.is_dir():
        return {"train": image_folders.read_listed(read_table(path))}
    parts = (source or image_folders).read(path)
    return {part: parts[part] for part in NAMES if part in parts}


def read_array(path: Path) -> np.ndarray:
    """Return the images of a file of IDX or NumPy without their labels. Raise SourceError."""
    found: np.ndarray = _source(path).read_array(path)
    return found


def of_split(parts: dict[str, Pictures], part: str) -> Pictures:
    """Return those of ``part``; where there are none, those to train on, or the only ones."""
    return parts[next((name for name in (part, "train") if name in parts), next(iter(parts)))]
