"""Test suites for models and readers, including those of a user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def promise(check: Callable[..., Any]) -> str:
    """Return what a check promises, from its docstring: ``Check that rows come back.`` gives ``Rows come back``."""
    sentence = (check.__doc__ or "").removeprefix("Check that ").rstrip(".")
    return sentence[:1].upper() + sentence[1:]
