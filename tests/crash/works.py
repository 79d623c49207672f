"""Four small trainings with everything on that a resume could get wrong: what the crash tests stop, break and compare."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from samples import news_rows, write_csv

BY_STEP = {"name": "StepLR", "step_size": 2, "gamma": 0.95, "every": "step"}
BY_EPOCH = {"name": "ReduceLROnPlateau", "patience": 0, "factor": 0.5, "threshold": 0.2, "every": "epoch"}
COMMON: dict[str, Any] = {
    "epochs": 3, "accumulate": 2, "patience": 2, "monitor": "loss", "checkpoint_every": "3steps", "device": "cpu", "threads": 1,
    "speed": "off", "seed": 7, "warmup": 2, "schedule": [BY_STEP, BY_EPOCH], "valid_fraction": 0.2, "test_fraction": 0.2,
}  # fmt: skip

WORKS: dict[str, dict[str, Any]] = {
    "text": {
        "model": {"name": "bag", "embedding": 6, "ngrams": 2, "chars": [3], "weighting": "tf-idf", "dropout": 0.3, "l2": 0.001},
        "min_count": 1, "batch_size": 5, "optimizer": {"name": "Adagrad"}, "lr": 0.05,
    },
    "image": {
        "model": {"name": "convnet", "channels": [4, 6], "dropout": 0.2}, "batch_size": 6,
        "augment": ["shift", "flip", "mixup"], "optimizer": {"name": "SGD", "momentum": 0.9, "nesterov": True}, "lr": 0.02,
    },
    "table": {
        "model": {"name": "mlp", "hidden": [8], "dropout": 0.2}, "batch_size": 9,
        "optimizer": {"name": "SGD", "momentum": 0.9}, "lr": 0.05,
    },
    "language": {
        "model": {"name": "lstm", "hidden": 8, "embedding": 8, "layers": 1, "dropout": 0.2}, "batch_size": 8, "context": 34,
        "optimizer": {"name": "AdamW"}, "lr": 0.01, "max_vocabulary": 60, "precision": "bfloat16",
    },
}  # fmt: skip


def settings(work: str) -> dict[str, Any]:
    """What ``tw.train`` is given."""
    return {**COMMON, **WORKS[work]}


def write_source(work: str, folder: Path) -> Path:
    """The data of a work: rows all distinct, and no two windows of an epoch alike in size."""
    draw = random.Random(3)
    folder.mkdir(parents=True, exist_ok=True)
    if work == "text":
        return write_csv(folder / "news.csv", news_rows(130))
    if work == "image":
        for number, pixels in enumerate(np.random.default_rng(3).integers(0, 256, (78, 8, 8), np.uint8)):
            place = folder / "pictures" / ("left", "right", "none")[number % 3]
            place.mkdir(parents=True, exist_ok=True)
            pixels[:, : 3 * (number % 3)] //= 3
            Image.fromarray(pixels).save(place / f"{number:02}.png")
        return folder / "pictures"
    if work == "table":
        rows = [(str(draw.random()), str(draw.gauss(0, 1)), draw.choice("abc")) for _ in range(110)]
        labelled = [("yes" if float(a) + 0.3 * float(b) > 0.5 else "no", a, b, c) for a, b, c in rows]
        return write_csv(folder / "table.csv", labelled, ("label", "first", "second", "third"))
    words = [f"w{number}" for number in range(50)]
    lines = [" ".join(draw.choices(words, weights=range(50, 0, -1), k=12)) for _ in range(90)]
    (folder / "prose.txt").write_text("\n".join(lines) + "\n")
    return folder / "prose.txt"
