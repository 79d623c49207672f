"""A hash table finds the keys that are there; partitions count as all at once; character n-grams belong to one word."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_samples import series

from trainwright.data.text import ngrams
from trainwright.data.text.ngrams import Lookup, character_ngrams


@given(st.sets(st.integers(-(2**63), 2**63 - 1), max_size=60), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60))
def test_a_lookup_finds_what_is_there(known: set[int], others: list[int]) -> None:
    ordered = sorted(known)
    keys = [*ordered, *others]
    for asked in (keys, keys[:1]):
        found = Lookup(np.array(ordered, np.int64)).find(np.array(asked, np.int64))
        assert found.tolist() == [ordered.index(key) if key in known else -1 for key in asked]


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 3), st.integers(1, 9))
def test_counts_of_keys_in_shares(keys: list[int], least: int, share: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "SORTED_KEYS", share)
        counter = ngrams.Counter(len(keys))
        for at in range(0, len(keys), 7):
            counter.add(counter.split(np.array(keys[at : at + 7], np.int64)))
    found, counts = counter.frequent(least)
    expected = sorted((key, count) for key, count in Counter(keys).items() if count >= least)
    assert list(zip(found.tolist(), counts.tolist(), strict=True)) == expected


def test_character_ngrams_are_those_of_each_word_with_its_boundaries() -> None:
    keys, offsets = character_ngrams(series(["ab", "a", "tab\U0001f600"]), [2, 3])
    assert np.diff(offsets).tolist() == [5, 3, 9]
    alone = {n: character_ngrams(series(["ab"]), [n])[0].tolist() for n in (2, 3, 4)}
    assert sorted(keys[:5].tolist()) == sorted(alone[2] + alone[3])
    assert len(set(alone[2] + alone[3] + alone[4])) == 6  # another length is another key
    ends_alike = set(keys[:5].tolist()) & set(keys[8:].tolist())
    assert len(ends_alike) == 1  # "ab" is in both; neither begins or ends as the other


@given(st.lists(st.text("abc\U0001f600", max_size=5), max_size=9), st.booleans())
def test_character_ngrams_of_words_in_parts(words: list[str], plain: bool) -> None:
    given_words = words if plain else series(words)
    keys, offsets = character_ngrams(given_words, [2, 3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "WORDS", 2)
        for found, whole in zip(character_ngrams(given_words, [2, 3]), (keys, offsets), strict=True):
            assert found.tolist() == whole.tolist()
