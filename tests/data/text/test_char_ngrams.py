"""Character n-grams belong to one word each, with its boundaries."""

from __future__ import annotations

import numpy as np
from text_samples import series

from trainwright.data.text.char_ngrams import character_ngrams


def test_character_ngrams_are_those_of_each_word_with_its_boundaries() -> None:
    keys, offsets = character_ngrams(series(["ab", "a", "tab\U0001f600"]), [2, 3])
    assert np.diff(offsets).tolist() == [5, 3, 9]
    alone = {n: character_ngrams(series(["ab"]), [n])[0].tolist() for n in (2, 3, 4)}
    assert sorted(keys[:5].tolist()) == sorted(alone[2] + alone[3])
    assert len(set(alone[2] + alone[3] + alone[4])) == 6  # another length is another key
    ends_alike = set(keys[:5].tolist()) & set(keys[8:].tolist())
    assert len(ends_alike) == 1  # "ab" is in both; neither begins or ends as the other
