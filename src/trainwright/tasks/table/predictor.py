"""A trained model of tables in use, and what its bundle may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from trainwright.data.files.folders import is_path
from trainwright.data.read.formats import names_file
from trainwright.data.read.options import ReadOptions
from trainwright.data.read.tables import read_table
from trainwright.data.tables.cast import cast_columns, to_frame
from trainwright.data.tables.encoder import TableEncoder
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.data.tables.fingerprint import of_keys
from trainwright.data.tables.split import row_keys
from trainwright.data.tables.table import ROW
from trainwright.errors import error
from trainwright.tasks.bundle_schema import (
    NUMBERS,
    SETS,
    Arrays,
    ClassSchema,
    CommonSchema,
    Count,
    Distinct,
    LabelsSchema,
    NumberSchema,
    Reading,
    Schema,
    TextValues,
    distinct,
)
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.supervised import FileRows, SupervisedPredictor, from_tables, reading_notes

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.data.tables.table import Table
    from trainwright.store.bundle import Bundle
    from trainwright.watch.explained.explanation import Explanation, Rule


MOST_COLUMNS = 100  # whose weights are told of each of many rows


FORMATS = rf"^(|{NUMBERS}|clock|(ymd|dmy|mdy|yymd|my|compact|epoch)( time)?)$"  # of numbers, of dates


class FeatureValues(Schema):
    """``Feature``."""

    name: str
    kind: Literal["number", "boolean", "date", "category", "text"]
    format: Annotated[str, Field(pattern=FORMATS)]


class FormValues(Schema):
    """``LabelForm`` of several labels a row."""

    columns: Annotated[Distinct, Field(min_length=1)]
    target: Literal["labels"]
    written: Annotated[str, Field(pattern=f"^({SETS})$")]


class ChosenValues(Schema):
    """``TableSchema``."""

    label: str
    features: list[FeatureValues]
    target: Literal["class", "number", "labels"]
    written: FeatureValues | None
    labels: FormValues | None = None
    group: str = ""
    reading: Reading = Reading()

    @property
    def predicted(self) -> list[str]:
        """Return the columns that are predicted."""
        return self.labels.columns if self.labels else [self.label]

    @model_validator(mode="after")
    def _says(self) -> ChosenValues:
        if (self.target == "labels") != (self.labels is not None) or (self.written is None) != (self.target == "labels"):
            raise ValueError("columns: how the label is written is not that of the target")
        return self


class TableTextValues(TextValues):
    """The ``TextEncoder`` of a column, whose tokens are so many of the bundle's, after those of the columns before it."""

    kind: Literal["bag"]
    weighting: Literal["tf-idf"]
    tokens: Count


class TableValues(Schema):
    """``TableEncoder`` without its arrays."""

    features: list[FeatureValues]
    min_count: Count
    missing: Distinct
    categories: dict[str, Distinct]
    texts: dict[str, TableTextValues] = {}


class TableBundle(CommonSchema):
    """Tables, whatever is predicted."""

    columns: ChosenValues
    encoder: TableValues

    @model_validator(mode="after")
    def _fits(self) -> TableBundle:
        names = distinct([each.name for each in self.encoder.features])
        categories = {each.name for each in self.encoder.features if each.kind == "category"}
        if self.columns.features != self.encoder.features or {*self.columns.predicted} & {*names}:
            raise ValueError("columns and encoder do not have the same features, or one is the label")
        texts = [each.name for each in self.encoder.features if each.kind == "text"]
        numeric = set(names) - categories - set(texts)
        if list(self.encoder.texts) != texts:
            raise ValueError("encoder: texts are not those of the features")
        if self.encoder.categories.keys() != categories or not set(self.encoder.missing) <= numeric:
            raise ValueError("encoder: categories or missing are not those of the features")
        return self

    def arrays(self, kept: Bundle) -> Arrays:
        found: Arrays = {}
        first = 0
        for place, text in enumerate(self.encoder.texts.values()):
            tokens = kept.tokens[first : first + text.tokens]
            found |= text.arrays_of(tokens, kept.arrays, f"texts.{place}.")
            first += text.tokens
        if first != len(kept.tokens):
            raise ValueError("vocabulary.json: its tokens are not those of the columns of text")
        if not (kept.arrays["std"] > 0).all():
            raise ValueError("encoder.safetensors: std is not above 0")
        return found | {"mean": (np.float64, None), "std": (np.float64, kept.arrays["mean"].size)}


class TableClasses(TableBundle, ClassSchema):
    """Table classification."""


class TableNumbers(TableBundle, NumberSchema):
    """Table regression."""


class TableLabels(TableBundle, LabelsSchema):
    """Rows of a table with several labels."""


class TablePredictor(SupervisedPredictor):
    """Rows of a table in; classes and their probabilities, numbers, or sets of labels out."""

    task = "table"
    item = "row"
    encoder_type = TableEncoder

    def __init__(self, kept: Bundle) -> None:
        super().__init__(kept)
        self.chosen = TableSchema.from_values(self.columns)

    def reading(self, said: Mapping[str, str]) -> Self:
        found = super().reading(said)
        found.chosen = TableSchema.from_values(found.columns)
        return found

    @staticmethod
    def takes_file(word: str) -> bool:
        """Tell whether it is a path that exists, or can only be meant as one: a data file's ending, no ``column=value``."""
        return is_path(word) or ("=" not in word and names_file(word))

    @staticmethod
    def originals(source: Source, columns: dict[str, Any], places: pl.DataFrame) -> list[Any]:
        names = [feature["name"] for feature in columns["features"]]
        return from_tables(source, places, lambda frame: frame[names].iter_rows(named=True))

    def explain(self, item: Any, truth: Any, rule: Rule) -> Explanation:
        from trainwright.tasks.table.explain import explain

        return explain(self, item, truth, rule)

    def why(self, inputs: Sequence[Any], encoded: Any, towards: np.ndarray, against: np.ndarray) -> list[Any]:
        from trainwright.tasks.table.weights import of_columns

        places = self.encoder.places()
        names = [name for name in next(filter(None, inputs), {}) if name in places][:MOST_COLUMNS]
        if not names:
            return [None] * len(inputs)
        scale = self.target.scaler.std if isinstance(self.target, NumberTarget) else 1.0
        parts = of_columns(self, encoded, np.stack([towards, against], axis=1), names) * scale
        weights = np.nan_to_num(parts[:, :, 0] if isinstance(self.target, NumberTarget) else parts[:, :, 0] - parts[:, :, 1])
        order = (-np.abs(weights)).argsort(axis=1, kind="stable")
        return [
            None if row is None else [(names[place], float(shares[place])) for place in places.tolist()]
            for row, shares, places in zip(inputs, weights, order, strict=True)
        ]

    def smoke_test(self) -> None:
        """Use the model once, on a row of which nothing is known."""
        self.predict([dict.fromkeys((feature.name for feature in self.chosen.features), None)])

    def base(self) -> dict[str, Any]:
        """Return what is learned from, and how texts become tokens."""
        shared: dict[str, Any] = {"features": [feature.name for feature in self.chosen.features]}
        for encoder in self.encoder.texts.values():  # the same for all columns
            shared |= {key: getattr(encoder, key) for key in ("tokenizer", "lowercase")}
        return shared

    def items(self, given: Sequence[Any]) -> pl.DataFrame:
        """Return rows with typed values. Raise E261 for a value that its column cannot hold."""
        frame = given if isinstance(given, pl.DataFrame) else to_frame(given, self.chosen.features)
        parsed, rejected = cast_columns(frame, self.chosen, "the data", need_label=False)
        if rejected:
            raise error("E261", what=f"row {rejected[0].row}", why=rejected[0].reason)
        return parsed

    def items_of(self, table: Table) -> pl.DataFrame:
        return table.frame

    def contents(self, items: pl.Series) -> np.ndarray:
        return of_keys(items)

    def read(self, path: Path | Table, need_label: bool) -> FileRows:
        """Return the rows of a file, by the names of the columns that training used. Raise E212 where none can be measured."""
        table = read_table(path, ReadOptions.of_bundle(self.columns))
        items, rejected = cast_columns(table.frame, self.chosen, table.file, need_label)
        rejected = [*table.rejected, *rejected]
        if not len(items) and (need_label or rejected):
            raise error("E212", file=path, where=f"row {rejected[0].row}: {rejected[0].reason}")
        notes = reading_notes(table)
        if rejected and not need_label:
            first = "; ".join(f"row {each.row}: {each.reason}" for each in rejected[:3])
            notes.append(f"left out: {len(rejected):,} rows that cannot be read ({first})")
        frame = table.frame.filter(table.frame[ROW].is_in(items[ROW].implode()))
        if not need_label:
            return FileRows(frame, items, None, len(rejected), notes, file=table.file)
        content = row_keys([items[feature.name] for feature in self.chosen.features])
        labels, group = items[str(self.chosen.label)], self.group_of(frame)
        return FileRows(frame, items, labels, len(rejected), notes, file=table.file, content=content, group=group)
