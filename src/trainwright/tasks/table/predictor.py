"""A trained model of tables in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from trainwright.data.files.folders import is_path
from trainwright.data.read.formats import names_table
from trainwright.data.read.tables import read_table
from trainwright.data.tables.encoder import TableEncoder
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.data.tables.from_python import to_frame
from trainwright.data.tables.parse import cast_columns
from trainwright.data.tables.table import ROW
from trainwright.errors import error
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.supervised import FileRows, SupervisedPredictor

if TYPE_CHECKING:
    from trainwright.store.bundle import Bundle
    from trainwright.tasks.supervised import Target


class TablePredictor(SupervisedPredictor):
    """Rows of a table in; classes and their probabilities, or numbers, out."""

    task = "table"
    item = "row"
    encoder_type = TableEncoder

    def __init__(self, kept: Bundle) -> None:
        super().__init__(kept)
        self.chosen = TableSchema.from_values(self.columns)

    @staticmethod
    def target_of(meta: dict[str, Any]) -> Target:
        """A class or a number."""
        return NumberTarget.from_json(meta) if meta["kind"] == NumberTarget.kind else ClassTarget.from_json(meta)

    @staticmethod
    def takes_file(word: str) -> bool:
        """A path that exists, or a word that can only be meant as one: a data file's ending, and no ``column=value``."""
        return is_path(word) or ("=" not in word and names_table(word))

    def smoke_test(self) -> None:
        """A row of which nothing is known."""
        self.predict([dict.fromkeys((feature.name for feature in self.chosen.features), None)])

    def base(self) -> dict[str, Any]:
        """Return what is learned from."""
        return {"features": [feature.name for feature in self.chosen.features]}

    def items(self, given: Sequence[Any]) -> pl.DataFrame:
        """Rows with typed values. Raises E261 for a value that its column cannot hold."""
        frame = to_frame(given, self.chosen.features)
        parsed, rejected = cast_columns(frame, self.chosen, "the data", need_label=False)
        if rejected:
            raise error("E261", what=f"row {rejected[0].row}", why=rejected[0].reason)
        return parsed

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
