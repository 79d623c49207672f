"""Files of safetensors under a seal: their headers before their arrays, so that what is not as it should be is not read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.numpy

from trainwright.store.seal import intact, opened, parse

HEADER = 64 << 20  # bytes of the header of a safetensors file
_TYPES = {
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)}, **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}, "BOOL": "bool",
}  # fmt: skip


def check_header(content: bytes) -> bytes:
    """Return the ``content`` of a safetensors file, whose header names no tensor twice. Raise ValueError.

    Sizes and offsets are checked by the library itself before it makes a tensor.
    """
    _header(io.BytesIO(content), len(content))
    return content


def _header(file: IO[bytes], size: int) -> Any:
    """Return the header of a safetensors file of ``size`` bytes, in which no tensor is named twice. Raise ValueError."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, HEADER):
        raise ValueError(f"its header would have {length:,} bytes, and the file has {size:,}")
    return parse(file.read(length))


class Tensors(Mapping[str, np.ndarray]):
    """The arrays of a safetensors file under a seal: ``forms`` are their types and shapes by name, known before any is read.

    So weights that are not the network's cost nothing, however large they are. Whoever takes the first array reads and
    checks all. Raise E411 where the file is not as it was sealed, and ValueError where it is none.
    """

    def __init__(self, path: Path, size: int, digest: str) -> None:
        self._place = path, size, digest
        with opened(path, size) as file:
            header = _header(file, size)
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
