"""A saved model measured on a labelled file, or asked about the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.columns import choose_columns
from trainwright.data.readers import read_table
from trainwright.data.source import join_text
from trainwright.data.table import ROW, Table
from trainwright.errors import error
from trainwright.evaluation.report import detailed_scores
from trainwright.tasks.predictor import TextPredictor


def score_file(predictor: TextPredictor, path: Path) -> dict[str, Any]:
    """Scores of the model on the rows of a file; rows with a label it does not know, or none, are counted as left out.

    Raises SourceError, and DataError E219 when no row is left.
    """
    table = read_table(path)
    text, label = _columns(predictor, table, need_label=True)
    names = table.frame[str(label)].cast(pl.String).str.strip_chars()
    targets = predictor.labels.encode(names)
    known = targets >= 0
    if not known.any():
        raise error("E219", file=path, labels=", ".join(predictor.labels.names[:5]))
    texts = join_text(table.frame, text).filter(pl.Series(known))
    outputs = predictor.outputs(texts, targets[known])
    left_out = len(table.rejected) + int((~known).sum())
    return detailed_scores(outputs, predictor.labels.names) | {"rejected": left_out}


def predict_file(predictor: TextPredictor, path: Path) -> tuple[pl.DataFrame, np.ndarray]:
    """The file's columns untouched, and the probabilities of its rows: float32, shape (rows, classes)."""
    table = read_table(path)
    text, _ = _columns(predictor, table, need_label=False)
    return table.frame.drop(ROW), predictor.probabilities(join_text(table.frame, text))


def _columns(predictor: TextPredictor, table: Table, need_label: bool) -> tuple[tuple[str, ...], str | None]:
    """The columns that training used where the file has them, else what can be derived."""
    text, label = tuple(predictor.columns["text"]), predictor.columns["label"]
    if not set(text) <= set(table.columns):
        text = ()
    chosen = choose_columns(table, text, label if label in table.columns else "", need_label=need_label)
    return chosen.text, chosen.label
