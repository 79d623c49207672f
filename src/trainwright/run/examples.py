"""Rows for people to look at, with their inputs: those watched while a model learns, and at its end those that tell most.

watched.json    the rows of valid (of running text ``passages``) whose answers are in ``events.jsonl`` after each epoch
examples.json   at the end, rows of test (or valid): mistakes that it was surest of, rows it was least sure of, right ones;
                of running text a passage and how surprising each part is (``run.passages``)

Inputs are read again from the source; where it cannot be read any more, they are None.

A row of ``examples.json`` may have two keys more, which say what in the input spoke for the answer:

``against``  the label that the answer is weighed against: the truth, or the runner-up where the answer is right; None of
             numbers
``why``      weights, finite floats to five digits. Of classes in logits: above 0 towards the answer, below 0 towards
             ``against``; of numbers in the unit of the target: above 0 makes the number larger, below 0 smaller. What it is
             depends on ``input``:
    a text       [[piece, weight], ...]: the pieces put together are ``input``, character by character; what is between the
                 words is a piece of weight 0
    a dict       [[column, weight], ...]: the columns of ``input``, the largest weight (without its sign) first
    a picture    "data:image/png;base64,...": a transparent picture of the shape of ``input``, perhaps of fewer pixels, to be
                 laid over it: blue speaks for the answer, orange for ``against``, the more opaque the more

``why`` is None, and ``against`` too, where it cannot be said: no input, or a model that cannot be asked.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.errors import TrainwrightError
from trainwright.models.registry import load
from trainwright.run import passages
from trainwright.tasks.example_rows import CHARACTERS, COLUMNS, MORE, as_json, choose
from trainwright.watch.events import in_short

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import polars as pl

    from trainwright.data.read.source import Source
    from trainwright.store.bundle import Bundle
    from trainwright.training.problem import Problem


def watched(source: Source, problem: Problem) -> dict[str, Any]:
    """Return the content of ``watched.json``."""
    rows = problem.watched_rows()
    found = zip(rows.to_dicts(), _inputs(source, problem, rows), strict=True)
    shown = [as_json(row | {"input": each}) for row, each in found]
    return {"labels": list(problem.labels), "rows": shown} | ({"passages": problem.passages} if problem.passages else {})


def examples(source: Source, problem: Problem, rows: Mapping[str, pl.DataFrame], bundle: Bundle) -> list[dict[str, Any]]:
    """Return the content of ``examples.json``; ``rows`` are those that the model was measured on, by split."""
    import polars as pl

    split = next((name for name in ("test", "valid") if name in rows), "")
    if split and not KINDS[problem.task].labelled:
        return passages.passages(split, rows[split], " " if problem.settings.tokenizer == "words" else "")
    if not split or not problem.watched_rows().height:
        return []
    whole = rows[split].with_row_index("place")
    groups = [chosen.select(pl.lit(name).alias("group"), pl.all()) for name, chosen in choose(whole).items()]
    chosen = pl.concat(groups)
    places = chosen["place"].to_numpy()
    inputs = _inputs(source, problem, chosen)
    reasons = _reasons(problem, inputs, whole[places], split, bundle)
    shown = chosen.drop("place").to_dicts()
    return [
        {"split": split, **as_json(row | {"input": each}), **why} for row, each, why in zip(shown, inputs, reasons, strict=True)
    ]


def _reasons(problem: Problem, inputs: list[Any], rows: pl.DataFrame, split: str, bundle: Bundle) -> list[dict[str, Any]]:
    """Return ``against`` and ``why`` of each row; None of all where the network cannot be asked."""
    import polars as pl

    from trainwright.tasks import registry

    if rows["truth"].dtype == pl.List:  # no label is weighed against another
        return [{"against": None, "why": None} for _ in inputs]
    towards, against, labels = _compared(problem, rows)
    try:
        encoded: Any = problem.splits[split]
        found = registry.from_bundle(bundle).why(inputs, encoded.take(rows["place"].to_numpy()).inputs, towards, against)
    except Exception:  # a picture has gone, memory is short, a network is of another make: the run must end all the same
        found = [None] * len(inputs)
    shown = (None if why is None else label for label, why in zip(labels, found, strict=True))
    return [{"against": label, "why": _cut(why, each)} for label, why, each in zip(shown, found, inputs, strict=True)]


def _compared(problem: Problem, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Return the class of each answer, the one that it is weighed against, and the label of that; zeros and None of numbers."""
    import numpy as np

    if "probabilities" not in rows.columns:
        zeros = np.zeros(len(rows), np.int64)
        return zeros, zeros, [None] * len(rows)
    number = {label: place for place, label in enumerate(problem.labels)}
    answers = np.array([number[label] for label in rows["answer"]], np.int64)
    shares = rows["probabilities"].to_numpy().copy()
    shares[np.arange(len(rows)), answers] = -1
    second = np.array([number[label] for label in rows["truth"]], np.int64)
    against = np.where(answers == second, shares.argmax(axis=1), second)
    return answers, against, [problem.labels[place] for place in against.tolist()]


def _cut(why: Any, given: Any) -> Any:
    """Return the reasons for an input as ``as_json`` cuts it: its pieces up to the same character, or those columns."""
    if not isinstance(why, list):
        return why
    if isinstance(given, dict):
        kept = set(islice(given, COLUMNS))
        return [(name, in_short(weight)) for name, weight in why if name in kept]
    found, left = [], CHARACTERS
    for piece, weight in why:
        if left > 0:
            found.append((piece[:left], in_short(weight)))
        left -= len(piece)
    return found if left >= 0 else [*found, (MORE, 0.0)]


def _inputs(source: Source, problem: Problem, rows: pl.DataFrame) -> list[Any]:
    """Return the inputs of rows."""
    predictor: Any = load(KINDS[problem.task].predictor)
    try:
        return list(predictor.originals(source, problem.data["columns"], rows)) if len(rows) else []
    except (TrainwrightError, OSError):
        return [None] * len(rows)
