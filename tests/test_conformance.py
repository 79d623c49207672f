"""Every registered model keeps the promises of its kind."""

from __future__ import annotations

import pytest

from trainwright.conformance import check_model, models


@pytest.mark.parametrize(("task", "name"), models(), ids=[f"{task}-{name}" for task, name in models()])
def test_model(task: str, name: str) -> None:
    check_model(task, name)
