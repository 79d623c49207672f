"""Batches: every row once an epoch, an order that is a function of (seed, epoch), the same batches from any start on."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, TensorDataset

from trainwright.data.batches import base as module
from trainwright.data.batches.base import ragged_batches
from trainwright.data.batches.pytree import count_rows, tree_leaves, tree_map, tree_unflatten
from trainwright.data.batches.shuffle import epoch_order, step_seed
from trainwright.data.batches.user_data import BatchLayout, any_batches
from trainwright.data.text.ragged import Ragged
from trainwright.errors import ModelError

CPU = torch.device("cpu")
LAYOUT = BatchLayout(CPU, torch.float32)


def ragged(count: int) -> tuple[Ragged, np.ndarray]:
    lengths = np.arange(count) % 4
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = np.repeat(np.arange(count), lengths).astype(np.int32)  # every token of a row is the row's number
    return Ragged(values, offsets), np.arange(count)


@given(st.integers(1, 200), st.integers(1, 70), st.integers(0, 5), st.integers(0, 3))
def test_ragged_batches(count: int, size: int, seed: int, epoch: int) -> None:
    texts, targets = ragged(count)
    batches = ragged_batches(texts, targets, batch_size=size, seed=seed, device=CPU)
    seen = []
    for batch in batches.epoch(epoch):
        values, offsets = batch.inputs
        ends = [*offsets.tolist()[1:], len(values)]
        for row, low, high in zip(batch.targets.tolist(), offsets.tolist(), ends, strict=True):
            assert values[low:high].tolist() == [row] * (row % 4)
        assert batch.rows is not None and batch.rows.tolist() == batch.targets.tolist() and batch.size == len(batch.rows)
        seen += batch.targets.tolist()
    assert seen == epoch_order(count, seed, epoch).tolist() and sorted(seen) == list(range(count))
    assert batches.per_epoch == -(-count // size)


@given(st.integers(1, 300), st.integers(1, 40), st.data())
def test_from_any_batch_on(count: int, size: int, data) -> None:
    texts, targets = ragged(count)
    batches = ragged_batches(texts, targets, batch_size=size, seed=1, device=CPU)
    start = data.draw(st.integers(0, batches.per_epoch))
    whole = [batch.targets.tolist() for batch in batches.epoch(2)]
    assert [batch.targets.tolist() for batch in batches.epoch(2, start)] == whole[start:]


def test_batches_made_in_advance_end_with_the_epoch_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_TOKENS", 8)
    texts, targets = ragged(100)
    before = threading.active_count()
    batches = ragged_batches(texts, targets, batch_size=2, seed=1, device=CPU)
    coming = batches.epoch(0)
    assert [next(coming).size for _ in range(7)] == [2] * 7 and threading.active_count() == before + 1
    coming.close()
    assert threading.active_count() == before
    torn = ragged_batches(replace(texts, values=texts.values[:60]), targets, batch_size=2, seed=None, device=CPU)
    coming, seen = torn.epoch(0), 0
    with pytest.raises(IndexError):
        for batch in coming:
            seen += batch.size
    assert 0 < seen < 100 and threading.active_count() == before


def test_the_order_depends_on_seed_and_epoch_and_nothing_else() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    first = epoch_order(1000, 3, 4)
    assert np.array_equal(first, epoch_order(1000, 3, 4))
    assert not np.array_equal(first, epoch_order(1000, 3, 5)) and not np.array_equal(first, epoch_order(1000, 4, 4))
    assert epoch_order(8, 0, 0).tolist() == [5, 0, 6, 1, 7, 2, 4, 3]  # the same on every machine and version
    assert len({step_seed(seed, step) for seed in range(50) for step in range(200)}) == 10_000


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
