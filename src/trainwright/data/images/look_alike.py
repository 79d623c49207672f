"""Pictures that look nearly the same: scaled, compressed again, a little lighter or cut, or the next frame of a film.

Each picture becomes ``SIDE`` x ``SIDE`` grey values, and 128 bits that say where it gets lighter from left to right and from
top to bottom (the difference hash of Krawetz 2013). Pictures that agree in some of the bits are compared, value by value.
Linear in the pictures.
"""

from __future__ import annotations

import numpy as np

SIDE = 16
CLOSE = 0.985  # correlation of the grey values of pictures that look nearly the same
FLAT = 1.0  # deviation of the grey values, of 255, of a picture of a single colour
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601), of which JPEG keeps most
_HASH = 8
_TABLES, _BITS = 16, 20  # of the bits, drawn at random, so many at a time
_ORDER = 30  # further bits, by which pictures of a bucket are put in order
_NEIGHBOURS = 3  # later pictures of a bucket that one is compared with
COMPARED = 4096  # pairs at a time


def grey(pixels: np.ndarray) -> np.ndarray:
    """Return pictures, uint8 (rows, channels, height, width), as grey values: float32 (rows, SIDE, SIDE), means of areas."""
    weights = _LUMA if pixels.shape[1] == len(_LUMA) else np.full(pixels.shape[1], 1 / pixels.shape[1], np.float32)
    return _shrunk(np.tensordot(weights, pixels.astype(np.float32), (0, 1)), SIDE, SIDE)


def _shrunk(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the means of the areas of a grid of this size: float32 (rows, height, width)."""
    found: np.ndarray = _areas(values.shape[1], height) @ values @ _areas(values.shape[2], width).T
    return found


def _areas(length: int, parts: int) -> np.ndarray:
    """Return how much of each of ``parts`` equal parts of a side every pixel is: float32 (parts, length)."""
    ends, pixels = np.linspace(0, length, parts + 1)[:, None], np.arange(length)[None]
    inside = np.minimum(ends[1:], pixels + 1) - np.maximum(ends[:-1], pixels)
    found: np.ndarray = np.maximum(inside, 0) * parts / length
    return found.astype(np.float32)


def flat(values: np.ndarray) -> np.ndarray:
    """Return which pictures, as ``grey`` returns them, have a single colour: bool (rows,)."""
    found: np.ndarray = values.std(axis=(1, 2)) < FLAT
    return found


def alike(values: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return pairs of pictures that look nearly the same, int64 (pairs, 2), the smaller number first, sorted.

    ``values`` are as ``grey`` returns them; pictures of a single colour, and equal ones by ``kinds`` (numbers, equal for
    pictures of equal content), are no pairs.
    """
    standard = values.reshape(len(values), SIDE * SIDE)
    standard = standard - standard.mean(axis=1, keepdims=True)
    standard /= np.maximum(np.sqrt((standard**2).sum(axis=1, keepdims=True)), 1e-6)
    usable = np.flatnonzero(~flat(values))
    pairs = _candidates(_bits(values[usable]), usable)
    pairs = pairs[kinds[pairs[:, 0]] != kinds[pairs[:, 1]]]
    parts = [pairs[at : at + COMPARED] for at in range(0, len(pairs), COMPARED)]
    close = [np.einsum("pv,pv->p", standard[part[:, 0]], standard[part[:, 1]]) >= CLOSE for part in parts]
    found: np.ndarray = pairs[np.concatenate(close)] if close else pairs
    return found


def _bits(values: np.ndarray) -> np.ndarray:
    """Return the difference hash of each picture: bool (rows, 128)."""
    wide, high = _shrunk(values, _HASH, _HASH + 1), _shrunk(values, _HASH + 1, _HASH)
    sides = [np.diff(wide, axis=2) > 0, np.diff(high, axis=1) > 0]
    return np.concatenate([each.reshape(len(values), _HASH * _HASH) for each in sides], axis=1)


def _candidates(bits: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return pairs of pictures that agree in some of the bits, and stand next to each other among those that do."""
    draw, bits = np.random.default_rng(0), bits.astype(np.float64)  # the same bits at all times; sums up to 2**53 are exact
    found = [np.zeros((0, 2), np.int64)]
    for _ in range(_TABLES):
        chosen = draw.permutation(bits.shape[1])[: _BITS + _ORDER]
        both = bits[:, chosen] @ 2.0 ** np.arange(_BITS + _ORDER)[::-1]
        order = both.argsort(kind="stable")
        keys = np.floor(both / 2.0**_ORDER)
        for step in range(1, _NEIGHBOURS + 1):
            one, other = order[:-step], order[step:]
            there = keys[one] == keys[other]
            found.append(np.sort(np.stack([numbers[one[there]], numbers[other[there]]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0)
