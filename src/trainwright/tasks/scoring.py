"""A saved model measured on a labelled file, or asked about the rows of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.columns import choose_columns
from trainwright.data.readers import read_table
from trainwright.data.source import join_text
from trainwright.data.table import ROW, Table
from trainwright.errors import error, nearest
from trainwright.evaluation.report import detailed_scores
from trainwright.tasks.predictor import TextPredictor


def score_file(predictor: TextPredictor, path: Path) -> dict[str, Any]:
    """Scores of the model on the rows of a file; rows with a label it does not know, or none, are counted as left out.

    Raises SourceError, and DataError E219 when no row is left.
    """
    table = read_table(path)
    text, label, _ = _columns(predictor, table, need_label=True)
    names = table.frame[str(label)].cast(pl.String).str.strip_chars()
    targets = predictor.labels.encode(names)
    known = targets >= 0
    if not known.any():
        raise error("E219", file=path, labels=", ".join(predictor.labels.names[:5]))
    texts = join_text(table.frame, text).filter(pl.Series(known))
    outputs = predictor.outputs(texts, targets[known])
    left_out = len(table.rejected) + int((~known).sum())
    return detailed_scores(outputs, predictor.labels.names) | {"rejected": left_out}


@dataclass
class Answers:
    """The rows of a file with what the model says of them.

    Attributes:
        frame: the file's own columns, untouched.
        rows: each row's number in the file.
        probabilities: float32, shape (rows, classes).
        notes: what a person should know: rows that were left out, columns that were chosen.
    """

    frame: pl.DataFrame
    rows: list[int]
    probabilities: np.ndarray
    notes: list[str]


def predict_file(predictor: TextPredictor, path: Path) -> Answers:
    """What the model says of every row of a file. Raises SourceError and DataError."""
    table = read_table(path)
    text, _, notes = _columns(predictor, table, need_label=False)
    if table.rejected:
        first = "; ".join(f"row {each.row}: {each.reason}" for each in table.rejected[:3])
        notes.append(f"left out: {len(table.rejected):,} rows that cannot be read ({first})")
    probabilities = predictor.probabilities(join_text(table.frame, text))
    return Answers(table.frame.drop(ROW), table.frame[ROW].to_list(), probabilities, notes)


def _columns(predictor: TextPredictor, table: Table, need_label: bool) -> tuple[tuple[str, ...], str | None, list[str]]:
    """The columns that training used where the file has them, else what can be derived, with a note that says so."""
    text, label = tuple(predictor.columns["text"]), predictor.columns["label"]
    if need_label and label not in table.columns:
        raise error("E213", column=label, file=table.file, hint=nearest(label, table.columns))
    if set(text) <= set(table.columns):
        return text, label, []
    chosen = choose_columns(table, (), label if label in table.columns else "", need_label=need_label)
    return chosen.text, label, [f"text: {', '.join(chosen.text)}, as {table.file} has no column {', '.join(text)}"]
