"""What a language model must beat: counting words, and pairs of words.

Both give the loss in nats per token over the targets that a model is scored on: every token of the split but the first, which
is context only. Both are estimated from the training tokens alone, have no parameter to tune and give every token a
probability above zero, by the interpolation of Witten and Bell (1991, method C): what follows a history is as likely to be
new as new things have followed it.

    P(w)     = (count(w) + kinds / size) / (tokens + kinds)                           kinds: distinct tokens
    P(w | v) = (count(v w) + followers(v) * P(w)) / (count(v *) + followers(v))       followers(v): distinct tokens after v
"""

from __future__ import annotations

import numpy as np

CHUNK = 1 << 22  # tokens whose pairs are sorted at a time


def unigram(train_ids: np.ndarray, ids: np.ndarray, size: int) -> float:
    """Nats per token of ``ids[1:]`` when nothing but the frequency of each of the ``size`` ids is known; nan for no target."""
    return _mean(np.bincount(ids[1:], minlength=size), np.log(_frequencies(train_ids, size)))


def bigram(train_ids: np.ndarray, ids: np.ndarray, size: int) -> float:
    """Nats per token of ``ids[1:]`` when the token before is known; nan for no target."""
    keys, counts = _pairs(train_ids, size)
    before = keys // size
    times = np.bincount(before, counts, minlength=size)
    followers = np.bincount(before, minlength=size)
    wanted, weights = _pairs(ids, size)
    history, token = np.divmod(wanted, size)
    places = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    seen = np.where(keys[places] == wanted, counts[places], 0) if len(keys) else np.zeros(len(wanted))
    base = _frequencies(train_ids, size)[token]
    total = times[history] + followers[history]
    known = (seen + followers[history] * base) / np.maximum(total, 1)
    return _mean(weights, np.log(np.where(total > 0, known, base)))


def _frequencies(ids: np.ndarray, size: int) -> np.ndarray:
    """P(w) of every id: float64, shape (size,)."""
    counts = np.bincount(ids, minlength=size)
    kinds = np.count_nonzero(counts)
    return (counts + kinds / size) / (len(ids) + kinds) if kinds else np.full(size, 1 / size)


def _mean(counts: np.ndarray, logs: np.ndarray) -> float:
    """Minus the mean of ``logs``, each as often as ``counts`` says."""
    total = counts.sum()
    return float(-(counts @ logs) / total) if total else float("nan")


def _pairs(ids: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct neighbours of ids as ``first * size + second``, sorted, and how often each occurs: int64."""
    keys, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(ids) - 1, CHUNK):
        part = np.asarray(ids[start : start + CHUNK + 1], np.int64)
        found, times = np.unique(part[:-1] * size + part[1:], return_counts=True)
        keys.append(found)
        counts.append(times)
    distinct, place = np.unique(np.concatenate(keys), return_inverse=True)
    return distinct, np.bincount(place, np.concatenate(counts), minlength=len(distinct)).astype(np.int64)
