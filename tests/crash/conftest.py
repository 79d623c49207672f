"""The untouched run of each work, and a table of what was swept."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest
from bench import FULL, Bench
from driver import Driver

_table: dict[str, list[float]] = {}


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("crash")
    return Bench(Driver(folder / "cache"), folder / "works")


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Iterator[Any]:
    """``count(points, failures)`` adds to the table that is shown at the end."""
    begun = perf_counter()
    row = _table.setdefault(request.node.originalname, [0, 0, 0.0])

    def add(points: int, failures: int = 0) -> None:
        row[0] += points
        row[1] += failures

    yield add
    row[2] += perf_counter() - begun


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FULL and _table:
        terminalreporter.write_line(f"\n{'sweep':64} {'points':>7} {'as it should':>13} {'failures':>9} {'seconds':>8}")
        for name, (points, failures, seconds) in _table.items():
            terminalreporter.write_line(f"{name:64} {points:7} {points - failures:13} {failures:9} {seconds:8.0f}")
