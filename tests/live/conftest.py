"""Runs in the making, whose files are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_samples import Writing


@pytest.fixture
def begin() -> Iterator[Callable[..., Writing]]:
    """Begins a run in a folder."""
    begun = []

    def begin(path: Path, epochs: int = 4) -> Writing:
        begun.append(Writing(path, epochs))
        return begun[-1]

    yield begin
    for writing in begun:
        writing.log.close()
