"""Texts that are the same to a model, as it sees their tokens alone, and texts that are nearly so. Linear in the tokens.

Nearly the same are two texts of ``FEWEST`` tokens or more that share ``SHARED`` of all their runs of three tokens (their
Jaccard index), and two of ``WHOLE`` or more that share all but the three runs that one other word touches. They are looked for
by the smallest hashes of their runs (Broder 1997, "On the resemblance and containment of documents"): texts that agree in two
of these, twice tried, are compared with the first of their kind. Of pairs that share 90 % of their runs 19 in 20 are found so.
A single word that was replaced leaves the first or the second half of a text as it was, so texts with the same half are
compared too.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from trainwright.data.text.ragged import to_offsets, value_indices
from trainwright.data.text.tokenize import Tokens

FEWEST = 8
SHARED = 0.8
WHOLE = 12  # tokens; of shorter texts one word is much of what they say
COMPARED = 4096  # pairs at a time
_RUN = 3
_STEP = 4  # tokens by which a half grows, so that one word more or less rarely makes it another
_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_SALTS = np.array([[0x243F6A8885A308D3, 0x13198A2E03707344], [0xA4093822299F31D0, 0x082EFA98EC4E6C89]], np.uint64)  # of pi


def alike(tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """Return two numbers for each text, uint64 (texts,): equal where all tokens are; equal where they nearly are.

    The first is the same on every machine, the second of one version of polars only; 0 stands for a text without tokens.
    """
    known = pl.Series(tokens.distinct, dtype=pl.String).hash().to_numpy()  # whatever the tokens' numbers are
    same, sketches = _hashes(tokens, known, token_digests(tokens.distinct))
    distinct = np.sort(np.unique(same, return_index=True)[1])  # of texts with the same tokens one is enough
    pairs = np.concatenate([_candidates(distinct, sketch) for sketch in sketches])
    pairs = np.unique(pairs[:, ::-1], axis=0)[:, ::-1]  # by the later text, so that the earlier one is settled before
    parts = [pairs[at : at + COMPARED] for at in range(0, len(pairs), COMPARED)]
    kept = [part[_nearly(tokens, known, part)] for part in parts]
    near: dict[int, int] = {}
    for first, other in np.concatenate([pairs[:0], *kept]).tolist():
        near[int(same[other])] = near.get(int(same[first]), int(same[first]))
    found = same.copy()
    if near:
        places = np.flatnonzero(np.isin(same, np.array(list(near), np.uint64)))
        found[places] = [near[each] for each in same[places].tolist()]
    return same, found


def text_digests(tokens: Tokens) -> np.ndarray:
    """Return the first number of ``alike``: uint64 (texts,)."""
    known = token_digests(tokens.distinct)
    return _hashes(tokens, known, known)[0]


def token_digests(tokens: pl.Series | Sequence[str]) -> np.ndarray:
    """Return a number for each token, the same on every machine: uint64. It is the CRC-32 of its UTF-8 bytes, mixed."""
    raw = np.fromiter((zlib.crc32(token.encode()) for token in tokens), np.uint64, len(tokens))
    return _mixed((raw + np.uint64(1)) * _GOLDEN)


def _hashes(tokens: Tokens, known: np.ndarray, stable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each text a digest of its tokens in order, and two sketches and its halves, 0 for a short one.

    They are uint64, of shape (texts,) and (4, texts). The digest is by ``stable``, the numbers of tokens that are the same
    everywhere, the sketches are by ``known``.
    """
    texts, most = len(tokens.offsets) - 1, int(np.diff(tokens.offsets).max(initial=0))
    weights = _mixed(np.arange(1, most + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)  # of the places in a text
    same, sketches = np.zeros(texts, np.uint64), np.zeros((4, texts), np.uint64)
    first = 0
    for codes, offsets in tokens.chunks():
        lengths, last = np.diff(offsets), first + len(offsets) - 1
        there, long = lengths > 0, lengths >= FEWEST
        words = known[codes]
        if there.any():
            placed = stable[codes] * weights[np.arange(len(codes)) - np.repeat(offsets[:-1], lengths)]
            same[first:last][there] = np.add.reduceat(placed, offsets[:-1][there]) | np.uint64(1)
            sketches[2:, first:last] = _halves(placed, words, offsets, weights)
        if long.any():
            runs, counts = _runs(words, offsets)
            begins, long = to_offsets(counts)[:-1][counts > 0], long[counts > 0]
            for sketch, salts in zip(sketches[:2], _SALTS, strict=True):
                least = [np.minimum.reduceat((runs ^ salt) * _GOLDEN, begins) for salt in salts]
                sketch[first:last][counts > 0] = np.where(long, (least[0] * _MIX + least[1]) | np.uint64(1), np.uint64(0))
        first = last
    return same, sketches


def _halves(placed: np.ndarray, words: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return digests of the first and of the last tokens of each text, as many each as half of it holds: uint64 (2, texts)."""
    lengths = np.diff(offsets)
    long = lengths >= WHOLE
    found = np.zeros((2, len(lengths)), np.uint64)
    if not long.any():
        return found
    halves = lengths[long] // 2 // _STEP * _STEP
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(placed, dtype=np.uint64)])
    begins, ends = offsets[:-1][long], offsets[1:][long]
    salts = _mixed(halves.astype(np.uint64)) * _GOLDEN
    found[0, long] = (sums[begins + halves] - sums[begins] + salts) | np.uint64(1)
    starts = to_offsets(halves)[:-1]
    places = np.arange(int(halves.sum())) - np.repeat(starts, halves)
    last = words[np.repeat(ends - halves, halves) + places] * weights[places]
    found[1, long] = (np.add.reduceat(last, starts) + salts) | np.uint64(1)
    return found


def _runs(words: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes of the runs of ``_RUN`` tokens of each text, uint64 (runs,), and how many each text has."""
    lengths = np.diff(offsets)
    ends = np.zeros(len(words) + 1, np.int8)  # the last tokens of a text begin no run
    for behind in range(1, _RUN):
        ends[offsets[1:][lengths >= behind] - behind] = 1
    begins = np.flatnonzero(ends[:-1] == 0)
    runs = words[begins] + words[begins + 1] * _MIX + words[begins + 2] * _GOLDEN
    return _mixed(runs), np.maximum(lengths - (_RUN - 1), 0)


def _mixed(values: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = (values ^ (values >> np.uint64(31))) * _MIX
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _candidates(texts: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Return pairs of texts, int64 (pairs, 2): the first one that has a sketch, and each later one that has it too."""
    texts = texts[sketch[texts] != 0]
    _, first, inverse = np.unique(sketch[texts], return_index=True, return_inverse=True)
    earlier = texts[first[inverse]]
    other = earlier != texts
    return np.stack([earlier[other], texts[other]], axis=1)


def _nearly(tokens: Tokens, known: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return which pairs of texts are nearly the same, by the runs that they share: bool, shape (pairs,)."""
    keys, numbers = [], []
    for texts in pairs.T:
        indices, lengths = value_indices(tokens.offsets, texts)
        runs, counts = _runs(known[tokens.codes[indices]], to_offsets(lengths))
        number = np.repeat(np.arange(len(pairs)), counts)
        key, first = np.unique(_mixed(runs + (number.astype(np.uint64) + np.uint64(1)) * _GOLDEN), return_index=True)
        keys.append(key)
        numbers.append(number[first])
    both = np.bincount(numbers[0][np.isin(keys[0], keys[1], assume_unique=True)], minlength=len(pairs))
    one, other = (np.bincount(each, minlength=len(pairs)) for each in numbers)
    fewer, more = np.minimum(one, other), np.maximum(one, other)
    a_word = (both >= more - _RUN) & (fewer >= WHOLE - _RUN + 1)
    return a_word | (both >= SHARED * np.maximum(one + other - both, 1))  # type: ignore[no-any-return]
