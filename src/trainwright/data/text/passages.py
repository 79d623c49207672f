"""Running text cut where its own tokens say so, so that a passage is known again wherever it stands and whatever is before it.

A cut stands behind every run of ``RUN`` tokens whose digest has zeros for its last bits (content-defined chunking:
Muthitacharoen et al. 2001, "A low-bandwidth network file system"), on average every 32 tokens, or every 128 characters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RUN = 8
LETTERS = ("characters", "bytes")  # tokenizers whose tokens are less than words
BLOCK = 1 << 20  # tokens at a time
_BASE, _MIX = 0x9E3779B97F4A7C15, np.uint64(0xBF58476D1CE4E5B9)


def passages(tokens: np.ndarray, tokenizer: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where each passage ends, int64, and its digest, uint64; 0 for one too short to be known again.

    ``tokens`` are numbers of the tokens that are the same everywhere: uint64 (tokens,).
    """
    mean = 128 if tokenizer in LETTERS else 32
    ends, digests = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    first = 0
    while first < len(tokens):
        part = tokens[first : first + BLOCK]
        cuts, found = _cut(part, np.uint64(mean - 1))
        if first + len(part) < len(tokens) and len(cuts) > 1:  # the last passage may go on in the next block
            cuts, found = cuts[:-1], found[:-1]
        found[np.diff(cuts, prepend=0) < mean // 2] = 0
        ends.append(cuts + first)
        digests.append(found)
        first += int(cuts[-1])
    return np.concatenate(ends), np.concatenate(digests)


def run_length(tokenizer: str) -> int:
    """Return of how many tokens a run is that two texts do not share by chance: 50, as in Lee et al. 2022 ("Deduplicating
    training data makes language models better", arXiv:2107.06499), or as many characters as these have about."""
    return 200 if tokenizer in LETTERS else 50


def in_common(tokens: np.ndarray, others: np.ndarray, length: int) -> np.ndarray:
    """Return which tokens stand in a run of ``length`` that is also among the ``others``: bool (tokens,).

    Both are numbers of tokens. Linear in them: what is not in a table of bits is in neither.
    """
    runs, found = _run_digests(tokens, length), np.zeros(len(tokens) + 1, np.int64)
    bits = max(len(runs).bit_length() + 4, 16)
    shift, there = np.uint64(64 - bits), np.zeros(1 << bits, bool)
    there[runs >> shift] = True
    shared = [runs[:0]]
    for first in range(0, len(others) - length + 1, BLOCK):
        digests = _run_digests(others[first : first + BLOCK + length - 1], length)
        shared.append(np.unique(digests[there[digests >> shift]]))
    begins = np.flatnonzero(np.isin(runs, np.concatenate(shared)))
    found[begins] += 1
    found[begins + length] -= 1
    return found[:-1].cumsum() > 0


def _run_digests(tokens: np.ndarray, length: int) -> np.ndarray:
    """Return the digest of each run of so many tokens: uint64 (runs,)."""
    begins = np.arange(max(len(tokens) - length + 1, 0))
    return _digests((tokens.astype(np.uint64) + np.uint64(1)) * _MIX)(begins, begins + length)


def _digests(tokens: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what gives the digests of parts of a text by where they begin and end: polynomials of tokens modulo 2**64."""
    powers = np.full(len(tokens) + 1, _BASE, np.uint64)
    inverse = np.full(len(tokens) + 1, pow(_BASE, -1, 1 << 64), np.uint64)
    powers[0] = inverse[0] = 1
    powers, inverse = np.cumprod(powers), np.cumprod(inverse)
    sums = np.zeros(len(tokens) + 1, np.uint64)
    np.cumsum(tokens * powers[:-1], out=sums[1:])

    def digest(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        raw = (sums[ends] - sums[begins]) * inverse[begins]
        return (raw ^ (raw >> np.uint64(31))) * _MIX  # type: ignore[no-any-return]

    return digest


def _cut(tokens: np.ndarray, mask: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the passages of a block, and the digest of each."""
    digest, runs = _digests(tokens), np.arange(max(len(tokens) - RUN + 1, 0))
    cuts = runs[(digest(runs, runs + RUN) >> np.uint64(32) & mask) == 0] + RUN
    ends = np.append(cuts[cuts < len(tokens)], len(tokens))
    return ends, digest(np.append(0, ends[:-1]), ends) | np.uint64(1)


def of_each_token(ends: np.ndarray, digests: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which tokens stand in passages whose digests are among ``known``: bool (tokens,).

    A passage too short to be known by itself goes with the one before it.
    """
    there = np.isin(digests, known) & (digests != 0)
    told = np.maximum.accumulate(np.where(digests != 0, np.arange(len(digests)), 0))
    return np.repeat(there[told], np.diff(ends, prepend=0))
