"""From which probability on a class, or a label, is best said: chosen on rows that are not those of the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

USUAL = 0.5
FEWEST = 10  # rows that have it, and that have it not; with fewer no threshold is chosen

# Of counts: rows that have it and were told so, that were told so, that have it, all. The first two may be arrays.
Measure = Callable[[Any, Any, Any, Any], Any]


def f1(hits: Any, said: Any, there: Any, rows: Any = 0) -> Any:
    """Return F1; 0 where nothing is there and nothing said."""
    return 2 * hits / np.maximum(said + there, 1)


def _accuracy(hits: Any, said: Any, there: Any, rows: Any) -> Any:
    return (rows - said - there + 2 * hits) / np.maximum(rows, 1)


def _balanced(hits: Any, said: Any, there: Any, rows: Any) -> Any:
    rest = rows - there
    return (hits / np.maximum(there, 1) + (rest - said + hits) / np.maximum(rest, 1)) / 2


def _both_f1(hits: Any, said: Any, there: Any, rows: Any) -> Any:
    return (f1(hits, said, there) + f1(rows - said - there + hits, rows - said, rows - there)) / 2


def _mcc(hits: Any, said: Any, there: Any, rows: Any) -> Any:
    spread = np.sqrt(1.0 * said * there * (rows - said) * (rows - there))
    return np.where(spread > 0, (1.0 * hits * rows - 1.0 * said * there) / np.where(spread > 0, spread, 1), 0.0)


MEASURES: Mapping[str, Measure] = {
    "f1": f1,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "macro_f1": _both_f1,
    "mcc": _mcc,
}


def best_threshold(positive: np.ndarray, shares: np.ndarray, measure: str = "f1") -> float:
    """Return the threshold at which a measure is highest; 0.5 where none is better, or fewer than ``FEWEST`` rows could tell.

    ``positive``: bool (rows,), which have it; ``shares``: float32 (rows,), its probability.
    """
    there, rows, of = int(positive.sum()), len(positive), MEASURES[measure]
    if min(there, rows - there) < FEWEST:
        return USUAL
    order = np.argsort(-shares, kind="stable")
    scores = shares[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # equal probabilities are said together
    reached = of(positive[order].cumsum()[ends], ends + 1, there, rows)
    usual = shares >= USUAL
    if of((usual & positive).sum(), usual.sum(), there, rows) >= reached.max():
        return USUAL
    place = int(ends[reached.argmax()])
    return float((scores[place] + scores[min(place + 1, rows - 1)]) / 2)
