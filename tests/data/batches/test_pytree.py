"""Nested tuples, lists and dicts keep their structure."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.batches.pytree import count_rows, tree_leaves, tree_map, tree_unflatten

TREES = st.recursive(
    st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=30)
def test_an_arrangement_is_kept(value) -> None:
    assert tree_map(lambda leaf: leaf, value) == value == tree_unflatten(value, tree_leaves(value))
    assert tree_leaves(tree_map(lambda leaf: -leaf, value)) == [-leaf for leaf in tree_leaves(value)]


def test_rows_are_counted_by_the_first_tensor() -> None:
    one, two = torch.zeros(3, 2), torch.zeros(5)
    assert count_rows(one) == count_rows((one, two)) == count_rows({"a": [None, torch.tensor(1.0), one], "b": two}) == 3
    assert count_rows(torch.tensor(1.0)) == count_rows(7) == 1 and count_rows(("a", "b")) == 2
