"""What trainings with several seeds came to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.watch import metrics, words


def sentence(found: Mapping[str, Any]) -> str:
    """Return mean and spread of the score, and how much of the spread is the test rows' and how much the training's."""
    metric, scores = found["metric"], found["scores"]
    entry, rows = metrics.find(metric), f"{words.count(found['n'])} {found['split']} rows"
    ends = f"from {entry.write(min(scores))} to {entry.write(max(scores))}"
    said = f"{len(scores)} seeds: {entry.title} {entry.write(found['mean'])} on average, {ends}"
    if found["test_share"] is None:
        said += ", no spread"
    else:
        share = found["test_share"]
        said += f", standard deviation {_size(found['deviation'], metric)}: {100 * share:.0f} % of its variance is that of the "
        said += f"{rows}, on which models that are equally good differ by {_size(found['of_test_rows'], metric)}, "
        said += f"{100 * (1 - share):.0f} % that of the training ({_size(found['of_training'], metric)})"
    if found["mean_deviation"] is not None:
        said += f"; on as many other rows the average itself would differ by {_size(found['mean_deviation'], metric)}"
    return said


def _size(deviation: float, metric: str) -> str:
    return f"{100 * deviation:.2f} points" if metrics.is_share(metric) else words.number(deviation)
