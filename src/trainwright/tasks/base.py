"""One encoded split, and what every trained model can be asked. What a problem gives to training is ``training.problem``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from trainwright.errors import error

if TYPE_CHECKING:
    from torch import nn

    from trainwright.data.shapes import Shape
    from trainwright.store.bundle import Bundle

EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class Split:
    """One split, encoded.

    Attributes:
        inputs: as the task's batches take them.
        targets: class numbers, int64, or scaled numbers, float32; shape (rows,).
        rows: the record's number in its file, int64, shape (rows,).
        file: that file.
    """

    inputs: Any
    targets: np.ndarray
    rows: np.ndarray
    file: str

    def __len__(self) -> int:
        return len(self.targets)


@dataclass
class FilePredictions:
    """The rows of a file with what the model says of them.

    Attributes:
        frame: the file's own columns, untouched.
        rows: each row's number in the file.
        answers: a list of (label, probability), best first, of each row; or a number.
        notes: what a person should know: rows that were left out, columns that were chosen.
        names: of each row, where it has one that says more than its number.
    """

    frame: Any
    rows: list[int]
    answers: list[Any]
    notes: list[str]
    names: list[str] = field(default_factory=list)


class Predictor(ABC):
    """A trained model in use.

    Attributes:
        task: the key of its kind in ``KINDS``.
        model: the network, in evaluation mode.
        name: its versioned name.
        settings: of the model.
    """

    task: ClassVar[str]
    item: ClassVar[str]  # what one of the things that it is asked about is called
    many_files: ClassVar[bool] = False  # whether several words on the command line may each be a file
    model: nn.Module
    name: str
    settings: Any
    shape: Shape

    @abstractmethod
    def __init__(self, kept: Bundle) -> None:
        """Take what a bundle holds; any exception means that it does not fit together."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it tells apart; empty where it answers with numbers or tokens."""
        return ()

    @abstractmethod
    def smoke_test(self) -> None:
        """Use the model once: whatever does not fit together raises."""

    @abstractmethod
    def base(self) -> dict[str, Any]:
        """Return the settings, beside those of the network, that a training which goes on from this model has to share."""

    @staticmethod
    @abstractmethod
    def takes_file(word: str) -> bool:
        """Whether a word on the command line is a file to be read, and not itself what is asked about."""

    @staticmethod
    def is_one(given: Any) -> bool:
        """Tell whether what a person gives in Python is one item, and not several."""
        return isinstance(given, str | bytes | dict | Path)

    @abstractmethod
    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """What the model says of each item: up to ``top`` pairs (label, probability), best first; or a number."""

    @abstractmethod
    def predict_file(self, path: Path, top: int = 1) -> FilePredictions:
        """What the model says of every row of a file. Raises SourceError and DataError."""

    def predict_files(self, paths: Sequence[Path], top: int = 1) -> FilePredictions:
        """The same of several files, where ``many_files`` says that there may be several."""
        return self.predict_file(paths[0], top)

    @abstractmethod
    def score(self, path: Path) -> dict[str, Any]:
        """Scores of the model on a labelled file. Raises SourceError, and DataError where no row can be measured."""


def whole_texts(given: Sequence[Any]) -> list[str]:
    """Return texts that a column can hold, from those that a person gives in Python. Raises E320 for what is none."""
    for text in given:
        if not isinstance(text, str):
            raise error("E320", name="texts", value=text, problem="a text is a str")
    # Bytes that are no UTF-8 arrive as surrogates, which no column of text can hold.
    return [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for text in given]
