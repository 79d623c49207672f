"""Pictures as arrays, and files of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from picture_samples import noise

from trainwright.data.read.images import read_pictures

GREY, COLOUR = noise(4, 6, 5), noise(4, 6, 5, 3)


LABELS = np.array([3, 1, 3, 0])


def saved(path: Path, **arrays: Any) -> Path:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def pixels_of(images: Any, tmp_path: Path) -> np.ndarray:
    pixels = read_pictures(saved(tmp_path / "a.npz", x=images, y=np.arange(len(images))))["train"].pixels
    assert pixels is not None
    return pixels
