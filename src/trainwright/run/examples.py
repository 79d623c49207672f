"""Rows for people to look at, with their inputs: those watched while a model learns, and at its end those that tell most.

watched.json    the rows of valid whose answers are in ``events.jsonl`` after each epoch, in their order
examples.json   at the end, rows of test (or valid): mistakes that it was surest of, rows it was least sure of, right ones;
                of running text a passage and how surprising each part is (``run.passages``)

Inputs are read again from the source; where it cannot be read any more, they are None.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.errors import TrainwrightError
from trainwright.models.registry import load
from trainwright.run import passages

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from trainwright.data.read.source import Source
    from trainwright.training.problem import Problem

EACH = 12  # rows of each group
CHARACTERS, COLUMNS = 2000, 100  # of an input


def watched(source: Source, problem: Problem) -> dict[str, Any]:
    """Return the content of ``watched.json``."""
    return {"labels": list(problem.labels), "rows": _with_inputs(source, problem, problem.watched_rows())}


def examples(source: Source, problem: Problem, rows: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the content of ``examples.json``; ``rows`` are those that the model was measured on, by split."""
    import polars as pl

    split = next((name for name in ("test", "valid") if name in rows), "")
    if split and not KINDS[problem.task].labelled:
        return passages.passages(split, rows[split], " " if problem.settings.tokenizer == "words" else "")
    if not split or not problem.watched_rows().height:
        return []
    groups = [chosen.select(pl.lit(name).alias("group"), pl.all()) for name, chosen in choose(rows[split]).items()]
    return [{"split": split, **row} for row in _with_inputs(source, problem, pl.concat(groups))]


def choose(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows that tell most: of classes ``wrong``, ``unsure`` and ``right``; of numbers ``far`` and ``near``."""
    import polars as pl

    worst = rows.sort("loss", descending=True, nulls_last=True, maintain_order=True)
    if "probabilities" not in rows.columns:
        return {"far": worst.head(EACH), "near": worst.tail(EACH // 2)}
    ordered = pl.col("probabilities").arr.sort(descending=True)
    margin = ordered.arr.get(0) - ordered.arr.get(1)
    shown = pl.all().exclude("probabilities")
    mistakes = rows.filter(pl.col("answer") != pl.col("truth")).sort("probability", descending=True, maintain_order=True)
    right = rows.filter(pl.col("answer") == pl.col("truth"))
    spread = right.gather_every(max(len(right) // EACH, 1)).head(EACH)
    unsure = rows.sort(margin, maintain_order=True).head(EACH)
    return {"wrong": mistakes.head(EACH).select(shown), "unsure": unsure.select(shown), "right": spread.select(shown)}


def _with_inputs(source: Source, problem: Problem, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts, each with its ``input``."""
    predictor: Any = load(KINDS[problem.task].predictor)
    try:
        inputs = predictor.originals(source, problem.data["columns"], rows) if len(rows) else []
    except (TrainwrightError, OSError):
        inputs = [None] * len(rows)
    return [as_json(row | {"input": found}) for row, found in zip(rows.to_dicts(), inputs, strict=True)]


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it, long texts and wide rows cut."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in islice(value.items(), COLUMNS)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    return text if text.startswith("data:image/") or len(text) <= CHARACTERS else f"{text[:CHARACTERS]} ..."
