"""What of running text is shown at the end of a run: how surprising its parts are, and one passage token by token.

Two entries of ``examples.json``, beside the keys that those of other tasks have:

group       what it has more
passage     ``tokens`` and ``losses`` of consecutive tokens, the first at ``row``; ``between`` stands between two of them
positions   ``losses``, the mean of each of up to ``PARTS`` equal parts of the text; ``tokens``, how many a part has
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.watch.events import in_short

if TYPE_CHECKING:
    import polars as pl

PASSAGE, PARTS, LEAST = 240, 100, 20  # tokens of the passage; parts of the text, and the tokens that one has at least


def passages(split: str, rows: pl.DataFrame, between: str) -> list[dict[str, Any]]:
    """Return the entries of a split's tokens: ``rows`` has their file, row, truth and loss, in the order of the text."""
    losses = rows["loss"].to_numpy().astype(np.float64)
    if not len(losses) or not np.isfinite(losses).all():
        return []
    each = max(len(losses) // PARTS, min(LEAST, len(losses)))
    parts = losses[: len(losses) // each * each].reshape(-1, each).mean(axis=1)
    first, tokens = _typical(losses), rows["truth"]
    shown = tokens[first : first + PASSAGE].to_list()
    surprise = losses[first : first + PASSAGE]
    place = {"split": split, "file": rows["file"][0], "truth": None, "answer": None, "probability": None}
    return [
        place | {"group": "passage", "row": rows["row"][first], "loss": in_short(surprise.mean()), "input": between.join(shown),
                 "tokens": shown, "losses": list(map(in_short, surprise.tolist())), "between": between},
        place | {"group": "positions", "row": rows["row"][0], "loss": in_short(losses.mean()), "input": None,
                 "tokens": each, "losses": list(map(in_short, parts.tolist()))},
    ]  # fmt: skip


def _typical(losses: np.ndarray) -> int:
    """Return where the passage begins whose mean is nearest to that of the whole text."""
    sums = np.concatenate([[0.0], losses.cumsum()])
    size = min(PASSAGE, len(losses))
    means = (sums[size:] - sums[:-size]) / size
    return int(np.abs(means - losses.mean()).argmin())
