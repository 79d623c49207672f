"""A closer look at labelled texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from trainwright.data.tables.table import ROW, Table
from trainwright.data.tables.text_columns import join_text
from trainwright.tasks.found import ODD
from trainwright.tasks.look import Labelled, Seen, look_at_texts

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.tasks.text.problem import TextProblem


def look(source: Source, problem: TextProblem) -> Seen:
    """Look at the texts of all splits. Raise SourceError."""
    rows, columns = Labelled(problem), tuple(problem.data["columns"]["text"])

    def read(table: Table) -> pl.DataFrame:
        return pl.DataFrame({ROW: table.frame[ROW], "text": join_text(table.frame, columns)})

    seen = look_at_texts(rows, rows.columns(source, read)["text"].fill_null(""))
    seen.looked_for += ("near-duplicates", "groups", *ODD)
    return seen
