"""A closer look at the columns of tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from trainwright.data.tables.cast import cast_columns
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.evaluation import drift
from trainwright.tasks.found import ODD, SAYS, oddities
from trainwright.tasks.look import Labelled, Seen, look_at_texts, of_counts, strengths
from trainwright.watch.inspected.finding import Finding

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.data.tables.table import Table
    from trainwright.tasks.table.problem import TableProblem

FEW_MISSING = 0.01  # of the rows; fewer are not worth a line


def look(source: Source, problem: TableProblem) -> Seen:
    """Look at the columns of all splits. Raise SourceError and DataError."""
    rows, chosen = Labelled(problem), TableSchema.from_values(problem.data["columns"])

    def read(table: Table) -> pl.DataFrame:
        return cast_columns(table.frame, chosen, table.file)[0]

    frame = rows.columns(source, read)
    seen = Seen(looked_for=("gives-away", "missing-values", "sentinel", "outliers", "not-used", "groups"))
    seen.findings += _of_notes(problem)
    known = {each.where for each in seen.findings if each.name == "gives-away"}
    measured = list[tuple[str, np.ndarray]]()
    for feature in chosen.features:
        values = frame[feature.name]
        missing = values.is_null() | values.is_nan() if values.dtype.is_float() else values.is_null()
        if missing.sum() >= FEW_MISSING * len(missing):
            what = f"rows have nothing in it, {int(missing.sum()) / len(missing):.1%}"
            seen.findings.append(rows.named.finding("missing-values", missing.to_numpy(), what, feature.name))
        if feature.kind == "text":
            _add(seen, rows, values.fill_null(""), feature.name)
        elif feature.kind in ("number", "date"):
            numbers = values.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
            measured.append((feature.name, numbers))
            seen.tests += rows.compare(feature.name, drift.of_numbers, numbers)
        else:
            codes = values.cast(pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
            measured.append((feature.name, codes))
            seen.tests += rows.compare(feature.name, of_counts, codes)
    if problem.target.kind == "number":
        seen.tests += rows.compare(str(chosen.label), drift.of_numbers, rows.frame["label"].to_numpy())
    seen.looked_for += ("drift",)
    seen.findings += strengths(rows, measured, known)
    return seen


def _add(seen: Seen, rows: Labelled, texts: pl.Series, name: str) -> None:
    """Look at a column of texts too."""
    more, odd = look_at_texts(rows, texts, name), oddities(texts).to_numpy()
    seen.findings += more.findings
    seen.tests += more.tests
    seen.words |= more.words
    seen.spreads |= more.spreads
    seen.looked_for = tuple(dict.fromkeys((*seen.looked_for, *more.looked_for, *ODD, "near-duplicates")))
    for bit, kind in enumerate(ODD):
        if (there := (odd & (1 << bit)) != 0).any():
            seen.findings.append(rows.named.finding(kind, there, f"texts {SAYS[kind]}", name))


def _of_notes(problem: TableProblem) -> Iterator[Finding]:
    """Yield what was noticed when the columns were chosen: those that are left out, and those that give the label away."""
    total = reduce(int.__add__, map(len, problem.splits.values()))
    for what, value, why in problem.notes:
        if what == "left out" and not value.endswith(" rows"):
            mirrors = why.startswith(("it says the same", "it follows from"))
            kind = "gives-away" if mirrors else "not-used"
            yield Finding(kind, total, f"rows: {why}; it is left out", value, severity="look" if mirrors else "")
        elif what.startswith("tells '"):
            yield Finding("gives-away", total, f"rows: {why}", value)
