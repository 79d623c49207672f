"""Train PyTorch models on your own data: from a file on disk to a trained, evaluated, saved and usable model.

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
_HOMES = {
    "trainwright.api": (
        "Run",
        "evaluate",
        "fit",
        "generate",
        "load",
        "predict",
        "recipes",
        "resume",
        "runs",
        "settings",
        "train",
    ),
    "trainwright.errors": ("TrainwrightError",),
    "trainwright.estimators": ("ImageClassifier", "TableClassifier", "TableRegressor", "TextClassifier"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
__all__ = [
    "ImageClassifier",
    "Run",
    "TableClassifier",
    "TableRegressor",
    "TextClassifier",
    "TrainwrightError",
    "evaluate",
    "fit",
    "generate",
    "load",
    "predict",
    "recipes",
    "resume",
    "runs",
    "settings",
    "train",
]

if TYPE_CHECKING:
    from trainwright.api import Run, evaluate, fit, generate, load, predict, recipes, resume, runs, settings, train
    from trainwright.errors import TrainwrightError
    from trainwright.estimators import ImageClassifier, TableClassifier, TableRegressor, TextClassifier


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'trainwright' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
