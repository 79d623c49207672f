"""What trainings with several seeds came to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.watch import metrics, words

# With k runs the standard deviation itself is uncertain by about 1 / sqrt(2 (k - 1)): a half with 3, a third with 5 or 6.
FEWEST = 5


def sentence(found: Mapping[str, Any]) -> str:
    """Return mean and spread of the score, and how much of the spread is the test rows' and how much the training's."""
    metric, scores = found["metric"], found["scores"]
    entry, rows = metrics.find(metric), f"{words.count(found['n'])} {found['split']} rows"
    ends = f"from {entry.write(min(scores))} to {entry.write(max(scores))}"
    said = f"{len(scores)} seeds: {entry.title} {entry.write(found['mean'])} on average, {ends}"
    if found["test_share"] is None:
        said += ", no spread"
    else:
        said += f", standard deviation {_size(found['deviation'], metric)}; "
        share = 100 * found["test_share"]
        if len(scores) < FEWEST:
            said += f"so few cannot tell whether the training or the {rows} make them differ"
        else:
            said += f"of its variance {share:.0f} % comes from the {rows}, {100 - share:.0f} % from the training"
    if found["mean_deviation"] is not None:
        said += f"; on as many other rows the average itself would differ by {_size(found['mean_deviation'], metric)}"
    return said


def _size(deviation: float, metric: str) -> str:
    return f"{100 * deviation:.2f} points" if metrics.is_share(metric) else words.number(deviation)
