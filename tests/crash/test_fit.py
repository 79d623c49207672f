"""``tw.fit`` with a folder, stopped anywhere and gone on with, whatever the optimiser, the schedule and the data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from bench import FULL
from fit_parts import KINDS, OPTIMIZERS, SCHEDULES
from fits import Case, differences

CASES = 1000 if FULL else 30
PART = 1000 // 25 if FULL else 30  # cases of one test


@pytest.mark.parametrize("first", range(0, CASES, PART))
def test_a_call_of_fit_that_was_stopped(first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Any) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # the power does not go
    cases = [Case(number) for number in range(first, first + PART)]
    found = {}
    for case in cases:
        folder = tmp_path / str(case.number)
        folder.mkdir()
        if wrong := differences(case, folder):
            found[str(case)] = wrong
    count(len(cases), len(found))
    assert not found


def test_the_first_cases_have_each_optimiser_schedule_and_kind_of_data() -> None:
    cases = [Case(number) for number in range(30)]
    assert {case.optimizer for case in cases} == set(OPTIMIZERS)
    assert {case.schedule for case in cases} == set(SCHEDULES) and {case.kind for case in cases} == set(KINDS)
