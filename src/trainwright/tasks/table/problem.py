"""Tables: rows of numbers, categories, dates and yes or no, from which a class or a number is predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.read.source import Source
from trainwright.data.tables.cast import cast_columns
from trainwright.data.tables.dtypes import convert, numbers_of
from trainwright.data.tables.encoder import TableEncoder
from trainwright.data.tables.feature_columns import TableSchema, choose_features
from trainwright.data.tables.label_form import several
from trainwright.data.tables.profile import ColumnProfile
from trainwright.data.tables.split import content_keys, row_keys
from trainwright.data.tables.table import ROW, Rejected, Table, without
from trainwright.errors import error, nearest
from trainwright.tasks import targets
from trainwright.tasks.base import FillCache, Predictor
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.tasks.table import defaults
from trainwright.tasks.table.predictor import TablePredictor
from trainwright.watch.events import Listener, Note, PhaseEnded

TITLES = {"class": "table classification", "number": "table regression", "labels": "multi-label table classification"}


@dataclass
class TableProblem(SupervisedProblem):
    """Rows of a table; inputs are ``numeric`` and ``codes`` as ``TableEncoder`` gives them."""

    task = "table"

    @property
    def title(self) -> str:
        return TITLES[self.target.kind]

    def derive(self) -> list[Note]:
        tuned, rows = self.parent is not None, len(self.splits["train"])
        self.settings, notes = defaults.table_training(self.settings, rows, self.shape, self.target.kind, tuned)
        return notes


def prepare(source: Source, settings: Settings, parent: Predictor | None, listen: Listener) -> tuple[TableProblem, FillCache]:
    """Read, choose columns, split and encode. Nothing is cached, as reading is what takes the time.

    With ``parent`` its columns, encoder and scale are used. Raise SourceError and DataError.
    """
    train = source.tables["train"]
    earlier = parent if isinstance(parent, TablePredictor) else None
    chosen = _keep(earlier, train, settings) if earlier else _choose(source, train, settings)
    by = settings.split.partition(":")[2]
    for name in filter(None, (by, settings.sample_weight)):
        if name not in train.columns:
            raise error("E213", column=name, file=train.file, hint=nearest(name, train.columns))
    parts: dict[str, Part] = {}
    parsed: list[pl.DataFrame] = []
    for name, table in source.tables.items():
        frame, rejected = cast_columns(table.frame, chosen, table.file)
        more = _more(table, frame, by, settings.sample_weight) if name == "train" else {}
        parts[name] = _part_of(table, chosen, frame, rejected, sum(map(len, parsed)), more)
        parsed.append(frame)
    rows = assign_splits(source, parts, settings, classes=chosen.target != "number", noun="row")
    listen(PhaseEnded("read"))
    problem = _encode(rows, pl.concat(parsed), chosen, settings, earlier)
    problem.data["columns"] = chosen.to_values()
    problem.notes = [*train.notes, *chosen.notes, *problem.notes]
    listen(PhaseEnded("encode"))
    return problem, lambda: None


def _encode(
    rows: Rows, frame: pl.DataFrame, chosen: TableSchema, settings: Settings, parent: TablePredictor | None
) -> TableProblem:
    """Fit encoder and target on the training split, and encode every split."""
    learned = rows.part("train")
    train = frame[learned["place"]]
    notes: list[Note] = []
    if parent:
        encoder = parent.encoder
        arrays = encoder.transform(train)
    else:
        settings, notes = defaults.table_encoding(settings, len(train), chosen)
        encoder = TableEncoder(chosen.features, settings.min_count or 1)
        arrays = encoder.fit(train)
        notes += _found(encoder)
    target = targets.fit(chosen.target, str(chosen.label), learned["label"], parent.target if parent else None)
    splits = rows.splits(
        lambda name, part: arrays if name == "train" else encoder.transform(frame[part["place"]]), target.encode
    )
    return TableProblem(settings, target, encoder, splits, rows.data, rows.notes + notes, parent)


def _found(encoder: TableEncoder) -> list[Note]:
    """Return notes on what the encoder learned that a person should know."""
    notes = []
    if encoder.categories:
        sizes = ", ".join(f"{name} {len(words):,}" for name, words in encoder.categories.items())
        notes.append(Note("values", sizes, f"categories seen at least {encoder.min_count} time(s) in the training split"))
    if encoder.missing:
        notes.append(Note("missing", ", ".join(encoder.missing), "taken for the mean, with a column that says so"))
    return notes


def _choose(source: Source, table: Table, settings: Settings) -> TableSchema:
    """Choose the columns as named, else by what is in them. One that decides the split by groups is not learned from unless
    named: the groups to be measured are ones that training has never seen."""
    label = settings.label or (source.layout.label if source.layout else "")
    table = without(table, settings.sample_weight)
    how, _, column = settings.split.partition(":")
    if how != "group" or settings.features or column not in table.columns:
        return choose_features(table, settings.features, label, settings.target)
    chosen = choose_features(without(table, column), (), label, settings.target)
    return replace(chosen, notes=[*chosen.notes, Note("left out", column, "the split is by its groups")])


def _keep(parent: TablePredictor, table: Table, settings: Settings) -> TableSchema:
    """Return the columns of the earlier run. Raise E247 where the label is missing, and E260 where it is of the other kind."""
    chosen = parent.chosen
    if settings.target not in (None, chosen.target):
        raise error("E260", found=targets.WORDS[chosen.target], wanted=f"it is to go on with target={settings.target}")
    if chosen.labels is not None:
        form = (
            replace(chosen.labels, columns=several(table, settings.label) or (settings.label,))
            if settings.label
            else chosen.labels
        )
        if lacking := [name for name in form.columns if name not in table.columns]:
            hint = nearest(lacking[0], table.columns)
            raise error("E247", column=lacking[0], file=table.file, columns=", ".join(table.columns), hint=hint)
        kept = Note("columns", str(len(chosen.features)), "those of the earlier run")
        return replace(chosen, label=form.name, labels=form, notes=[kept])
    label = settings.label or str(chosen.label)
    if label not in table.columns:
        hint = nearest(label, table.columns)
        raise error("E247", column=label, file=table.file, columns=", ".join(table.columns), hint=hint)
    column = ColumnProfile(label, table.frame[label])
    numeric = column.reading.kind == "number"
    wanted = ""
    if chosen.target == "number" and not numeric:
        wanted = f"column '{label}' of {table.file} holds none"
    elif chosen.target == "class" and numeric and not column.whole:
        wanted = f"column '{label}' of {table.file} holds numbers with a fraction"
    if wanted:
        raise error("E260", found=targets.WORDS[chosen.target], wanted=wanted)
    return replace(chosen, label=label, notes=[Note("columns", str(len(chosen.features)), "those of the earlier run")])


def _more(table: Table, frame: pl.DataFrame, by: str, weight: str) -> dict[str, pl.Series]:
    """Return of the rows in ``frame`` what decides their split and what they count in training, where columns say so."""
    kept = table.frame[ROW].is_in(frame[ROW].implode())
    found = {"key": _typed(table.frame[by])} if by else {}
    found |= {"weight": numbers_of(table.frame[weight])} if weight else {}
    return {name: column.filter(kept) for name, column in found.items()}


def _part_of(
    table: Table, chosen: TableSchema, frame: pl.DataFrame, rejected: list[Rejected], first: int, more: dict[str, pl.Series]
) -> Part:
    """Return the rows of one table as ``assign_splits`` takes them, with ``more`` columns: ``place`` is where they stand in the
    frame of all tables."""
    columns = {
        **content_keys(row_keys([frame[feature.name] for feature in chosen.features])),
        "label": frame[str(chosen.label)],
        "row": frame[ROW],
        "place": pl.int_range(first, first + frame.height, eager=True),
        **more,
    }
    return Part(pl.DataFrame(columns), table.file, [*table.rejected, *rejected])


def _typed(column: pl.Series) -> pl.Series:
    """Return a column that decides the split, as numbers or dates where it holds such, however they are written."""
    found = ColumnProfile(column.name, column)
    if found.reading.kind not in ("number", "date") or found.unusable():
        return column
    mark = "point" if found.reading.format == "either" else found.reading.format
    return convert(column, replace(found.feature, format=mark))[0]
