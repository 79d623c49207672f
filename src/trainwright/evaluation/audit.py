"""What is wrong with the data: duplicates, leaks between splits, equal contents with conflicting labels, empty ones."""

from __future__ import annotations

from typing import Any

import polars as pl

from trainwright.data.tables.split import NAMES


def audit(rows: pl.DataFrame) -> dict[str, Any]:
    """Count what is wrong. ``rows``: label, split (a number into ``NAMES``) and the columns of ``content_keys``.

    ``across`` counts, for each pair of splits, the rows of the second whose exact content is also in the first.
    """
    same = ("digest", "position")
    if rows["label"].dtype == pl.List:  # which cannot be counted; a mark that no label has
        rows = rows.with_columns(pl.col("label").list.join("\0"))
    filled = rows.filter(pl.col("blank") < 2)
    copies = filled.filter(filled["digest"].is_duplicated())  # few as a rule: what follows costs nothing
    repeated = copies.group_by(same).agg(
        pl.len(), pl.n_unique("label").alias("labels"), *((pl.col("split") == part).any().alias(str(part)) for part in (0, 1))
    )
    repeated = repeated.filter(pl.col("len") > 1)
    within = copies.join(repeated.select(*same, "0", "1"), on=same)
    across = {}
    for first, second in ((0, 1), (0, 2), (1, 2)):
        across[f"{NAMES[first]}-{NAMES[second]}"] = int(((within["split"] == second) & within[str(first)]).sum())
    return {
        "empty": int((rows["blank"] > 0).sum()),
        "duplicate_rows": int(repeated["len"].sum()) - len(repeated),
        "conflicts": int((repeated["labels"] > 1).sum()),
        "across": across,
    }
