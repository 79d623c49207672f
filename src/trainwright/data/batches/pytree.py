"""Nested tuples, lists and dicts of tensors (pytrees): what models take and return beside a single tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def tree_map(change: Callable[[Any], Any], value: Any) -> Any:
    """Return the same structure with ``change`` applied to every leaf; None stays. Any mapping becomes a dict."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: tree_map(change, each) for key, each in value.items()}
    if not _is_sequence(value):
        return change(value)
    made = [tree_map(change, each) for each in value]
    return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)


def tree_leaves(value: Any) -> list[Any]:
    """List everything that is no tuple, list, mapping or None, from left to right."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in tree_leaves(each)]
    return [leaf for each in value for leaf in tree_leaves(each)] if _is_sequence(value) else [value]


def tree_unflatten(structure: Any, values: Iterable[Any]) -> Any:
    """Return the same structure with other leaves, taken one after the other."""
    following = iter(values)
    return tree_map(lambda _: next(following), structure)


def count_rows(value: Any) -> int:
    """Count the rows: the length of the first leaf that has an axis, or of a list that has no such leaf."""
    for leaf in tree_leaves(value):
        if getattr(leaf, "shape", ()):
            return len(leaf)
    return len(value) if isinstance(value, tuple | list) else 1


def _is_sequence(value: Any) -> bool:
    # What can be moved to a device as a whole, such as torch's packed sequence, is a leaf, though it is a tuple.
    return isinstance(value, tuple | list) and not hasattr(value, "to")
