"""From the tables of a source to the columns that are learned from, and to rows with typed values."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.read.infer_task import Evidence
from trainwright.data.read.source import Source
from trainwright.data.tables.dtypes import convert
from trainwright.data.tables.feature_columns import TableSchema, choose_features
from trainwright.data.tables.profile import ColumnProfile
from trainwright.data.tables.split import content_keys, row_keys
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import error, nearest
from trainwright.tasks.splitting import Part
from trainwright.tasks.table.predictor import TablePredictor
from trainwright.watch.events import Note


def looks_like(seen: Evidence) -> str:
    """Return why a source is a table of features; "" where it is not."""
    return seen.table_of("table")


def choose(source: Source, table: Table, settings: Settings) -> TableSchema:
    """The columns as named, else by what is in them. One that decides the split by groups is not learned from unless named:
    the groups to be measured are ones that training has never seen."""
    label = settings.label or (source.layout.label if source.layout else "")
    how, _, column = settings.split.partition(":")
    if how != "group" or settings.features or column not in table.columns:
        return choose_features(table, settings.features, label, settings.target)
    rest = pl.DataFrame([each for each in table.frame if each.name != column])  # by hand, as a name might be a pattern
    chosen = choose_features(replace(table, frame=rest), (), label, settings.target)
    return replace(chosen, notes=[*chosen.notes, Note("left out", column, "the split is by its groups")])


def keep(parent: TablePredictor, table: Table, settings: Settings) -> TableSchema:
    """The columns of the earlier run. Raises E247 where the label is not there, and E260 where it is of the other kind."""
    chosen = parent.chosen
    label = settings.label or str(chosen.label)
    if label not in table.columns:
        hint = nearest(label, table.columns)
        raise error("E247", column=label, file=table.file, columns=", ".join(table.columns), hint=hint)
    column = ColumnProfile(label, table.frame[label])
    numeric = column.reading.kind == "number"
    wanted = ""
    if settings.target not in (None, chosen.target):
        wanted = f"it is to go on with target={settings.target}"
    elif chosen.target == "number" and not numeric:
        wanted = f"column '{label}' of {table.file} holds none"
    elif chosen.target == "class" and numeric and not column.whole:
        wanted = f"column '{label}' of {table.file} holds numbers with a fraction"
    if wanted:
        raise error("E260", found="numbers" if chosen.target == "number" else "classes", wanted=wanted)
    return replace(chosen, label=label, notes=[Note("columns", str(len(chosen.features)), "those of the earlier run")])


def part_of(table: Table, chosen: TableSchema, frame: pl.DataFrame, rejected: list[Rejected], first: int, column: str) -> Part:
    """What ``gather`` needs of the rows of one table: ``place`` is where they stand in the frame of all tables, and
    ``column`` the one that decides the split, if any."""
    columns = {
        **content_keys(row_keys([frame[feature.name] for feature in chosen.features])),
        "label": frame[str(chosen.label)],
        "row": frame[ROW],
        "place": pl.int_range(first, first + frame.height, eager=True),
    }
    if column:
        columns["key"] = _typed(table.frame[column]).filter(table.frame[ROW].is_in(frame[ROW].implode()))
    return Part(pl.DataFrame(columns), table.file, [*table.rejected, *rejected])


def _typed(column: pl.Series) -> pl.Series:
    """A column that decides the split, as numbers or dates where it holds such, however they are written."""
    found = ColumnProfile(column.name, column)
    if found.reading.kind not in ("number", "date") or found.unusable():
        return column
    mark = "point" if found.reading.format == "either" else found.reading.format
    return convert(column, replace(found.feature, format=mark))[0]
