"""Batches: every row once an epoch, an order that is a function of (seed, epoch), the same batches from any start on."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.batches import base as module
from trainwright.data.batches.shuffle import epoch_order
from trainwright.data.text.batches import ragged_batches
from trainwright.data.text.ragged import Ragged

CPU = torch.device("cpu")


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
