"""Nested Python values with tensors in them, as JSON and named tensors, and back: what a checkpoint is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from trainwright.errors import error

PLAIN = (str, bool, int, float, type(None))


class Packer:
    """``pack`` gives values as JSON; their tensors are in ``tensors`` under the names of their places, each once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def pack(self, value: Any, name: str = "") -> Any:
        """Raise E412 for anything but numbers, words, None, tensors, and lists, tuples, dicts and counters of these."""
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in PLAIN:
            return value
        if isinstance(value, Tensor):
            return {"tensor": self._keep(value.detach(), name)}
        inner = f"{name}." if name else ""
        if type(value) in (list, tuple):
            return {type(value).__name__: [self.pack(each, f"{inner}{place}") for place, each in enumerate(value)]}
        if isinstance(value, Mapping):
            kind = "counter" if isinstance(value, Counter) else "dict"
            return {kind: [[self.pack(key), self.pack(each, f"{inner}{key}")] for key, each in value.items()]}
        raise error("E412", name=name, found=type(value).__name__)

    def _keep(self, value: Tensor, name: str) -> str:
        """Return the name under which a tensor is kept. Weights that are tied have two places and are kept under one name."""
        place = (value.data_ptr(), value.shape, value.stride(), value.dtype, value.device)
        if value.numel() and place in self._names:
            return self._names[place]
        while name in self.tensors:
            name += "_"
        self.tensors[name] = value
        self._names[place] = name
        return name


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what ``Packer.pack`` was given. Raise KeyError, TypeError or ValueError for what it did not make."""
    if type(value) in PLAIN:
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensors[inner]
    if kind in ("list", "tuple"):
        made = [unpack(each, tensors) for each in inner]
        return made if kind == "list" else tuple(made)
    if kind not in ("dict", "counter"):
        raise ValueError(kind)
    pairs = {unpack(key, tensors): unpack(each, tensors) for key, each in inner}
    return Counter(pairs) if kind == "counter" else pairs


def to_contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as they can be written: on the CPU, dense, none a part of another's memory."""
    seen: set[int] = set()
    found = {}
    for name, value in tensors.items():
        dense = value.cpu().contiguous()
        storage = dense.untyped_storage()
        whole = storage.nbytes() == dense.nbytes and storage.data_ptr() not in seen
        found[name] = dense if whole else dense.clone()
        seen.add(storage.data_ptr())
    return found
