"""IDX files, the format of MNIST (images ``...-images-idx3-ubyte``, labels ``...-labels-idx1-ubyte``), gzipped or not.

Promises: the header is checked against the file before memory is taken for what it declares; a file that is longer or
shorter than its header says is refused as a whole.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from trainwright.data.files.content import MAX_EXPANSION, SMALL_EXPANSION
from trainwright.data.files.folders import PARTS, entries
from trainwright.data.images.arrays import convert, to_labels
from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.errors import error
from trainwright.watch.events import Note

_TYPES = {0x08: "ubyte", 0x09: "byte", 0x0B: "short", 0x0C: "int", 0x0D: "float", 0x0E: "double"}
_GZIP = b"\x1f\x8b"
_PARTS = PARTS | {"t10k": "test"}
_HEAD = 4 + 4 * 255  # bytes of the longest header
CHUNK = 1 << 16  # bytes read at a time


def holds(path: Path, head: bytes) -> bool:
    """Return whether a folder has images files, by their names, or a file begins with at least two axes, packed or not."""
    if path.is_dir():
        return bool(_images(_by_name(entries(path))))
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, 4)
        except zlib.error:
            return False
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _TYPES and head[3] >= 2


def read(path: Path) -> dict[str, Pictures]:
    """Return the pictures of a folder by split (train, valid, test), told by the names of its files; of one images file, train.

    Raise E144 for images without labels, E145 for more than one pair for a split, and what ``read_pair`` raises.
    """
    if path.is_file():
        return {"train": read_pair(path, _labels_of(path, _by_name(entries(path.parent))))}
    files = _by_name(entries(path))
    found: dict[str, tuple[Path, Path]] = {}
    for name in _images(files):
        images = files[name]
        parts = {_PARTS[word] for word in name.split("-") if word in _PARTS} or {"train"}
        part = parts.pop()
        if parts or part in found:
            raise error("E145", path=path, one=found[part][0].name if part in found else images.name, two=images.name)
        found[part] = images, _labels_of(images, files)
    return {part: read_pair(*pair) for part, pair in found.items()}


def _images(files: Iterable[str]) -> list[str]:
    return [name for name in files if "-images-" in f"-{name}"]


def read_pair(images: Path, labels: Path) -> Pictures:
    """Return the pictures of an images file under the labels of a labels file.

    Raise E102, E143 for a file that is damaged or of another kind, E146 for counts that differ, E147.
    """
    pixels, values = read_array(images), read_array(labels)
    if pixels.ndim < 3:
        raise error("E143", path=images, why=f"it has {pixels.ndim} axes, so it holds no images")
    if values.ndim != 1:
        raise error("E143", path=labels, why=f"it has {values.ndim} axes, so it holds no labels")
    if len(pixels) != len(values):
        raise error("E146", images=images, labels=labels, pictures=f"{len(pixels):,}", count=f"{len(values):,}")
    converted, notes = convert({str(images): pixels})
    pictures = from_pixels(str(images), to_labels(values, str(labels)), converted[str(images)])
    pictures.notes += [
        Note("format", "IDX", "by its first bytes"),
        Note("labels", labels.name, "the file of that name beside it"),
        *notes,
    ]
    return pictures


def read_array(path: Path) -> np.ndarray:
    """Return the array of an IDX file: uint8, any shape. Raise E102 or E143."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            return _read(path, gzip.GzipFile(fileobj=file) if packed else file, packed)
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise error("E143", path=path, why=f"its gzip data is damaged: {problem}") from problem
    except EOFError as problem:
        raise error("E143", path=path, why="its gzip data is truncated") from problem
    except OSError as problem:
        raise error("E102", path=path, why=problem.strerror or problem) from problem


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, packed: bool) -> np.ndarray:
    data, size = bytearray(file.read(_HEAD)), path.stat().st_size
    shape, start = _header(path, data)
    expected = start + math.prod(shape)
    if packed and expected > max(SMALL_EXPANSION, MAX_EXPANSION * size):
        raise error("E143", path=path, why=f"its header declares {expected:,} bytes, which {size:,} cannot hold")
    while len(data) <= expected and (chunk := file.read(CHUNK)):  # to the end, where the checksum is
        data += chunk
    if len(data) != expected:
        found = f"more than {expected:,}" if len(data) > expected else f"{len(data):,}"
        declared = " x ".join(map(str, shape))
        raise error("E143", path=path, why=f"its header declares {declared} values, {expected:,} bytes; it has {found}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _header(path: Path, data: bytearray) -> tuple[tuple[int, ...], int]:
    """Return the shape, and where the values begin."""
    if len(data) < 4 or bytes(data[:2]) != b"\0\0" or data[2] not in _TYPES or data[3] == 0:
        raise error("E143", path=path, why=f"it begins with {bytes(data[:4]).hex(' ') or 'nothing'}")
    if data[2] != 0x08:
        raise error("E143", path=path, why=f"its values are of type {_TYPES[data[2]]}; only ubyte is read")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise error("E143", path=path, why="it ends within its header")
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    if 0 in shape:
        raise error("E143", path=path, why=f"its header declares {' x '.join(map(str, shape))} values: it is empty")
    return shape, start


def _plain(path: Path) -> str:
    """Return the name as the original files have it: ``t10k-images-idx3-ubyte`` for ``T10k.images.idx3-ubyte.gz``."""
    return path.name.lower().removesuffix(".gz").replace(".", "-").replace("_", "-")


def _by_name(files: Iterable[Path]) -> dict[str, Path]:
    """Return IDX files by their plain names; of a file and its packed copy, the file."""
    packed_first = sorted((file for file in files if file.is_file()), key=lambda file: file.suffix.lower() != ".gz")
    return {_plain(file): file for file in packed_first if "idx" in file.name.lower() and "ubyte" in file.name.lower()}


def _labels_of(images: Path, files: dict[str, Path]) -> Path:
    name = _plain(images)
    wanted = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    if wanted == name or wanted not in files:
        raise error("E144", path=images, missing="a labels file beside it", name=wanted)
    return files[wanted]
