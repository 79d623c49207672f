"""What is wrong with the data: duplicates, leaks between splits, equal contents with conflicting labels, empty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from trainwright.data.split import NAMES


def audit(contents: pl.Series, labels: pl.Series, parts: np.ndarray) -> dict[str, Any]:
    """Counts over all rows; ``contents`` are strings, ``parts`` is the split of each row as numbers into ``NAMES``.

    ``across`` counts, for each pair of splits, the rows of the second whose exact content is also in the first.
    """
    frame = pl.DataFrame({"text": contents, "label": labels, "part": parts})
    empty = int((contents.str.strip_chars().str.len_bytes() == 0).sum())
    frame = frame.filter(pl.col("text").str.len_bytes() > 0)
    repeated = frame.group_by("text").agg(pl.len(), pl.n_unique("label").alias("labels"), pl.col("part").unique())
    repeated = repeated.filter(pl.col("len") > 1)
    within = frame.join(repeated.select("text", pl.col("part").alias("in")), on="text")
    across = {}
    for first, second in ((0, 1), (0, 2), (1, 2)):
        shared = within.filter((pl.col("part") == second) & pl.col("in").list.contains(first))
        across[f"{NAMES[first]}-{NAMES[second]}"] = len(shared)
    return {
        "empty": empty,
        "duplicate_rows": int(repeated["len"].sum()) - len(repeated),
        "conflicts": int((repeated["labels"] > 1).sum()),
        "across": across,
    }
