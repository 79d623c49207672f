"""Tables: rows of numbers, categories, dates and yes or no, from which a class or a number is predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files.folders import is_path
from trainwright.data.read.source import Source
from trainwright.data.read.tables import read_table
from trainwright.data.tables.content_hash import content_keys, row_keys
from trainwright.data.tables.dtypes import convert
from trainwright.data.tables.encoder import TableEncoder, TargetScaler
from trainwright.data.tables.feature_columns import TableSchema, choose_features
from trainwright.data.tables.from_python import to_frame
from trainwright.data.tables.parse import cast_columns
from trainwright.data.tables.profile import ColumnProfile
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.data.text.bag_encoder import LabelEncoder
from trainwright.errors import error, nearest
from trainwright.models.shapes import TableShape
from trainwright.tasks.base import Predictor, Split
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.supervised import FileRows, SupervisedPredictor, SupervisedProblem
from trainwright.tasks.table import defaults
from trainwright.watch.events import Listener, Note, PhaseEnded

if TYPE_CHECKING:
    import torch

    from trainwright.data.batches.base import Batches
    from trainwright.store.bundle import Bundle
    from trainwright.tasks.supervised import Target

FILES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".gz", ".zst")
TITLES = {"class": "table classification", "number": "table regression"}
Arrays = tuple[np.ndarray, np.ndarray]


def _batches_of(part: Split, batch_size: int, seed: int | None, device: torch.device) -> Batches:
    from torch import from_numpy

    from trainwright.data.batches.base import tensor_batches

    # What polars gives may not be written to, which torch cannot promise.
    *inputs, targets = (from_numpy(np.require(each, requirements="W")) for each in (*part.inputs, part.targets))
    return tensor_batches(inputs, targets, batch_size=batch_size, seed=seed, device=device)


@dataclass
class TableProblem(SupervisedProblem):
    """Rows of a table; inputs are ``numeric`` and ``codes`` as ``TableEncoder`` gives them."""

    task = "table"

    @property
    def title(self) -> str:
        """Says what is predicted."""
        return TITLES[self.target.kind]

    @property
    def shape(self) -> TableShape:
        """The encoded columns, and the classes or the one number."""
        return TablePredictor.shape_of(self.encoder, self.target.outputs)

    def derive(self) -> list[Note]:
        """From the size of the training split and what is predicted."""
        rows = len(self.splits["train"])
        self.settings, notes = defaults.table_training(self.settings, rows, self.target.kind, self.parent is not None)
        return notes

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device) -> Batches:
        """Encoded rows in batches."""
        return _batches_of(part, batch_size, seed, device)


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[TableProblem, Callable[[], None]]:
    """Read, choose columns, split and encode. Nothing is cached, as reading is what takes the time.

    ``listen`` is called when a phase ends. With ``parent`` its columns, encoder and scale are used.
    Raises SourceError and DataError.
    """
    train = source.tables["train"]
    earlier = parent if isinstance(parent, TablePredictor) else None
    chosen = _kept(earlier, train, settings) if earlier else _choose(source, train, settings)
    by = settings.split.partition(":")[2]
    if by and by not in train.columns:
        raise error("E213", column=by, file=train.file, hint=nearest(by, train.columns))
    parts: dict[str, Part] = {}
    parsed: list[pl.DataFrame] = []
    for name, table in source.tables.items():
        frame, rejected = cast_columns(table.frame, chosen, table.file)
        parts[name] = _part(table, chosen, frame, rejected, sum(map(len, parsed)), by if name == "train" else "")
        parsed.append(frame)
    rows = assign_splits(source, parts, settings, classes=chosen.target == "class", noun="row")
    listen(PhaseEnded("read"))
    problem = _encode(rows, pl.concat(parsed), chosen, settings, earlier)
    problem.data["columns"] = chosen.to_values()
    problem.notes = [*train.notes, *chosen.notes, *problem.notes]
    listen(PhaseEnded("encode"))
    return problem, lambda: None


def _choose(source: Source, table: Table, settings: Settings) -> TableSchema:
    """The columns as named, else by what is in them. One that decides the split by groups is not learned from unless named:
    the groups to be measured are ones that training has never seen."""
    label = settings.label or (source.layout.label if source.layout else "")
    how, _, column = settings.split.partition(":")
    if how != "group" or settings.features or column not in table.columns:
        return choose_features(table, settings.features, label, settings.target)
    rest = pl.DataFrame([each for each in table.frame if each.name != column])  # by hand, as a name might be a pattern
    chosen = choose_features(replace(table, frame=rest), (), label, settings.target)
    return replace(chosen, notes=[*chosen.notes, Note("left out", column, "the split is by its groups")])


def _kept(parent: TablePredictor, table: Table, settings: Settings) -> TableSchema:
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


def _part(table: Table, chosen: TableSchema, frame: pl.DataFrame, rejected: list[Rejected], first: int, column: str) -> Part:
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


class TablePredictor(SupervisedPredictor):
    """Rows of a table in; classes and their probabilities, or numbers, out."""

    task = "table"
    item = "row"

    def __init__(self, kept: Bundle, encoder: Any) -> None:
        super().__init__(kept, encoder)
        self.chosen = TableSchema.from_values(self.columns)

    @classmethod
    def from_bundle(cls, kept: Bundle) -> TablePredictor:
        """From what the bundle holds."""
        return cls(kept, TableEncoder.from_parts(kept.meta["encoder"], kept.arrays))

    @staticmethod
    def target_of(meta: dict[str, Any]) -> Target:
        """A class or a number."""
        return NumberTarget.from_json(meta) if meta["kind"] == NumberTarget.kind else ClassTarget.from_json(meta)

    @staticmethod
    def shape_of(encoder: Any, outputs: int) -> TableShape:
        """The encoded columns, and the classes or the one number."""
        return TableShape(encoder.numeric_size, encoder.category_sizes, outputs)

    @staticmethod
    def takes_file(word: str) -> bool:
        """A path that exists, or a word that can only be meant as one: a data file's ending, and no ``column=value``."""
        return is_path(word) or ("=" not in word and " " not in word and Path(word).suffix.lower() in FILES)

    def smoke_test(self) -> None:
        """A row of which nothing is known."""
        self.predict([dict.fromkeys((feature.name for feature in self.chosen.features), None)])

    def base(self) -> dict[str, Any]:
        """The network, and what it is learned from."""
        features = [feature.name for feature in self.chosen.features]
        return {"features": features, "model": self.settings.model_dump(exclude_none=True)}

    def encode(self, items: pl.DataFrame) -> Arrays:
        """Numbers and codes."""
        found: Arrays = self.encoder.transform(items)
        return found

    def items(self, given: Sequence[Any]) -> pl.DataFrame:
        """Rows with typed values. Raises E261 for a value that its column cannot hold."""
        frame = to_frame(given, self.chosen.features)
        parsed, rejected = cast_columns(frame, self.chosen, "the data", need_label=False)
        if rejected:
            raise error("E261", what=f"row {rejected[0].row}", why=rejected[0].reason)
        return parsed

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device) -> Batches:
        """Encoded rows in batches."""
        return _batches_of(part, batch_size, seed, device)

    def read(self, path: Path, need_label: bool) -> FileRows:
        """The rows of a file, by the names of the columns that training used. Raises E212 where none can be measured."""
        table = read_table(path)
        items, rejected = cast_columns(table.frame, self.chosen, table.file, need_label)
        rejected = [*table.rejected, *rejected]
        if need_label and not len(items):
            raise error("E212", file=path, where=f"row {rejected[0].row}: {rejected[0].reason}")
        notes = []
        if rejected and not need_label:
            first = "; ".join(f"row {each.row}: {each.reason}" for each in rejected[:3])
            notes.append(f"left out: {len(rejected):,} rows that cannot be read ({first})")
        frame = table.frame.filter(table.frame[ROW].is_in(items[ROW].implode()))
        labels = items[str(self.chosen.label)] if need_label else None
        return FileRows(frame, items, labels, len(rejected), notes)
