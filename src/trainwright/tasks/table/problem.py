"""Tables: rows of numbers, categories, dates and yes or no, from which a class or a number is predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.read.source import Source
from trainwright.data.tables.encoder import TableEncoder, TargetScaler
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.data.tables.parse import cast_columns
from trainwright.data.tables.split import NAMES
from trainwright.data.text.bag_encoder import LabelEncoder
from trainwright.errors import error, nearest
from trainwright.tasks.base import Predictor, Split
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.tasks.table import defaults, reading
from trainwright.tasks.table.predictor import TablePredictor
from trainwright.watch.events import Listener, Note, PhaseEnded

if TYPE_CHECKING:
    from trainwright.tasks.supervised import Target

TITLES = {"class": "table classification", "number": "table regression"}
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass
class TableProblem(SupervisedProblem):
    """Rows of a table; inputs are ``numeric`` and ``codes`` as ``TableEncoder`` gives them."""

    task = "table"

    @property
    def title(self) -> str:
        """Says what is predicted."""
        return TITLES[self.target.kind]

    def derive(self) -> list[Note]:
        """From the size of the training split and what is predicted."""
        rows = len(self.splits["train"])
        self.settings, notes = defaults.table_training(
            self.settings, rows, self.shape, self.target.kind, self.parent is not None
        )
        return notes


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[TableProblem, Callable[[], None]]:
    """Read, choose columns, split and encode. Nothing is cached, as reading is what takes the time.

    ``listen`` is called when a phase ends. With ``parent`` its columns, encoder and scale are used.
    Raises SourceError and DataError.
    """
    train = source.tables["train"]
    earlier = parent if isinstance(parent, TablePredictor) else None
    chosen = reading.keep(earlier, train, settings) if earlier else reading.choose(source, train, settings)
    by = settings.split.partition(":")[2]
    if by and by not in train.columns:
        raise error("E213", column=by, file=train.file, hint=nearest(by, train.columns))
    parts: dict[str, Part] = {}
    parsed: list[pl.DataFrame] = []
    for name, table in source.tables.items():
        frame, rejected = cast_columns(table.frame, chosen, table.file)
        parts[name] = reading.part_of(table, chosen, frame, rejected, sum(map(len, parsed)), by if name == "train" else "")
        parsed.append(frame)
    rows = assign_splits(source, parts, settings, classes=chosen.target == "class", noun="row")
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
    parts = {name: rows.part(name) for name in NAMES}
    train = frame[parts["train"]["place"]]
    notes: list[Note] = []
    if parent:
        encoder = parent.encoder
        arrays = encoder.transform(train)
    else:
        settings, notes = defaults.table_encoding(settings, len(train), chosen)
        encoder = TableEncoder(chosen.features, settings.min_count or 1)
        arrays = encoder.fit(train)
        notes += _found(encoder)
    target = _target(parts["train"]["label"], chosen, parent)
    splits = {}
    for name, part in parts.items():
        if len(part):
            inputs = arrays if name == "train" else encoder.transform(frame[part["place"]])
            splits[name] = Split(inputs, target.encode(part["label"]), part["row"].to_numpy(), rows.file(name))
    return TableProblem(settings, target, encoder, splits, rows.data, rows.notes + notes, parent)


def _target(labels: pl.Series, chosen: TableSchema, parent: TablePredictor | None) -> Target:
    if chosen.target == "class":
        return ClassTarget(LabelEncoder.fit(labels), {})
    if parent and isinstance(parent.target, NumberTarget):
        return NumberTarget(str(chosen.label), parent.target.scaler, {})
    return NumberTarget(str(chosen.label), TargetScaler.fit(labels.to_numpy()), {})


def _found(encoder: TableEncoder) -> list[Note]:
    """What the encoder learned that a person should know."""
    notes = []
    if encoder.categories:
        sizes = ", ".join(f"{name} {len(words):,}" for name, words in encoder.categories.items())
        notes.append(Note("values", sizes, f"categories seen at least {encoder.min_count} time(s) in the training split"))
    if encoder.missing:
        notes.append(Note("missing", ", ".join(encoder.missing), "taken for the mean, with a column that says so"))
    return notes
