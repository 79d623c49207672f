"""The model to keep: safetensors and JSON in one folder. Loading it runs no code from the folder.

model.json            format, task, model name and settings, labels, encoder settings, columns
model.safetensors     parameters and buffers
encoder.safetensors   arrays of the encoder (n-gram keys, document frequencies)
vocabulary.json       tokens by id
README.md             what it is and how to use it, for a person
SEAL                  size and SHA-256 of each
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from trainwright.errors import error
from trainwright.plain_files import LARGEST
from trainwright.store import seal
from trainwright.store.atomic import new_folder, write_synced
from trainwright.store.seal import check_header, parse
from trainwright.store.tensors import Tensors

FORMAT = 2
WEIGHTS = "model.safetensors"
FILES = ("model.json", "encoder.safetensors", "vocabulary.json")
MOST = dict.fromkeys(("model.json", "vocabulary.json"), LARGEST)


@dataclass
class Bundle:
    """What a model needs to be used: ``meta`` is JSON, ``weights`` the network's, ``arrays`` the encoder's.

    Weights are arrays, as a model may be used without torch; those of a bundle that was loaded are read when they are needed.
    """

    meta: dict[str, Any]
    weights: Mapping[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    tokens: list[str]


def save(folder: Path, bundle: Bundle, card: str) -> None:
    """Write the bundle, whole or not at all; one that is there gives way. Raise E402."""
    weights = {name: np.asarray(each, order="C") for name, each in bundle.weights.items()}  # they are written as they lie
    files = {
        "model.json": json.dumps({"format": FORMAT, **bundle.meta}, indent=1).encode(),
        WEIGHTS: safetensors.numpy.save(weights),
        "encoder.safetensors": safetensors.numpy.save(bundle.arrays),
        "vocabulary.json": json.dumps(bundle.tokens, ensure_ascii=False).encode(),
        "README.md": card.encode(),
    }
    with new_folder(folder, replace=True) as place:
        for name, content in files.items():
            write_synced(place / name, content)
        seal.close(place, {})
        _carry_over(folder, place)


def _carry_over(folder: Path, place: Path) -> None:
    """Keep what a person has put beside the bundle that gives way; links as they are, wherever they lead."""
    for path in folder.iterdir() if folder.is_dir() else ():
        target = place / path.name
        if target.exists():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, target, symlinks=True)
        elif path.is_file() or path.is_symlink():
            shutil.copy2(path, target, follow_symlinks=False)


def load(folder: Path) -> Bundle:
    """Read a bundle. What is in it is whatever somebody wrote: ``tasks.bundle_schema`` says what may be in it.

    Raise E411 where a file is not as it was sealed, E407 for a format of another version; anything where it cannot be read.
    """
    named = seal.read(folder).files
    if WEIGHTS not in named:
        raise error("E411", path=folder / WEIGHTS, problem="it is not under the seal")
    files = seal.contents(folder, FILES, MOST)
    meta = parse(files["model.json"])
    if type(meta["format"]) is not int:
        raise ValueError("model.json: its format is no number")
    if meta["format"] != FORMAT:
        raise error("E407", found=meta["format"], known=FORMAT, where=str(folder))
    return Bundle(
        meta=meta,
        weights=Tensors(folder / WEIGHTS, *named[WEIGHTS]),
        arrays=safetensors.numpy.load(check_header(files["encoder.safetensors"])),
        tokens=parse(files["vocabulary.json"]),
    )
