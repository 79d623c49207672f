"""Everything about a finished run as one value, which becomes ``report.json``, the console's closing table and a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.evaluation import metrics
from trainwright.evaluation.intervals import wilson

TIME_FIELDS = ("seconds", "rows_per_second")  # all that may differ between two runs of the same command


def split_scores(outputs: metrics.Outputs) -> dict[str, Any]:
    """Loss, accuracy with its interval, and rows of one split."""
    predicted, targets = outputs.outputs.argmax(dim=1).numpy(), outputs.targets.numpy()
    correct, rows = int((predicted == targets).sum()), len(targets)
    return {
        "loss": outputs.loss / outputs.weight if outputs.weight else 0.0,
        "accuracy": correct / rows if rows else 0.0,
        "n": rows,
        "interval": wilson(correct, rows),
    }


def detailed_scores(outputs: metrics.Outputs, labels: tuple[str, ...]) -> dict[str, Any]:
    """The scores of a split with macro F1, every class, and the confusion matrix (rows: true, columns: predicted)."""
    matrix = metrics.confusion(outputs.targets.numpy(), outputs.outputs.argmax(dim=1).numpy(), len(labels))
    classes = [
        {"label": label, "precision": precision, "recall": recall, "f1": f1, "n": rows}
        for label, (precision, recall, f1, rows) in zip(labels, metrics.per_class(matrix), strict=True)
    ]
    scores = split_scores(outputs)
    return scores | {
        "macro_f1": metrics.macro_f1(matrix),
        "per_class": classes,
        "confusion": np.asarray(matrix).tolist(),
    }
