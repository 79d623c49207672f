"""Train PyTorch models on your own data: from a file on disk to a trained, evaluated, saved and usable model.

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Run", "TrainwrightError", "evaluate", "fit", "generate", "load", "predict", "recipes", "runs", "settings", "train"]

if TYPE_CHECKING:
    from trainwright.api import Run, evaluate, fit, generate, load, predict, recipes, runs, settings, train
    from trainwright.errors import TrainwrightError

_HOMES = dict.fromkeys(__all__, "trainwright.api") | {"TrainwrightError": "trainwright.errors"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'trainwright' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
