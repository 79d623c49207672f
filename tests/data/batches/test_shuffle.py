"""The order of rows is a function of seed and epoch."""

from __future__ import annotations

import numpy as np
import torch

from trainwright.data.batches.shuffle import epoch_order, step_seed


def test_the_order_depends_on_seed_and_epoch_and_nothing_else() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    first = epoch_order(1000, 3, 4)
    assert np.array_equal(first, epoch_order(1000, 3, 4))
    assert not np.array_equal(first, epoch_order(1000, 3, 5)) and not np.array_equal(first, epoch_order(1000, 4, 4))
    assert epoch_order(8, 0, 0).tolist() == [5, 0, 6, 1, 7, 2, 4, 3]  # the same on every machine and version
    assert len({step_seed(seed, step) for seed in range(50) for step in range(200)}) == 10_000
