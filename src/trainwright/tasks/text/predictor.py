"""A trained text classifier in use, and what its bundle may hold.

A bag of words is answered for by numpy: to import torch, and for a few texts the data-frame library, takes many times as long
as the answer does. Both are imported when something needs them: a file, a measurement, another network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.files.folders import is_path
from trainwright.data.read.formats import names_file
from trainwright.data.text.text_encoder import TextEncoder
from trainwright.errors import SourceError, error, nearest
from trainwright.fields import names
from trainwright.models import registry
from trainwright.tasks.base import texts_of, whole_texts
from trainwright.tasks.bundle_schema import (
    Arrays,
    ClassSchema,
    CommonSchema,
    Distinct,
    LabelColumns,
    LabelsSchema,
    NumberSchema,
    TextValues,
)
from trainwright.tasks.supervised import FileRows, SupervisedPredictor, from_tables, reading_notes

if TYPE_CHECKING:
    import polars as pl

    from trainwright.data.read.source import Source
    from trainwright.data.tables.table import Table
    from trainwright.store.bundle import Bundle
    from trainwright.watch.explained.explanation import Explanation, Rule

# Losses that torch need not be asked about: they take what is predicted, and no arguments are given to them; and those of them
# that take a weight for each class, which has no part in the answers.
PLAIN = ("CrossEntropyLoss", "SquaredHingeLoss", "BCEWithLogitsLoss", "MSELoss")
WEIGHTED = PLAIN[:2]


class TextColumns(LabelColumns):
    text: Distinct


class TextBundle(CommonSchema):
    """Texts, whatever is predicted."""

    columns: TextColumns
    encoder: TextValues

    def arrays(self, kept: Bundle) -> Arrays:
        return self.encoder.arrays_of(kept.tokens, kept.arrays)


class TextClasses(TextBundle, ClassSchema):
    """Text classification."""


class TextNumbers(TextBundle, NumberSchema):
    """Texts that say a number."""


class TextLabels(TextBundle, LabelsSchema):
    """Texts with several labels."""


class TextPredictor(SupervisedPredictor):
    """Texts in; classes, numbers or sets of labels out."""

    task = "text"
    item = "text"
    encoder_type = TextEncoder

    def __init__(self, kept: Bundle) -> None:
        super().__init__(kept)
        loss = self.target.loss
        # Torch has no say in the answers where the loss is plain and the tokens have the weights that the model wants.
        weights, name = loss.get("weights"), loss["loss"].get("name")
        plain = loss["loss"] in ({"name": each} for each in PLAIN) and not loss.get("smoothing")
        plain = plain and (weights is None or (name in WEIGHTED and len(weights) == self.target.outputs))
        plain = plain and getattr(self.settings, "weighting", "none") == self.encoder.weighting
        numpy = registry.find(self.task, self.name).numpy
        self._numpy = registry.load(numpy)(self.settings, self.shape, kept.weights) if plain and numpy else None

    @staticmethod
    def takes_file(word: str) -> bool:
        """Tell whether it is a path that exists, or can only be meant as one (see ``names_file``)."""
        return is_path(word) or names_file(word)

    @staticmethod
    def originals(source: Source, columns: dict[str, Any], places: pl.DataFrame) -> list[Any]:
        from trainwright.data.tables.text_columns import join_text

        return from_tables(source, places, lambda frame: join_text(frame, tuple(columns["text"])))

    def explain(self, item: Any, truth: Any, rule: Rule) -> Explanation:
        from trainwright.tasks.text.explain import explain

        return explain(self, item, truth, rule)

    def why(self, inputs: Sequence[Any], encoded: Any, towards: np.ndarray, against: np.ndarray) -> list[Any]:
        from trainwright.tasks.text.weights import why

        known = [place for place, text in enumerate(inputs) if isinstance(text, str)]
        found: list[Any] = [None] * len(inputs)
        if known:
            texts = self.items([inputs[place] for place in known])
            scale = self.target.scaler.std if self.target.kind == "number" else 1.0
            for place, pieces in zip(known, why(self, texts, towards[known], against[known]), strict=True):
                found[place] = [(piece, weight * scale) for piece, weight in pieces]
        return found

    def base(self) -> dict[str, Any]:
        """Return how texts become tokens."""
        return {key: getattr(self.encoder, key) for key in ("tokenizer", "lowercase", "max_tokens")}

    def logits(self, items: pl.Series | list[str], rows: int) -> np.ndarray:
        return super().logits(items, rows) if self._numpy is None else self._numpy(self.encode(items))

    def items(self, given: Sequence[Any]) -> Any:
        """Return texts. Raise E320 for what is none."""
        return whole_texts(given)

    def items_of(self, table: Table) -> list[str]:
        return texts_of(table, tuple(self.columns["text"]))

    def read(self, path: Path | Table, need_label: bool) -> FileRows:
        """Return the rows of a table, by the columns that training used where the file has them."""
        from trainwright.data.read.options import ReadOptions
        from trainwright.data.read.tables import read_table
        from trainwright.data.tables.label_form import LabelForm
        from trainwright.data.tables.text_columns import join_text

        try:
            table = read_table(path, ReadOptions.of_bundle(self.columns))
        except SourceError as problem:
            if problem.code != "E108" or need_label:
                raise
            raise error("E280", path=path, found=problem.what.partition(": ")[2]) from None
        text, notes = self._columns(table, need_label)
        notes += reading_notes(table)
        if table.rejected and not need_label:
            first = "; ".join(f"row {each.row}: {each.reason}" for each in table.rejected[:3])
            notes.append(f"left out: {len(table.rejected):,} rows that cannot be read ({first})")
        items, rejected = join_text(table.frame, text), len(table.rejected)
        if not need_label:
            return FileRows(table.frame, items, None, rejected, notes, file=table.file)
        labels, group = LabelForm.from_values(self.columns, self.target.kind).read(table.frame), self.group_of(table.frame)
        return FileRows(table.frame, items, labels, rejected, notes, file=table.file, content=items, group=group)

    def contents(self, items: pl.Series) -> np.ndarray:
        from trainwright.data.text.alike import text_digests
        from trainwright.data.text.tokenize import TokenizedTexts

        texts = TokenizedTexts(self.encoder.tokenizer, self.encoder.lowercase)
        texts.add(items)
        return text_digests(texts.tokens())

    def _columns(self, table: Table, need_label: bool) -> tuple[tuple[str, ...], list[str]]:
        """Return the columns of the text that training used, else those that can be derived, with a note that says so."""
        text, label = tuple(self.columns["text"]), self.columns["label"]
        labels = [label] if isinstance(label, str) else label
        if need_label and (lacking := [name for name in labels if name not in table.columns]):
            raise error("E213", column=lacking[0], file=table.file, hint=nearest(lacking[0], table.columns))
        if set(text) <= set(table.columns):
            return text, []
        from trainwright.data.tables.text_columns import choose_columns

        known = str(names(labels)) if {*labels} <= {*table.columns} else ""
        chosen = choose_columns(table, (), known, need_label=need_label)
        return chosen.text, [f"text: {', '.join(chosen.text)}, as {table.file} has no column {', '.join(text)}"]
