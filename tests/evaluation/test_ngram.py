"""Baselines of language models against the formulas written out in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.evaluation import ngram

SIZE = 5
IDS = st.lists(st.integers(0, SIZE - 1), max_size=40)


def ids_of(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint16)


def slow_smoothed(counts: Counter[int]) -> list[float]:
    kinds, total = len(counts), sum(counts.values())
    return [(counts[word] + kinds / SIZE) / (total + kinds) if kinds else 1 / SIZE for word in range(SIZE)]


def slow_bigram(train: list[int]) -> list[list[float]]:
    """P(w | v) as ``table[v][w]``."""
    pairs = Counter(pairwise(train))
    once, twice = (sum(count == times for count in pairs.values()) for times in (1, 2))
    discount = once / (once + 2 * twice) if once and twice else 0.5
    lower = slow_smoothed(Counter(second for _, second in pairs))
    table = []
    for before in range(SIZE):
        row = {word: count for (first, word), count in pairs.items() if first == before}
        total = sum(row.values())
        if total:
            table.append([(max(row.get(w, 0) - discount, 0) + discount * len(row) * lower[w]) / total for w in range(SIZE)])
        else:
            table.append(slow_smoothed(Counter(train)))
    return table


@given(IDS, IDS.filter(lambda ids: len(ids) > 1), st.integers(2, 7), st.booleans())
@settings(deadline=None)
def test_against_plain_python(train: list[int], ids: list[int], chunk: int, sorted_keys: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram, "CHUNK_TOKENS", chunk if sorted_keys else SIZE * SIZE)  # below SIZE * SIZE pairs are sorted
        one = ngram.unigram(ids_of(train), ids_of(ids), SIZE)
        two = ngram.bigram(ids_of(train), ids_of(ids), SIZE)
    first, second = slow_smoothed(Counter(train)), slow_bigram(train)
    assert all(math.isclose(sum(row), 1) for row in [first, *second])
    targets = ids[1:]
    assert one.tolist() == pytest.approx([-math.log(first[word]) for word in targets])
    assert two.tolist() == pytest.approx([-math.log(second[v][w]) for v, w in zip(ids, targets, strict=False)])


def test_what_never_occurred_is_still_possible() -> None:
    train, ids = ids_of([0, 1, 0, 1, 0, 1]), ids_of([4, 3, 2, 4])
    for found in (ngram.unigram(train, ids, SIZE), ngram.bigram(train, ids, SIZE)):
        assert len(found) == 3 and (found > 0).all() and (found < 10).all()


def test_pairs_beat_words_where_order_matters() -> None:
    ids = np.tile(np.arange(10, dtype=np.uint16), 50)
    assert ngram.unigram(ids, ids, 10).mean() == pytest.approx(math.log(10))
    assert ngram.bigram(ids, ids, 10).mean() < 0.1


@pytest.mark.parametrize("ids", [[], [1]])
def test_without_a_target_there_is_no_loss(ids: list[int]) -> None:
    assert not len(ngram.unigram(ids_of([1, 2]), ids_of(ids), SIZE))
    assert not len(ngram.bigram(ids_of([1, 2]), ids_of(ids), SIZE))
