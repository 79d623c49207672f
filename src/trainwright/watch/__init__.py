"""Looks at a run: events, metrics, console, plots, page. Called, it is the verb ``tw.watch``, whose name this room bears."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


class _Room(ModuleType):
    """A module that is a public verb too: importing it puts it in that verb's place."""

    def __call__(self, *arguments: object, **options: object) -> None:
        """Serve a live page of a run or of a folder of runs: see ``trainwright.look.watch``."""
        import_module("trainwright.look").watch(*arguments, **options)


sys.modules[__name__].__class__ = _Room
