"""The comparison of the crash tests can fail: each fault of a resume that we can think of is seen by it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from compare import differences, fingerprint
from defects import DEFECTS

ONLY_LANGUAGE = ("the carried state is forgotten",)


@pytest.fixture(scope="module")
def killed(bench: Bench) -> dict[str, Path]:
    """Runs that were killed in their last epoch, after a checkpoint in its middle; the best epoch was before."""
    found = {}
    for work, number in (("image", 23), ("language", 27)):
        bench.untouched(work)
        out = bench.fresh()
        answer = bench.train(work, out, hits=[("update", number, signal.SIGKILL)])
        assert answer["code"] == -signal.SIGKILL, answer
        found[work] = shutil.copytree(out, bench.folder / f"killed-{work}")
    return found


@pytest.mark.parametrize("defect", [None, *DEFECTS])
def test_each_defect_is_caught(bench: Bench, killed: dict[str, Path], count: Any, defect: str | None) -> None:
    work = "language" if defect in ONLY_LANGUAGE else "image"
    expected = bench.untouched(work)
    out = shutil.copytree(killed[work], bench.fresh())
    answer = bench.driver("resume", out=out, defects=[defect] if defect else [])
    caught = answer["code"] != 0 or bool(differences(expected, fingerprint(out)))
    count(1, caught != (defect is not None))
    assert caught == (defect is not None), "not caught" if defect else differences(expected, fingerprint(out))
