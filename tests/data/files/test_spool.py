"""Arrays that grow on the disk, and work in order."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainwright.data.files import spool as scratch
from trainwright.errors import TrainwrightError


def test_no_room_for_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "file"))
    spool = scratch.Spool(np.int64, 8)
    spool.append(np.zeros(2))  # among the temporary files
    assert spool.array().tolist() == [0, 0]
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path / "nothing"))
    spool = scratch.Spool(np.int64, 8)
    spool.append(np.zeros(1))
    with pytest.raises(TrainwrightError) as caught:
        spool.append(np.zeros(1))
    assert caught.value.code == "E172"


def test_work_in_order_holds_no_more_than_the_cores_are_busy_with() -> None:
    taken: list[int] = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    for done, result in enumerate(scratch.parallel_map(lambda number: number * 2, items())):
        assert result == done * 2 and len(taken) <= done + 2 + (os.cpu_count() or 1)
