"""What a language model must beat: counting words, and pairs of words.

Both give the loss in nats of each target that a model is scored on: every token of the split but the first, which is context
only. Both are estimated from the training tokens alone, have no parameter to tune, and give every id a probability
above zero, all of them together 1.

    P(w)     = (count(w) + kinds / size) / (tokens + kinds)         kinds: distinct tokens (Witten and Bell 1991, method C)
    P(w | v) = (max(count(v w) - D, 0) + D * followers(v) * Q(w)) / count(v *)     followers(v): distinct tokens after v

The second is interpolated Kneser-Ney (Chen and Goodman 1999): Q is the first formula with the number of distinct tokens before
w in place of count(w), and the discount is D = n1 / (n1 + 2 n2), where n1 and n2 pairs occur once and twice. After a token
that training never continued, it is P(w).
"""

from __future__ import annotations

import numpy as np

CHUNK_TOKENS = 1 << 22  # tokens whose pairs are sorted at a time


def unigram(train_ids: np.ndarray, ids: np.ndarray, size: int) -> np.ndarray:
    """Return the nats of each token of ``ids[1:]`` when only the frequency of each of the ``size`` ids is known: float64."""
    nats: np.ndarray = -np.log(_smoothed(np.bincount(train_ids, minlength=size)))
    return np.asarray(nats[ids[1:]])


def bigram(train_ids: np.ndarray, ids: np.ndarray, size: int) -> np.ndarray:
    """Return the nats of each token of ``ids[1:]`` when the token before is known: float64."""
    keys, counts = _pairs(train_ids, size)
    first, second = np.divmod(keys, size)
    times = np.bincount(first, counts, minlength=size)
    followers = np.bincount(first, minlength=size)
    discount = _discount(counts)
    wanted, places = np.unique(ids[:-1].astype(np.int64) * size + ids[1:], return_inverse=True)
    history, token = np.divmod(wanted, size)
    rest = discount * followers[history] * _smoothed(np.bincount(second, minlength=size))[token]
    found = np.maximum(_counts_of(wanted, keys, counts) - discount, 0) + rest
    alone = _smoothed(np.bincount(train_ids, minlength=size))[token]
    known = times[history] > 0
    nats: np.ndarray = -np.log(np.divide(found, times[history], out=alone, where=known))
    return nats[places]


def _discount(counts: np.ndarray) -> float:
    """Return what each pair's count is lowered by: between 0 and 1, and a half where no pair occurs once, or none twice."""
    once, twice = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
    return once / (once + 2 * twice) if once and twice else 0.5


def _smoothed(counts: np.ndarray) -> np.ndarray:
    """Return the probability of every id by its count, a share of what is seldom going to what never occurred: float64."""
    kinds = np.count_nonzero(counts)
    size = len(counts)
    return (counts + kinds / size) / (counts.sum() + kinds) if kinds else np.full(size, 1 / size)


def _counts_of(wanted: np.ndarray, keys: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the count of each wanted key; 0 for one that is not among the sorted ``keys``."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, counts[places], 0)


def _pairs(ids: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct neighbours of ids as ``first * size + second``, sorted, and how often each occurs: int64."""
    starts = range(0, len(ids) - 1, CHUNK_TOKENS)
    parts = (np.asarray(ids[start : start + CHUNK_TOKENS + 1], np.int64) for start in starts)
    keys = (part[:-1] * size + part[1:] for part in parts)
    if size * size <= CHUNK_TOKENS:  # few kinds of pairs: counting them needs no sorting
        table = np.zeros(size * size, np.int64)
        for each in keys:
            table += np.bincount(each, minlength=size * size)
        distinct = np.flatnonzero(table)
        return distinct, table[distinct]
    found = [np.unique(each, return_counts=True) for each in keys]
    distinct, place = np.unique(np.concatenate([np.zeros(0, np.int64), *(each for each, _ in found)]), return_inverse=True)
    times = np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in found)])
    return distinct, np.bincount(place, times, minlength=len(distinct)).astype(np.int64)
