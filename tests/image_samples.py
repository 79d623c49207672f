"""Small labelled pictures that a network learns in seconds: a bright bar that lies or stands, or a square."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

SHAPES = ("lying", "standing", "square")


def bars(count: int, seed: int = 0, side: int = 12, colour: bool = False) -> tuple[np.ndarray, list[str]]:
    """uint8 (count, side, side), with a last axis of 3 where they are in colour; and the name of the shape in each."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (count, side, side, 3), np.uint8)
    labels = [SHAPES[number % 3] for number in range(count)]
    for picture, label in zip(pixels, labels, strict=True):
        height, width = {"lying": (2, 7), "standing": (7, 2), "square": (4, 4)}[label]
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        picture[top : top + height, left : left + width] = random.integers(150, 255, 3)
    return pixels if colour else pixels[..., 0], labels


def write_folder(folder: Path, pixels: np.ndarray, labels: list[str]) -> Path:
    """One folder a class."""
    for number, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:04}.png")
    return folder


def write_idx(path: Path, array: np.ndarray) -> Path:
    """An IDX file of unsigned bytes, packed where the name says so."""
    data = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
