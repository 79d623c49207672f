"""Token streams as batches: every target once, each with the token before it, from any batch on."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.batches.tokens import IGNORED, Lanes, Windows, evaluation_windows

CPU = torch.device("cpu")
sizes = st.integers(2, 200)
some = st.integers(1, 12)


def pairs(batches) -> Counter:
    """How often each (token, target) is counted; tokens are their own positions."""
    found: Counter = Counter()
    for batch in batches:
        ids, kept = batch.inputs[0], batch.targets != IGNORED
        assert ids.dtype == batch.targets.dtype == torch.int64 and ids.shape == batch.targets.shape
        found.update(zip(ids[kept].tolist(), batch.targets[kept].tolist(), strict=True))
    return found


def every_once(tokens: int) -> Counter:
    return Counter((i, i + 1) for i in range(tokens - 1))


@given(sizes, some, some)
@settings(max_examples=60, deadline=None)
def test_lanes_hold_every_target_once_and_go_on_where_they_were(tokens: int, batch_size: int, context: int) -> None:
    lanes = Lanes(np.arange(tokens, dtype=np.uint16), batch_size=min(batch_size, tokens - 1), context=context, device=CPU)
    batches = list(lanes.epoch(0))
    assert pairs(batches) == every_once(tokens) and len(batches) == lanes.per_epoch
    assert sum(batch.size for batch in batches) == lanes.rows == tokens - 1
    for before, after in pairwise(batches):  # the state of lane b goes on in lane b
        kept = after.targets[:, 0] != IGNORED
        assert torch.equal(before.inputs[0][kept, -1] + 1, after.inputs[0][kept, 0])
    start = len(batches) // 2
    for first, second in zip(batches[start:], lanes.epoch(0, start), strict=True):
        assert torch.equal(first.inputs[0], second.inputs[0]) and torch.equal(first.targets, second.targets)


@given(sizes, some, some, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_windows_hold_every_target_once_in_every_epoch(tokens: int, batch_size: int, context: int, epoch: int) -> None:
    windows = Windows(np.arange(tokens, dtype=np.uint32), batch_size=batch_size, context=context, seed=3, device=CPU)
    batches = list(windows.epoch(epoch))
    assert pairs(batches) == every_once(tokens) and abs(len(batches) - windows.per_epoch) <= 1
    start = len(batches) // 2
    for first, second in zip(batches[start:], windows.epoch(epoch, start), strict=True):
        assert torch.equal(first.inputs[0], second.inputs[0]) and torch.equal(first.targets, second.targets)


def test_windows_are_cut_and_shuffled_anew_each_epoch() -> None:
    windows = Windows(np.arange(500, dtype=np.uint16), batch_size=4, context=10, seed=0, device=CPU)
    first, second = (torch.cat([batch.inputs[0][:, 0] for batch in windows.epoch(epoch)]) for epoch in (0, 1))
    assert set(first.tolist()) != set(second.tolist()) and first.tolist() != sorted(first.tolist())


@given(sizes, some, st.integers(1, 40), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_measuring_counts_every_target_once_whatever_the_batches(tokens: int, batch_size: int, width: int, warm: int) -> None:
    ids = np.arange(tokens, dtype=np.uint16)
    batches = list(evaluation_windows(ids, batch_size=batch_size, width=width, warm=warm, device=CPU))
    assert pairs(batches) == every_once(tokens)
    rows = [row.tolist() for batch in batches for row in batch.inputs[0]]
    alone = [
        row.tolist()
        for batch in evaluation_windows(ids, batch_size=1, width=width, warm=warm, device=CPU)
        for row in batch.inputs[0]
    ]
    assert rows == alone


@pytest.mark.parametrize("warm", [0, 5])
def test_all_but_the_first_window_are_warmed_up(warm: int) -> None:
    batches = list(evaluation_windows(np.arange(50, dtype=np.uint16), batch_size=3, width=10, warm=warm, device=CPU))
    targets = torch.cat([batch.targets for batch in batches])
    assert (targets[0] != IGNORED).all() and (targets[1:, :warm] == IGNORED).all()
    assert (targets[1:-1, warm:] != IGNORED).all()
