"""Nested tuples, lists and dicts of tensors (pytrees): what models take and return beside a single tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """Return the same structure with ``change`` applied to every leaf; None stays. Any mapping becomes a dict."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: mapped(change, each) for key, each in value.items()}
    if not _is_row(value):
        return change(value)
    made = [mapped(change, each) for each in value]
    return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)


def leaves(value: Any) -> list[Any]:
    """List everything that is no tuple, list, mapping or None, from left to right."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in leaves(each)]
    return [leaf for each in value for leaf in leaves(each)] if _is_row(value) else [value]


def filled(arrangement: Any, values: Iterable[Any]) -> Any:
    """Return the same structure with other leaves, taken one after the other."""
    following = iter(values)
    return mapped(lambda _: next(following), arrangement)


def count(value: Any) -> int:
    """Count the rows: the length of the first leaf that has an axis, or of a list that has no such leaf."""
    for leaf in leaves(value):
        if getattr(leaf, "shape", ()):
            return len(leaf)
    return len(value) if isinstance(value, tuple | list) else 1


def _is_row(value: Any) -> bool:
    # What can be moved to a device as a whole, such as torch's packed sequence, is a leaf, though it is a tuple.
    return isinstance(value, tuple | list) and not hasattr(value, "to")
