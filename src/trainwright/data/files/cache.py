"""Encoded data, kept under a fingerprint of the content and of everything that shaped it: settings, code and libraries.

An entry may be deleted at any time, and is under a seal, so that nothing but what was put into it is ever trained on. The
cache never grows beyond ``cache_folder.LIMIT``: the entries used longest ago go first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import safetensors
import safetensors.numpy

from trainwright.data.files import cache_folder
from trainwright.data.files.folders import absolute, is_path
from trainwright.data.files.spool import IN_MEMORY
from trainwright.errors import TrainwrightError, in_short
from trainwright.store import seal
from trainwright.store.atomic import new_folder, sync, write_synced
from trainwright.watch.events import Listener, Note, ignore

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


def load(key: str, listen: Listener = ignore) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Return an entry's values and arrays, or None. Large arrays are left on the disk until they are used, and read-only.

    Every byte is checked. An entry that is not as it was written is said, and removed.
    """
    place = cache_folder.encoded_folder() / key
    try:
        if not os.path.lexists(place):
            return None
        seal.check(place)
        values = json.loads((place / "values.json").read_bytes())
        arrays = safetensors.numpy.load_file(place / "arrays.safetensors")
        for name in values.pop(LARGE):
            arrays[name] = np.asarray(np.load(_large(place, name), mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, KeyError, EOFError, TrainwrightError, safetensors.SafetensorError) as problem:
        if os.path.lexists(place):  # else another process made room
            listen(Note("cache", "damaged", f"{in_short(problem)}; read and encoded again"))
            with suppress(OSError):
                cache_folder.remove(place)
        return None
    with suppress(OSError):  # a cache that can only be read
        os.utime(place)
    return values, arrays


def _large(place: Path, name: str) -> Path:
    return place / f"{LARGE}{quote(name, safe='')}.npy"


def save(key: str, source: str, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str | None:
    """Keep an entry of a source; return why it cannot be kept, which is no reason to stop a run."""
    place = cache_folder.encoded_folder() / key
    size = sum(array.nbytes for array in arrays.values())
    if size > cache_folder.LIMIT // 2:
        return None
    try:
        with cache_folder.writing() as mine:
            if not mine or place.exists():  # another process was faster
                return None
            cache_folder.make_room(cache_folder.LIMIT - size)
            large = {name: array for name, array in arrays.items() if array.nbytes > IN_MEMORY}
            small = {name: array for name, array in arrays.items() if name not in large}
            with new_folder(place) as filled:
                write_synced(filled / "values.json", json.dumps({**values, LARGE: list(large)}).encode())
                write_synced(filled / "arrays.safetensors", safetensors.numpy.save(small))
                for name, array in large.items():  # without a copy in memory
                    np.save(_large(filled, name), array, allow_pickle=False)
                    sync(_large(filled, name))
                seal.close(filled, {"source": absolute(source) if is_path(source) else source})
    except OSError as problem:
        return f"{place.parent}: {problem.strerror or problem}"
    except TrainwrightError as problem:
        return in_short(problem)
    return None
