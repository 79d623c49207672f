"""Train PyTorch models on your own data: from a file on disk to a trained, evaluated, saved and usable model.

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "AdamWScheduleFree",
    "FocalLoss",
    "ImageClassifier",
    "ImageRegressor",
    "Muon",
    "Run",
    "SGDScheduleFree",
    "SigmoidFocalLoss",
    "TableClassifier",
    "TableRegressor",
    "TextClassifier",
    "TextRegressor",
    "TrainwrightError",
    "cache",
    "check",
    "clear_cache",
    "compare",
    "evaluate",
    "explain",
    "find_lr",
    "fit",
    "generate",
    "inspect",
    "landscape",
    "learning_curve",
    "load",
    "load_data",
    "looks",
    "mistakes",
    "parameter_groups",
    "predict",
    "recipes",
    "replay",
    "resume",
    "runs",
    "settings",
    "story",
    "suspects",
    "train",
    "train_seeds",
    "verify",
]

if TYPE_CHECKING:
    from trainwright.api import Run, evaluate, generate, load, predict, recipes, replay, resume, runs, settings, train, verify
    from trainwright.before import check, find_lr, inspect, learning_curve, load_data
    from trainwright.errors import TrainwrightError
    from trainwright.estimators import (
        ImageClassifier,
        ImageRegressor,
        TableClassifier,
        TableRegressor,
        TextClassifier,
        TextRegressor,
    )
    from trainwright.look import cache, clear_cache, explain, landscape, mistakes, story
    from trainwright.tasks.custom.fit import fit
    from trainwright.training.focal import FocalLoss, SigmoidFocalLoss
    from trainwright.training.groups import parameter_groups
    from trainwright.training.muon import Muon
    from trainwright.training.schedule_free import AdamWScheduleFree, SGDScheduleFree
    from trainwright.trust import compare, looks, suspects, train_seeds

# Where names are that are not in ``api``.
_MODULES = {
    "before": ("check", "find_lr", "inspect", "learning_curve", "load_data"),
    "look": ("cache", "clear_cache", "explain", "landscape", "mistakes", "story"),
    "trust": ("compare", "looks", "suspects", "train_seeds"),
    "tasks.custom.fit": ("fit",),
    "training.focal": ("FocalLoss", "SigmoidFocalLoss"),
    "training.groups": ("parameter_groups",),
    "training.muon": ("Muon",),
    "training.schedule_free": ("AdamWScheduleFree", "SGDScheduleFree"),
    "errors": ("TrainwrightError",),
}
_ELSEWHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that has it; the estimators import scikit-learn."""
    if name not in __all__:
        raise AttributeError(f"module 'trainwright' has no attribute '{name}'")
    module = "estimators" if name.endswith(("Classifier", "Regressor")) else _ELSEWHERE.get(name, "api")
    return getattr(importlib.import_module(f"trainwright.{module}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
