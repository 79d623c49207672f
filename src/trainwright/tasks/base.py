"""One encoded split, and what every trained model can be asked. What a problem gives to training is ``training.problem``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from trainwright.data.tables.table import places
from trainwright.data.text.ragged import Ragged
from trainwright.errors import error, help_of, nearest
from trainwright.models import registry
from trainwright.models.catalog import models

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

    from trainwright.data.read.source import Source
    from trainwright.data.shapes import Shape
    from trainwright.data.tables.table import Table
    from trainwright.evaluation.intervals import Units
    from trainwright.models.catalog import ModelSettings
    from trainwright.store.bundle import Bundle
    from trainwright.store.fingerprints import Fingerprints
    from trainwright.watch.explained.explanation import Explanation, Rule

# Keeps what was read and encoded, and returns why it cannot; called while the model trains.
FillCache = Callable[[], str | None]
EVALUATION_BATCH = 1024
WATCHED = 24  # rows of valid whose answers are kept after each epoch, for people to look at


@dataclass(frozen=True)
class Split:
    """One split, encoded."""

    inputs: Any  # as the task's batches take them
    targets: np.ndarray  # class numbers, int64, or scaled numbers, float32, (rows,); 0 and 1 of labels, uint8, (rows, labels)
    rows: np.ndarray  # each record's number in its file, as ``ROW`` has it, int64, shape (rows,)
    file: str  # perhaps ``Shards``
    names: Sequence[str] = ()  # of the files below the folder ``file``, where each row is one
    weights: np.ndarray | None = None  # what each row counts in the loss of training, float32, shape (rows,); None = the same
    units: Units | None = None  # what the rows are parts of, where a row is no unit of its own; only of all rows of a split
    contents: np.ndarray | None = None  # 64 bits of what the model sees of each row, uint64; only of all rows of a split
    leaked: np.ndarray | None = None  # which rows of valid or test are in train too, or nearly; bool (rows,); None = no row

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, places: np.ndarray) -> Split:
        """Return the rows at these places, in this order."""
        names = [self.names[place] for place in places.tolist()] if self.names else ()
        weights = None if self.weights is None else self.weights[places]
        return Split(_taken(self.inputs, places), self.targets[places], self.rows[places], self.file, names, weights)

    def spread(self, count: int) -> Split:
        """Return at most so many rows, from the first to the last, as far apart as can be."""
        if count >= len(self):
            return self
        return self.take(np.unique(np.linspace(0, len(self) - 1, count).round().astype(np.int64)))

    def watched(self) -> Split:
        """Return the few rows that are watched while the model learns."""
        return self.spread(WATCHED)

    def places(self) -> dict[str, Any]:
        """Return the columns ``file`` and ``row`` of every row; a row that is a file of its own has no number."""
        if not self.names:
            return places(self.file, self.rows)
        import polars as pl

        files, rows = [f"{self.file}/{name}" for name in self.names], [None] * len(self)
        return {"file": pl.Series(files), "row": pl.Series(rows, dtype=pl.Int64)}


def _taken(inputs: Any, rows: np.ndarray) -> Any:
    """Return rows of a split's inputs, whatever they are: an array, files, a ragged array, or several of these."""
    if isinstance(inputs, tuple):
        return tuple(_taken(each, rows) for each in inputs)
    return inputs.take(rows) if isinstance(inputs, Ragged) else inputs[rows]


@dataclass
class FilePredictions:
    """The rows of a file with what the model says of them."""

    frame: Any  # the file's own columns, untouched
    rows: list[int]  # each row's number in the file
    answers: list[Any]  # of each row a list of (label, probability), best first; or a number
    notes: list[str]  # what a person should know: rows that were left out, columns that were chosen
    names: list[str] = field(default_factory=list)  # of each row, where it has one that says more than its number
    files: list[str] = field(default_factory=list)  # of each row, where its table lies in several
    sure: list[bool] = field(default_factory=list)  # of each row, where only sure answers are asked for
    reach: float | None = None  # how far from a number the truth may be, where that is asked for


class Predictor(ABC):
    """A trained model in use.

    Attributes:
        task: the key of its kind in ``KINDS``.
        name: the versioned name of the network.
        settings: those of the network.
        weights: its parameters and buffers, by name.
        labels: the classes that it tells apart; empty where it answers with numbers or tokens.
    """

    task: ClassVar[str]
    item: ClassVar[str]  # what one of the things that it is asked about is called
    encoder_type: ClassVar[Any]
    many_files: ClassVar[bool] = False  # whether several words on the command line may each be a file
    shape: Shape
    labels: tuple[str, ...] = ()

    def __init__(self, kept: Bundle) -> None:
        """Take what a bundle holds; any exception means that it does not fit together."""
        chosen = kept.meta["model_settings"]
        self.encoder = self.encoder_type.from_parts(kept.meta["encoder"] | {"tokens": kept.tokens}, kept.arrays)
        self.settings: ModelSettings = models(self.task)[chosen["name"]].settings.model_validate(chosen)
        self.name: str = kept.meta["model"]
        self.weights = kept.weights

    @cached_property
    def model(self) -> nn.Module:
        """Return the network, in evaluation mode. It is built when it is first used."""
        return registry.restore(self.task, self.name, self.settings, self.shape, self.weights)

    @property
    def device(self) -> torch.device:
        """Return where predictions are made."""
        first: torch.Tensor = next(iter(self.model.state_dict().values()))
        return first.device

    def smoke_test(self) -> None:
        """Use the model once, on an empty text: whatever does not fit together raises."""
        self.predict([""])

    def written(self, given: Mapping[str, Any], verb: str, source: Any) -> Self:
        """Return the model as it reads ``source``, of which a person says how it is written. Raise as ``settings_of``."""
        if not given:
            return self
        from trainwright.tasks.written import settings_of

        return self.reading(settings_of(given, self.task, verb, source))

    def reading(self, said: Mapping[str, str]) -> Self:
        """Return the model as it reads files that are written as ``said``, some of ``READING``: it is kept nowhere.

        Raise E329 for what it has no use for.
        """
        return self

    @abstractmethod
    def base(self) -> dict[str, Any]:
        """Return the settings, beside those of the network, that a training which goes on from this model has to share."""

    @staticmethod
    @abstractmethod
    def takes_file(word: str) -> bool:
        """Tell whether a word on the command line is a file to be read, and not itself what is asked about."""

    @staticmethod
    def is_one(given: Any) -> bool:
        """Tell whether what a person gives in Python is one item, and not several."""
        return isinstance(given, str | bytes | dict | Path)

    @staticmethod
    def is_file(given: Any) -> bool:
        """Tell whether what a person gives in Python is a file of items, and not itself what is asked about."""
        return isinstance(given, Path)

    def items_of(self, table: Table) -> Any:
        """Return the rows of a table in memory as ``predict`` takes them, by the columns of training.

        Raise E437, or E247, for a column that is not there, E320 for a kind of problem that knows no columns.
        """
        problem = f"this model takes a {self.item} at a time, and knows no columns"
        raise error("E320", name="items", value=table.columns, problem=problem, help=help_of("predict"))

    @staticmethod
    def originals(source: Source, columns: dict[str, Any], places: pl.DataFrame) -> list[Any]:
        """Return the inputs of rows, by their ``file`` and ``row``, as a person knows them; ``columns`` are those of a bundle.

        One is a text, a row as a dict, or a picture as the URI of its PNG file; None where it cannot be had. Raise SourceError.
        """
        return [None] * len(places)

    def explain(self, item: Any, truth: Any, rule: Rule) -> Explanation:
        """Return the way of one item through the model, and the update by its loss at each of the rates.

        ``truth`` is what is right; empty: the answer. Raise E337 for one that the model cannot answer with, E338 where a kind
        of problem explains nothing, and as ``predict``.
        """
        raise error("E338", kind=self.task)

    def why(self, inputs: Sequence[Any], encoded: Any, towards: np.ndarray, against: np.ndarray) -> list[Any]:
        """Return what in each row spoke for the class ``towards`` and not for ``against``, as ``run.examples`` describes it.

        ``inputs`` are the rows as ``originals`` returns them, ``encoded`` as a split has them. None where it cannot be told.
        """
        return [None] * len(inputs)

    @abstractmethod
    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """Return the answer to each item: up to ``top`` pairs (label, probability), best first; or a number."""

    @abstractmethod
    def predict_file(self, *paths: Path, top: int = 1) -> FilePredictions:
        """Return the answer to every row of a file, or of several with ``many_files``. Raise SourceError and DataError."""

    @abstractmethod
    def score(self, path: Path | Table, seen: Fingerprints | None = None) -> dict[str, Any]:
        """Return the scores on a labelled file, or on a table that is read already; those of rows that were ``seen`` are apart.

        Raise SourceError, and DataError where no row can be measured.
        """


def whole_texts(given: Sequence[Any]) -> list[str]:
    """Return texts that a column can hold, from those that a person gives in Python. Raise E320 for what is none."""
    for text in given:
        if not isinstance(text, str):
            raise error("E320", name="texts", value=text, problem="a text is a str", help=help_of("predict"))
    # Bytes that are no UTF-8 arrive as surrogates, which no column of text can hold.
    return [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for text in given]


def texts_of(table: Table, columns: Sequence[str]) -> list[str]:
    """Return the texts of the rows of a table. Raise E437 where it lacks a column of them."""
    from trainwright.data.tables.text_columns import join_text

    need_columns(table, columns, "text")
    return join_text(table.frame, tuple(columns)).to_list()


def need_columns(table: Table, columns: Sequence[str], noun: str) -> None:
    """Raise E437 for a column that a table lacks."""
    for name in columns:
        if name not in table.columns:
            hint = nearest(name, table.columns)
            raise error("E437", file=table.file, column=name, noun=noun, columns=list(table.columns), hint=hint)
