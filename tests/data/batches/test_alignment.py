"""Floats lie at aligned addresses, with the values and the strides that they had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainwright.data.batches.alignment import align_in_place, aligned
from trainwright.data.batches.base import Batch
from trainwright.models.forward import Forward

ODD = range(1, 16)  # entries of four bytes after a multiple of 64


def odd(*shape: int, offset: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor that begins ``offset`` entries after an aligned address."""
    size = int(np.prod(shape))
    return torch.arange(size + offset, dtype=torch.float32).to(dtype)[offset:].view(shape)


FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "dense": lambda x: x,
    "transposed": lambda x: x.T,
    "columns": lambda x: x[:, 1:3],
    "every other row": lambda x: x[::2],
    "expanded": lambda x: x[:, :1].expand(-1, 9),
    "one number": lambda x: x[0, 0],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.complex64])
def test_a_copy_is_the_same_but_for_its_place(form: str, dtype: torch.dtype) -> None:
    given = FORMS[form](odd(4, 5, dtype=dtype))
    found = aligned(given)
    assert given.data_ptr() % 64 and not found.data_ptr() % 64
    assert found.equal(given) and found.stride() == given.stride() and found.dtype == dtype
    assert aligned(found) is found


def test_each_address() -> None:
    assert not any(aligned(odd(3, offset=offset)).data_ptr() % 64 for offset in ODD)


def test_what_is_no_plain_tensor_of_floats_stays() -> None:
    sparse, text = torch.eye(3).to_sparse(), "text"
    given = {"ids": odd(3, dtype=torch.int64), "sparse": sparse, "text": text, "none": None, "empty": torch.zeros(0, 3)}
    assert all(one is other for one, other in zip(given.values(), aligned(given).values(), strict=True))


def test_nested_values() -> None:
    given = ((torch.zeros(3), odd(3)), {"a": odd(3)}, [odd(3, dtype=torch.int64)], None)
    found = aligned(given)
    assert found[0][0] is given[0][0] and found[2][0] is given[2][0] and found[3] is None  # type: ignore[index]
    assert all(each.equal(odd(3)) and not each.data_ptr() % 64 for each in (found[0][1], found[1]["a"]))


def test_gradients_go_through_a_copy() -> None:
    values = torch.arange(5.0, requires_grad=True)
    aligned(values[1:]).square().sum().backward()
    assert values.grad is not None and values.grad.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_memory_that_is_shared_stays_shared() -> None:
    room = np.zeros(200, np.uint8)
    first = -room.ctypes.data % 64 + 4
    whole = nn.Parameter(torch.from_numpy(room[first : first + 48].view(np.float32).reshape(3, 4)))
    part = nn.Parameter(whole.detach()[1:, ::2])
    assert whole.data_ptr() % 64
    align_in_place([whole, part])
    with torch.no_grad():
        whole[2, 2] = 7.0
    assert not whole.data_ptr() % 64 and part.stride() == (4, 2)
    assert part.tolist() == [[0.0, 0.0], [0.0, 7.0]]


def test_weights_that_are_made_later_are_left_alone() -> None:
    layer = nn.LazyLinear(3)
    align_in_place(layer.parameters())
    assert layer(torch.zeros(2, 5)).shape == (2, 3)


def test_a_carried_state_lies_as_it_would_from_a_checkpoint() -> None:
    class Carries(nn.Module):
        def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
            return x, {"a": torch.zeros(3, 4).T, "b": odd(3), "n": 1}

    forward = Forward(Carries(), start=lambda x: {})
    forward(Batch((torch.zeros(2),), None, 2))
    assert forward.state["a"].stride() == (3, 1) and not forward.state["b"].data_ptr() % 64 and forward.state["n"] == 1
    assert forward.state["b"].equal(odd(3))
