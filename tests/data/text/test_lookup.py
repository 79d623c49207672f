"""A hash table finds exactly the keys that are there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.text.lookup import Lookup


@given(st.sets(st.integers(-(2**63), 2**63 - 1), max_size=60), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60))
def test_a_lookup_finds_what_is_there(known: set[int], others: list[int]) -> None:
    ordered = sorted(known)
    keys = [*ordered, *others]
    for asked in (keys, keys[:1]):
        found = Lookup(np.array(ordered, np.int64)).find(np.array(asked, np.int64))
        assert found.tolist() == [ordered.index(key) if key in known else -1 for key in asked]
