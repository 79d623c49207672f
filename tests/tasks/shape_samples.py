"""The calls that train on pictures of shapes, and what they made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import trainwright as tw

SMALL = {"epochs": 3, "model": {"name": "convnet", "channels": [8, 16]}, "lr": 0.01, "batch_size": 16}


def fit(source, out: Path, **options):
    return tw.train(source, out=out, listen=options.pop("listen", lambda event: None), **{**SMALL, **options})


def data(run) -> dict:
    return json.loads((run.path / "data.json").read_text())


def weights(run) -> dict[str, np.ndarray]:
    return load_file(run.path / "model" / "model.safetensors")


def same(one, two) -> bool:
    first, second = weights(one), weights(two)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)
