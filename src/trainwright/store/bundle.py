"""The model to keep: safetensors and JSON in one folder. Loading it runs no code from the folder.

model.json            format, task, model name and settings, labels, encoder settings, columns
model.safetensors     parameters and buffers
encoder.safetensors   arrays of the encoder (n-gram keys, document frequencies)
vocabulary.json       tokens by id
README.md             what it is and how to use it, for a person
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from trainwright.errors import error
from trainwright.store.atomic import write_folder

FORMAT = 1


@dataclass
class Bundle:
    """What a model needs to be used: ``meta`` is JSON, ``weights`` the network's, ``arrays`` the encoder's."""

    meta: dict[str, Any]
    weights: dict[str, Tensor]
    arrays: dict[str, np.ndarray]
    tokens: list[str]


def save(folder: Path, bundle: Bundle, card: str) -> None:
    """Write the bundle as a new folder, whole or not at all. Raises E402."""
    weights = {name: value.detach().cpu().contiguous() for name, value in bundle.weights.items()}
    files = {
        "model.json": json.dumps({"format": FORMAT, **bundle.meta}, indent=1).encode(),
        "model.safetensors": safetensors.torch.save(weights),
        "encoder.safetensors": safetensors.numpy.save(bundle.arrays),
        "vocabulary.json": json.dumps(bundle.tokens, ensure_ascii=False).encode(),
        "README.md": card.encode(),
    }
    write_folder(folder, files)


def load(folder: Path) -> Bundle:
    """Read a bundle. Raises E404 where a file is missing or damaged, E407 for a format of another version."""
    try:
        meta = json.loads((folder / "model.json").read_bytes())
        if meta["format"] != FORMAT:
            raise error("E407", found=meta["format"], known=FORMAT, where=str(folder))
        return Bundle(
            meta=meta,
            weights=safetensors.torch.load_file(folder / "model.safetensors"),
            arrays=safetensors.numpy.load_file(folder / "encoder.safetensors"),
            tokens=json.loads((folder / "vocabulary.json").read_bytes()),
        )
    except (
        OSError,
        KeyError,
        TypeError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        safetensors.SafetensorError,
    ) as problem:
        raise error("E404", path=folder, problem=problem) from None
