"""Which rows tell most of how good a model is, and how they and their inputs are kept for people to look at."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

EACH = 12  # rows of each group
CHARACTERS, COLUMNS = 2000, 100  # of an input
MORE = " ..."  # behind a text that is cut


def choose(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows that tell most: of classes ``wrong``, ``unsure`` and ``right``; of numbers ``far`` and ``near``; of sets
    of labels ``wrong``, the greatest loss first, and ``right``."""
    import polars as pl

    worst = rows.sort("loss", descending=True, nulls_last=True, maintain_order=True)
    if "probabilities" not in rows.columns:
        return {"far": worst.head(EACH), "near": worst.tail(EACH // 2)}
    shown = pl.all().exclude("probabilities")
    correct = rows["answer"] == rows["truth"]
    right = rows.filter(correct)
    spread = right.gather_every(max(len(right) // EACH, 1)).head(EACH)
    if rows["truth"].dtype == pl.List:
        wrong = worst.filter(worst["answer"] != worst["truth"]).head(EACH)
        return {"wrong": wrong.select(shown), "right": spread.select(shown)}
    ordered = pl.col("probabilities").arr.sort(descending=True)
    margin = ordered.arr.get(0) - ordered.arr.get(1)
    mistakes = rows.filter(~correct).sort("probability", descending=True, maintain_order=True)
    unsure = rows.sort(margin, maintain_order=True).head(EACH)
    return {"wrong": mistakes.head(EACH).select(shown), "unsure": unsure.select(shown), "right": spread.select(shown)}


def worst(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the greatest loss first: of classes and sets of labels those that were answered wrong."""
    import polars as pl

    ordered = rows.sort("loss", descending=True, nulls_last=True, maintain_order=True)
    return ordered.filter(ordered["answer"] != ordered["truth"]) if rows["truth"].dtype in (pl.String, pl.List) else ordered


def with_targets(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows of classes whose target the loss ignores: they have a probability, but no loss."""
    import polars as pl

    if "probability" not in rows.columns or rows["loss"].dtype == pl.Null:
        return rows
    ignored = pl.col("loss").is_nan() & pl.col("probability").is_not_nan()
    return rows.filter(~ignored.fill_null(False))


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it, long texts and wide rows cut."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in islice(value.items(), COLUMNS)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list):
        return [as_json(each) for each in value[:COLUMNS]]
    text = str(value)
    return text if text.startswith("data:image/") or len(text) <= CHARACTERS else text[:CHARACTERS] + MORE
