"""NumPy's files as labelled pictures: .npz with images and labels by split, .npy with the labels in a second file.

Promises: nothing is unpickled; the header of an array is checked against the file before memory is taken for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from trainwright.data.files.content import MAX_EXPANSION, SMALL_EXPANSION
from trainwright.data.files.folders import PARTS
from trainwright.data.images.arrays import convert, to_labels
from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.errors import TrainwrightError, error
from trainwright.watch.events import Note

Pair = tuple[str, str, np.ndarray, np.ndarray]  # names of images and labels, images, labels

_NPY = b"\x93NUMPY"
_IMAGES = ("x", "images", "image", "data", "pixels")
_LABELS = ("y", "labels", "label", "target", "targets")
_BESIDE = ("{stem}_labels.npy", "{stem}-labels.npy", "labels.npy", "y.npy")


def holds(path: Path, head: bytes) -> bool:
    """Return whether a file is an .npy file, or an .npz file by its name and first bytes."""
    return head.startswith(_NPY) or (head.startswith(b"PK") and path.suffix.lower() == ".npz")


def read(path: Path) -> dict[str, Pictures]:
    """Return the splits (train, valid, test) of an .npz file; of an .npy file, train.

    Raise E102, E148 for a file that is damaged, lacks arrays or holds objects, E146 for counts that differ, E147.
    """
    found = _from_npy(path) if path.suffix.lower() != ".npz" else _from_npz(path)
    for images, labels, pictures, classes in found.values():
        if len(pictures) != len(classes):
            raise error("E146", images=images, labels=labels, pictures=f"{len(pictures):,}", count=f"{len(classes):,}")
    pixels, notes = convert({f"{path}, {part}": found[part][2] for part in found})
    result = {}
    for part, (images, labels, _, classes) in found.items():
        result[part] = from_pixels(str(path), to_labels(classes, labels), pixels[f"{path}, {part}"])
        result[part].notes += [Note("images", images, "by its name"), Note("labels", labels, "by its name"), *notes]
    return result


def read_array(path: Path) -> np.ndarray:
    """Return the images of an .npy or .npz file without their labels; of several arrays of images, the test split's.

    Raise E102, E148 for a file that is damaged, holds objects or no array that is called images.
    """
    if path.suffix.lower() != ".npz":
        return _read_npy(path)
    with _understood(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        found = {part: kinds["x"] for part, kinds in _kinds(archive.files).items() if "x" in kinds}
        key = next((found[part] for part in ("test", "valid", "train") if part in found), "")
        if not key and len(archive.files) != 1:
            raise error("E148", path=path, why=f"its arrays are called {', '.join(archive.files)[:200] or 'nothing'}")
        return _member(archive, path, key or archive.files[0])


def _from_npy(path: Path) -> dict[str, Pair]:
    names = [pattern.format(stem=path.stem) for pattern in _BESIDE]
    beside = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if beside is None or beside == path:
        raise error("E148", path=path, why=f"no file of labels is beside it ({' or '.join(names)})")
    return {"train": (path.name, beside.name, _read_npy(path), _read_npy(beside))}


def _read_npy(path: Path) -> np.ndarray:
    with _understood(path), path.open("rb") as file:
        return _read(file, path, path.name, path.stat().st_size)


def _from_npz(path: Path) -> dict[str, Pair]:
    with _understood(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        pairs = {part: (pair["x"], pair["y"]) for part, pair in _kinds(archive.files).items() if len(pair) == 2}
        if "train" not in pairs:
            raise error("E148", path=path, why=f"its arrays are called {', '.join(archive.files)[:200] or 'nothing'}")
        return {part: (x, y, _member(archive, path, x), _member(archive, path, y)) for part, (x, y) in pairs.items()}


def _member(archive: Any, path: Path, key: str) -> np.ndarray:
    """Return one array of an .npz file that is open."""
    limit = max(SMALL_EXPANSION, MAX_EXPANSION * path.stat().st_size)
    entry = next(each for each in archive.zip.infolist() if each.filename.removesuffix(".npy") == key)
    if entry.file_size > limit:
        raise error("E148", path=path, why=f"array '{key}' grows to {entry.file_size:,} bytes when it is unpacked")
    with archive.zip.open(entry) as member:
        return _read(member, path, key, entry.file_size)


def _kinds(keys: list[str]) -> dict[str, dict[str, str]]:
    """Return names of images (x) and labels (y) by split: the words of a name say the split and which of the two it is."""
    found: dict[str, dict[str, str]] = {}
    for key in keys:
        words = key.lower().replace("-", "_").split("_")
        part = next((PARTS[word] for word in words if word in PARTS), "train")
        for kind, names in (("x", _IMAGES), ("y", _LABELS)):
            if any(word in names for word in words):
                found.setdefault(part, {}).setdefault(kind, key)
    return found


def _read(file: IO[bytes], path: Path, name: str, size: int) -> np.ndarray:
    """Return the array of an .npy stream of ``size`` bytes, once its header is found to fit them."""
    version = npy.read_magic(file)
    shape, fortran, kind = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    if kind.hasobject:
        raise error("E148", path=path, why=f"array '{name}' holds Python objects (a pickle), which are never opened")
    if kind.names or kind.itemsize == 0:
        raise error("E148", path=path, why=f"array '{name}' is of type {kind}")
    declared = math.prod(shape) * kind.itemsize
    if declared > size:
        raise error("E148", path=path, why=f"array '{name}' declares {declared:,} bytes and has fewer than {size:,}")
    data = bytearray(file.read(declared))
    if len(data) != declared:
        raise error("E148", path=path, why=f"array '{name}' declares {declared:,} bytes and has {len(data):,}")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Raise E102 for a file that cannot be read, and E148 for damage, which shows as errors of many kinds."""
    try:
        yield
    except TrainwrightError:
        raise
    except OSError as problem:
        raise error("E102", path=path, why=problem.strerror or problem) from problem
    except Exception as problem:
        raise error("E148", path=path, why=f"it is damaged: {problem or type(problem).__name__}") from problem
