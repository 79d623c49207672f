"""Files of safetensors under a seal: their headers before their arrays, so that what is not as it should be is not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.numpy

from trainwright.store.seal import check_header, header_of, intact, opened

_TYPES = {
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)}, **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}, "BOOL": "bool",
}  # fmt: skip


class Tensors(Mapping[str, np.ndarray]):
    """The arrays of a safetensors file under a seal: ``forms`` are their types and shapes by name, known before any is read.

    So weights that are not the network's cost nothing, however large they are. Whoever takes the first array reads and
    checks all. Raise E411 where the file is not as it was sealed, and ValueError where it is none.
    """

    def __init__(self, path: Path, size: int, digest: str) -> None:
        self._place = path, size, digest
        with opened(path, size) as file:
            header = header_of(file, size)
        self.forms = {
            name: (_TYPES.get(each["dtype"], each["dtype"]), tuple(each["shape"]))
            for name, each in header.items()
            if name != "__metadata__"
        }

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return safetensors.numpy.load(check_header(intact(*self._place)))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.forms)

    def __len__(self) -> int:
        return len(self.forms)
