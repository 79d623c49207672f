"""Convert arrays of numbers to pictures: any usual shape and type to uint8 (rows, channels, height, width)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from trainwright.errors import error
from trainwright.watch.events import Note

CHUNK_VALUES = 1 << 24  # values converted at a time, so that memory stays near that of the result
SHAPES = "(rows, height, width), with 1, 3 or 4 channels after the rows or at the end, or (rows, pixels) of square pictures"
WANTED = "give those of pictures, 0 to 255 or 0 to 1"


def to_pixels(array: np.ndarray, name: str) -> np.ndarray:
    """Return one array as pictures, see ``convert``. ``name`` stands in messages. Raise SourceError E147."""
    return convert({name: array})[0][name]


def convert(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[Note]]:
    """Return uint8 pictures of shape (rows, 1 or 3, height, width), and notes on how their values were converted.

    The arrays are parts of one data set, so what their values mean (0 to 1, 0 to 255, 0 to 65,535) is decided once, for
    all of them. A fourth channel is transparency, and lies over white. Raise E147 for what is no pictures.
    """
    views: dict[str, np.ndarray] = {}
    shape_notes: list[Note] = []
    for name, array in arrays.items():
        views[name], note = _channels_first(array, name)
        shape_notes += [note] if note and note not in shape_notes else []
        if array.dtype.kind not in "buif":
            raise error("E147", name=name, why=f"its type is {array.dtype}")
    scale, notes = _scale(arrays)
    return {name: _over_white(_to_uint8(view, scale)) for name, view in views.items()}, notes + shape_notes


def _channels_first(array: np.ndarray, name: str) -> tuple[np.ndarray, Note | None]:
    """Return a view of shape (rows, channels, height, width), and a note where rows of values were made square. Raise E147."""
    shape = array.shape
    if 0 in shape:
        raise error("E147", name=name, why=f"its shape is {shape}: it is empty")
    if len(shape) == 3:
        return array[:, None], None
    if len(shape) == 4:
        last, first = shape[3] in (1, 3, 4), shape[1] in (1, 3, 4)
        if last and first:  # very small pictures: the reading that makes them more nearly square
            last = abs(shape[2] - shape[3]) >= abs(shape[1] - shape[2])
        if last or first:
            return array.transpose(0, 3, 1, 2) if last else array, None
    if len(shape) == 2 and shape[1] > 3:
        for channels, planes in ((1, ""), (3, ": a red, a green and a blue plane")):
            side = math.isqrt(shape[1] // channels)
            if side * side * channels == shape[1]:
                note = Note("shape", f"{side} x {side}", f"rows of {shape[1]:,} values{planes}")
                return array.reshape(len(array), channels, side, side), note
    raise error("E147", name=name, why=f"its shape is {shape}; pictures have {SHAPES}")


def to_labels(array: np.ndarray, name: str) -> pl.Series:
    """Return labels as text, shape (rows,); null for an empty one. Raise SourceError E147."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        why = f"its shape is {array.shape}; labels are one value a row (of one-hot rows, the argmax)"
        raise error("E147", name=name, why=why)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and (array == np.round(array)).all()):
            raise error("E147", name=name, why="its values have fractions, so they are no classes")
        array = array.astype(np.int64)
    if array.dtype.kind not in "buiU":
        raise error("E147", name=name, why=f"its type is {array.dtype}; labels are whole numbers or text")
    if array.dtype.kind == "U":
        texts = pl.Series(array.tolist(), dtype=pl.String)
        return texts.set(texts.str.strip_chars() == "", None)
    return pl.Series(array).cast(pl.String)


def _scale(arrays: Mapping[str, np.ndarray]) -> tuple[float, list[Note]]:
    """Return the factor that brings every value into 0..255, and notes on it."""
    kinds = {array.dtype for array in arrays.values()}
    if kinds == {np.dtype(np.uint8)}:
        return 1.0, []
    if kinds == {np.dtype(bool)}:
        return 255.0, [Note("values", "times 255", "they are true or false")]
    ranges = {name: (float(array.min()), float(array.max())) for name, array in arrays.items()}
    for name, (low, high) in ranges.items():
        if not (math.isfinite(low) and math.isfinite(high)):
            raise error("E147", name=name, why="it has values that are not finite")
        if low < 0:
            raise error("E147", name=name, why=f"its values run from {low:g} to {high:g}; {WANTED}")
    widest = max(ranges, key=lambda name: ranges[name][1])
    top = ranges[widest][1]
    floats = any(kind.kind == "f" for kind in kinds)
    if floats and top <= 1:
        return 255.0, [Note("values", "times 255", "they are fractions from 0 to 1")]
    if top <= 255:
        return 1.0, [Note("values", "rounded", f"they are numbers up to {top:g}")] if floats else []
    if kinds == {np.dtype(np.uint16)}:
        return 1 / 257, [Note("values", "divided by 257", f"they have 16 bits and reach {top:,.0f}")]
    raise error("E147", name=widest, why=f"its values reach {top:g}; {WANTED}")


def _to_uint8(pictures: np.ndarray, scale: float) -> np.ndarray:
    if pictures.dtype == np.uint8 and scale == 1:
        return np.require(pictures, requirements=["C", "W"])  # torch warns of arrays that are read-only
    result = np.empty(pictures.shape, np.uint8)
    rows = max(1, CHUNK_VALUES // max(1, math.prod(pictures.shape[1:])))
    for start in range(0, len(pictures), rows):
        part = pictures[start : start + rows].astype(np.float64)
        result[start : start + rows] = np.floor(part * scale + 0.5)
    return result


def _over_white(pictures: np.ndarray) -> np.ndarray:
    if pictures.shape[1] != 4:
        return pictures
    alpha = pictures[:, 3:].astype(np.uint16)
    return ((pictures[:, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
