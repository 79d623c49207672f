"""The pictures of a split: their keys, and work on each of them in threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from array_samples import GREY, LABELS, saved

from trainwright.data.images.pictures import for_each_row
from trainwright.data.read.images import read_pictures


def test_an_interruption_stops_the_threads() -> None:
    done: list[int] = []

    def work(row: int) -> None:
        if row % 64 == 0:
            done.append(row)

    def progress(count: int, rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for_each_row(work, 64 * 20_000, 1, progress)
    assert len(done) < 20_000


def test_equal_rows_have_equal_keys(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", x=GREY[[0, 1, 0, 2]], y=LABELS, x_test=GREY[[2]].astype(np.float32), y_test=LABELS[:1])
    parts = read_pictures(path)
    keys = parts["train"].keys
    assert keys[0] == keys[2] and keys.n_unique() == 3 and parts["test"].keys[0] == keys[3]
