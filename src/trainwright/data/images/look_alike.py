"""Pictures that look nearly the same: scaled, compressed again, a little lighter or cut, or the next frame of a film.

Each picture becomes ``SIDE`` x ``SIDE`` grey values, and 128 bits that say where it gets lighter from left to right and from
top to bottom (the difference hash of Krawetz 2013). Pictures that agree in some of the bits are compared, value by value.
Linear in the pictures.
"""

from __future__ import annotations

import numpy as np

SIDE = 16
CLOSE = 0.985  # correlation of the grey values of pictures that look nearly the same
COPY = 0.995  # and of copies, which thin strokes that are alike hardly reach
FLAT = 1.0  # deviation of the grey values, of 255, of a picture of a single colour
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601), of which JPEG keeps most
_HASH = 8
_TABLES, _BITS = 16, 20  # of the bits, drawn at random, so many at a time
_FEW, _APART = 6, 32  # tables in which copies are found, as they have nearly all bits in common; bits that they may not
_ORDER = 30  # further bits, by which pictures of a bucket are put in order
_NEIGHBOURS = 3  # later pictures of a bucket that one is compared with
COMPARED = 4096  # pairs at a time


AT_A_TIME = 512  # pictures that are made grey


def greys(pixels: np.ndarray) -> np.ndarray:
    """Return ``grey`` of many pictures."""
    parts = [grey(pixels[at : at + AT_A_TIME]) for at in range(0, len(pixels), AT_A_TIME)]
    return np.concatenate([np.zeros((0, SIDE, SIDE), np.float32), *parts])


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
    standard, usable = _standard(values), np.flatnonzero(~flat(values))
    pairs = _candidates(_bits(values[usable]), usable)
    pairs = pairs[kinds[pairs[:, 0]] != kinds[pairs[:, 1]]]
    close = [np.einsum("pv,pv->p", standard[part[:, 0]], standard[part[:, 1]]) >= CLOSE for part in _parts(pairs)]
    found: np.ndarray = pairs[np.concatenate(close)] if close else pairs
    return found


def copies(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which pictures are copies of one of the ``others``, scaled, compressed again or lighter: bool (rows,).

    Both are as ``grey`` returns them; those of a single colour are no copies.
    """
    bits, of_others = _bits(values), _bits(others)
    packed = [np.packbits(each, axis=1).view(np.uint64) for each in (bits, of_others)]
    draw, pairs = np.random.default_rng(0), [np.zeros((0, 2), np.int64)]
    for _ in range(_FEW if len(others) else 0):
        chosen = draw.permutation(bits.shape[1])[: _BITS + _ORDER]
        keys, known = (each[:, chosen] @ 2.0 ** np.arange(_BITS + _ORDER)[::-1] for each in (bits, of_others))
        order = known.argsort(kind="stable")
        place = np.searchsorted(known[order], keys)
        for step in (-1, 0):  # the two between which it stands
            near = order[np.clip(place + step, 0, len(order) - 1)]
            differ = np.bitwise_count(packed[0] ^ packed[1][near]).sum(axis=1)
            there = np.flatnonzero(differ <= _APART)
            pairs.append(np.stack([there, near[there]], axis=1))
    both, found = np.unique(np.concatenate(pairs), axis=0), np.zeros(len(values), bool)
    both = both[~flat(values[both[:, 0]])]
    close = [
        np.einsum("pv,pv->p", _standard(values[part[:, 0]]), _standard(others[part[:, 1]])) >= COPY for part in _parts(both)
    ]
    found[both[np.concatenate([np.zeros(0, bool), *close]), 0]] = True
    return found


def _parts(pairs: np.ndarray) -> list[np.ndarray]:
    """Return pairs, so many at a time that their grey values do not fill the memory."""
    return [pairs[at : at + COMPARED] for at in range(0, len(pairs), COMPARED)]


def _standard(values: np.ndarray) -> np.ndarray:
    """Return grey values with mean 0 and length 1: float32 (rows, SIDE * SIDE)."""
    found: np.ndarray = values.reshape(len(values), SIDE * SIDE)
    found = found - found.mean(axis=1, keepdims=True)
    found /= np.maximum(np.sqrt((found**2).sum(axis=1, keepdims=True)), 1e-6)
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
