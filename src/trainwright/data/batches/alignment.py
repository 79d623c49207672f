"""Where numbers lie in memory, so that the bits of a training follow from the numbers alone.

Some kernels sum in an order that depends on the address of what they read: matrix products of MKL on processors of AMD look at
it modulo 16 bytes, and libraries of accelerators choose a kernel by it. What torch allocates is aligned, always alike. A slice,
an array of NumPy and what is read from a file may lie anywhere, and elsewhere in a run that goes on than in an untouched one.
Whole numbers may stay where they are: their sums do not depend on the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from trainwright.data.batches.pytree import tree_map

ALIGNMENT, ON_DEVICES = 64, 256  # bytes, on the processor and elsewhere


def aligned(value: Any) -> Any:
    """Return a tensor, or nested ones; where one of floats lies at another address, a copy with the same strides."""
    return tree_map(_aligned_leaf, value)


@torch.no_grad()
def align_in_place(tensors: Iterable[Tensor]) -> None:
    """Move the memory of tensors that does not begin at an aligned address. Those that share theirs still do afterwards."""
    moved: dict[int, torch.UntypedStorage] = {}
    for tensor in filter(has_address, tensors):
        memory = tensor.untyped_storage()
        if (place := memory.data_ptr()) % _alignment(tensor):
            moved.setdefault(place, memory.clone())  # type: ignore[no-untyped-call]
            view = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            tensor.data = view.set_(moved[place], tensor.storage_offset(), tensor.shape, tensor.stride())


def _aligned_leaf(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor) or not has_address(leaf) or not leaf.data_ptr() % _alignment(leaf):
        return leaf
    if not leaf.is_floating_point() and not leaf.is_complex():
        return leaf
    # Gaps included, as kernels look at strides too.
    reach = 1 + sum((size - 1) * stride for size, stride in zip(leaf.shape, leaf.stride(), strict=True))
    return leaf.as_strided((reach,), (1,)).clone().as_strided(leaf.shape, leaf.stride())


def _alignment(tensor: Tensor) -> int:
    return ALIGNMENT if tensor.is_cpu else ON_DEVICES


def has_address(tensor: Tensor) -> bool:
    """Return whether a tensor has its values in one stretch of memory: it is dense, not empty, and not yet to be made."""
    return tensor.layout is torch.strided and not tensor.is_nested and not is_lazy(tensor) and tensor.data_ptr() != 0
