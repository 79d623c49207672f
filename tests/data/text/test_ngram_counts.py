"""Counting keys in partitions gives the counts of all at once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.text import ngram_counts


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 3), st.integers(1, 9))
def test_counts_of_keys_in_shares(keys: list[int], least: int, share: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_counts, "SORTED_KEYS", share)
        counter = ngram_counts.Counter(len(keys))
        for at in range(0, len(keys), 7):
            counter.add(counter.split(np.array(keys[at : at + 7], np.int64)))
    found, counts = counter.frequent(least)
    expected = sorted((key, count) for key, count in Counter(keys).items() if count >= least)
    assert list(zip(found.tolist(), counts.tolist(), strict=True)) == expected
