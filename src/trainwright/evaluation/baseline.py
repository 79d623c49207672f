"""What a model must beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation.intervals import wilson


def majority(train_targets: np.ndarray, targets: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Always answering the most frequent class of the training split; the first one when several are."""
    best = int(np.bincount(train_targets, minlength=len(labels)).argmax())
    correct, rows = int((targets == best).sum()), len(targets)
    return {
        "name": "majority class",
        "label": labels[best],
        "accuracy": correct / rows if rows else 0.0,
        "n": rows,
        "interval": wilson(correct, rows),
    }
