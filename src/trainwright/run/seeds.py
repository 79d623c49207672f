"""The same training with several seeds: what it comes to on average, and whether the test rows or the training make it vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainwright.errors import error
from trainwright.evaluation import paired
from trainwright.evaluation.intervals import Z95
from trainwright.plain_files import made_sense_of
from trainwright.run.compare import Side
from trainwright.watch import metrics, spread
from trainwright.watch.scores import interval_of


def summary(paths: Sequence[Path]) -> dict[str, Any]:
    """Return mean and spread of the leading score of runs of one training, and how much of the spread is the test set's.

    The variance between seeds is that of the training and that of the rows: on few rows models that are equally good differ
    too. The second is told from the rows that some seeds get right and others do not (``paired.noise``).
    Raise E441 for runs without rows to be measured on, and as ``compare``.
    """
    sides = [Side.open(path) for path in paths]
    with made_sense_of(paths[0]):
        split = "test" if all(side.report.get("test") for side in sides) else "valid"
        scores: list[dict[str, Any]] = [side.report.get(split) or {} for side in sides]
        if not all(scores):
            raise error("E441", path=paths[0])
        metric = metrics.lead(scores[0]) or paired.LOSS
        reached = np.array([each[metric] for each in scores], np.float64)
        rows = np.stack([paired.row_values(metric, side.part(split)) for side in sides])
        deviation, by_rows = float(reached.std(ddof=1)), paired.noise(rows)
        ends = [interval_of(metric, each) for each in scores]
        halves = [(each[1] - each[0]) / (2 * Z95) for each in ends if each]
        found = {
            "runs": [str(path) for path in paths],
            "split": split,
            "metric": metric,
            "n": scores[0]["n"],
            "scores": reached.tolist(),
            "mean": float(reached.mean()),
            "deviation": deviation,
            "of_test_rows": min(by_rows, deviation),
            "of_training": math.sqrt(max(deviation**2 - by_rows**2, 0.0)),
            "test_share": min(by_rows**2 / deviation**2, 1.0) if deviation else None,
            "mean_deviation": sum(halves) / len(halves) if halves else None,
        }
    return found | {"sentence": spread.sentence(found)}
