"""Encoded data, kept under a fingerprint of the content and of everything that shaped it: settings, code and libraries.

A cache may be deleted at any time. It never grows beyond ``LIMIT``: the entries used longest ago go first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import safetensors
import safetensors.numpy

from trainwright.data.files.spool import IN_MEMORY, cache_folder
from trainwright.errors import TrainwrightError
from trainwright.store.atomic import new_folder, sync, write_synced

LIMIT = 4 << 30
LARGE = "large-"  # how the names of files begin that hold one array each; and under what the values name them


@cache
def code_digest() -> str:
    """Return a digest that changes when any line of the code that shapes encoded data does."""
    versions = [version(each) for each in ("polars", "numpy", "pillow", "tokenizers")]
    digest = hashlib.blake2b(":".join(versions).encode(), digest_size=16)
    package = Path(__file__).parents[2]
    rooms = (*(package / "data").rglob("*.*"), *(package / "tasks").rglob("*.py"), package / "evaluation" / "audit.py")
    for path in sorted(path for path in rooms if path.suffix in (".py", ".json")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def fingerprint(content: str, shaping: Mapping[str, Any]) -> str:
    """Return the name of an entry: of the content's digest, everything that shaped the encoding, and the code."""
    parts = json.dumps([content, shaping, code_digest()], sort_keys=True, default=str)
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


def load(key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Return an entry's values and arrays, or None. Large arrays are left on the disk until they are used, and read-only."""
    place = cache_folder() / "encoded" / key
    try:
        values = json.loads((place / "values.json").read_bytes())
        arrays = safetensors.numpy.load_file(place / "arrays.safetensors")
        for name in values.pop(LARGE):
            arrays[name] = np.asarray(np.load(_large(place, name), mmap_mode="r", allow_pickle=False))
        os.utime(place)
    except (OSError, ValueError, KeyError, EOFError, safetensors.SafetensorError):
        return None
    return values, arrays


def _large(place: Path, name: str) -> Path:
    return place / f"{LARGE}{quote(name, safe='')}.npy"


def save(key: str, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Keep an entry; a cache that cannot be written is no reason to stop a run."""
    place = cache_folder() / "encoded" / key
    size = sum(array.nbytes for array in arrays.values())
    if size > LIMIT // 2:
        return
    try:
        _make_room(place.parent, LIMIT - size)
        large = {name: array for name, array in arrays.items() if array.nbytes > IN_MEMORY}
        small = {name: array for name, array in arrays.items() if name not in large}
        shutil.rmtree(place, ignore_errors=True)  # what is there could not be read
        with new_folder(place) as filled:
            write_synced(filled / "values.json", json.dumps({**values, LARGE: list(large)}).encode())
            write_synced(filled / "arrays.safetensors", safetensors.numpy.save(small))
            for name, array in large.items():  # without a copy in memory
                np.save(_large(filled, name), array, allow_pickle=False)
                sync(_large(filled, name))
    except (OSError, TrainwrightError):
        return


def _make_room(place: Path, limit: int) -> None:
    """Remove the entries used longest ago until the rest fits."""
    entries = sorted(place.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True) if place.is_dir() else []
    total = 0
    for entry in entries:
        total += sum(file.stat().st_size for file in entry.iterdir())
        if total > limit:
            shutil.rmtree(entry, ignore_errors=True)
