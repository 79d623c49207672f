"""Tensors, arrays, data sets and loaders of a user's own are the same batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, TensorDataset

from trainwright.data.batches.user_data import BatchLayout, any_batches
from trainwright.errors import ModelError

CPU = torch.device("cpu")


LAYOUT = BatchLayout(CPU, torch.float32)


class Squares(Dataset):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([float(index)]), index * index


@pytest.mark.parametrize(
    "data",
    [
        (torch.arange(10.0)[:, None], torch.arange(10) ** 2),
        (np.arange(10, dtype=np.float32)[:, None], np.arange(10) ** 2),
        Squares(),
        TensorDataset(torch.arange(10.0)[:, None], torch.arange(10) ** 2),
        DataLoader(Squares(), batch_size=4),
        [(torch.arange(low, min(low + 4, 10.0))[:, None], torch.arange(low, min(low + 4, 10)) ** 2) for low in (0, 4, 8)],
    ],
    ids=["tensors", "arrays", "dataset", "tensor dataset", "loader", "list of batches"],
)
def test_whatever_a_person_has(data) -> None:
    batches = any_batches(data, LAYOUT, batch_size=4, seed=None)
    for epoch in (0, 1):
        found = list(batches.epoch(epoch))
        assert [batch.size for batch in found] == [4, 4, 2]
        assert torch.cat([batch.targets for batch in found]).tolist() == [number**2 for number in range(10)]
        assert torch.cat([batch.inputs[0] for batch in found])[:, 0].tolist() == list(range(10))
    assert [batch.targets.tolist() for batch in batches.epoch(0, 2)] == [[64, 81]]
    assert batches.per_epoch == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("text", "E601"),
        (3, "E601"),
        ({"x": 1}, "E601"),
        (iter([1]), "E602"),
        ((torch.zeros(3, 1), torch.zeros(4)), "E604"),
    ],
)
def test_data_that_does_not_fit(data, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        any_batches(data, LAYOUT, batch_size=2, seed=0)
    assert caught.value.code == code


def test_batches_that_are_no_tuples() -> None:
    with pytest.raises(ModelError) as caught:
        list(any_batches([torch.zeros(3)], LAYOUT, batch_size=2, seed=0).epoch(0))
    assert caught.value.code == "E603"


@given(st.integers(1, 40), st.integers(1, 15), st.integers(0, 3), st.booleans())
@settings(max_examples=30)
def test_arranged_tensors_have_the_order_of_flat_ones(rows: int, size: int, seed: int, shuffled: bool) -> None:
    numbers = torch.arange(rows)
    options = {"batch_size": size, "seed": seed if shuffled else None}
    flat = any_batches((numbers, -numbers), LAYOUT, **options)
    parts = any_batches({"a": numbers, "b": [numbers, (numbers.numpy(),)], "y": {"c": -numbers}}, LAYOUT, **options)
    assert (parts.rows, parts.per_epoch) == (flat.rows, flat.per_epoch)
    for batch, found in zip(flat.epoch(1), parts.epoch(1), strict=True):
        expected = batch.inputs[0].tolist()
        assert found.inputs == () and list(found.named) == ["a", "b"] and found.size == batch.size
        assert found.named["a"].tolist() == found.named["b"][0].tolist() == found.named["b"][1][0].tolist() == expected
        assert found.targets["c"].tolist() == batch.targets.tolist() and np.array_equal(found.rows, batch.rows)
