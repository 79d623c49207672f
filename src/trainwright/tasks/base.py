"""What every kind of problem gives to training and evaluation, and what every trained model can be asked.

A ``Problem`` is made by ``prepare`` of its task without torch, which is imported meanwhile; the methods that need it import
what they use. A ``Predictor`` is the same problem's trained model, from its bundle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from trainwright.schema import TASKS, Settings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.data.batches import Batches
    from trainwright.models.forward import Forward
    from trainwright.models.shapes import Shape
    from trainwright.store.bundle import Bundle
    from trainwright.training.optim import Objective
    from trainwright.watch.events import Scores

Note = tuple[str, str, str]
EVALUATION_BATCH = 1024


class Clock:
    """Told when a phase of the preparation ends, and how far a long one is; this one does not listen."""

    def mark(self, phase: str) -> None:
        """The time since the last mark was spent on ``phase``."""

    def progress(self, phase: str, done: int, total: int, unit: str) -> None:
        """``done`` of ``total`` are ready."""


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


class Problem(ABC):
    """One problem made ready to be trained.

    Attributes:
        task: the key of its kind in ``TASKS``.
        unit: what is counted as its rows.
        settings: with everything filled in that the data decide.
        splits: train, valid, test; those that exist.
        data: the content of ``data.json``.
        notes: (what, value, why) of everything derived or found so far.
        parent: the trained model that this training goes on from.
    """

    task: ClassVar[str]
    unit: ClassVar[str] = "rows"
    settings: Settings
    splits: Mapping[str, Sized]
    data: dict[str, Any]
    notes: list[Note]
    parent: Predictor | None = None

    @property
    def title(self) -> str:
        """What it is called in reports."""
        return TASKS[self.task]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes to tell apart, by number; empty where there are none."""
        return ()

    @property
    def ways(self) -> set[str]:
        """The settings of ``WAYS`` that can make its training faster."""
        return {"precision", "threads", "compile"}

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """What the network has to know of the data."""

    @abstractmethod
    def derive(self) -> list[Note]:
        """Fill in the settings of the training that are not given; what was chosen, and why."""

    @abstractmethod
    def batches(self, device: torch.device) -> Batches:
        """The training split in batches."""

    @abstractmethod
    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """What training makes small. Raises SettingError for a loss that does not fit."""

    def forward(self, model: nn.Module) -> Forward:
        """How the network is called."""
        from trainwright.models.forward import Forward

        return Forward(model)

    @abstractmethod
    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        """The scores of the validation split."""

    @abstractmethod
    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> dict[str, Any]:
        """``valid``, ``test``, ``baseline`` and ``labels`` of the report. The test split is read here and nowhere else."""

    @abstractmethod
    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        """What the model needs beside its weights: JSON values, arrays, tokens."""

    def name_rows(self, rows: np.ndarray) -> str:
        """File and record numbers of rows of the training split, for messages."""
        return ""


@dataclass
class Answers:
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
        task: the key of its kind in ``TASKS``.
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

    @classmethod
    @abstractmethod
    def from_bundle(cls, kept: Bundle) -> Predictor:
        """From what the bundle holds; any exception means that it does not fit together."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it tells apart; empty where it answers with numbers or tokens."""
        return ()

    @abstractmethod
    def try_out(self) -> None:
        """Use the model once: whatever does not fit together raises."""

    @abstractmethod
    def base(self) -> dict[str, Any]:
        """The settings that a training which goes on from this model has to share."""

    @staticmethod
    @abstractmethod
    def takes_file(word: str) -> bool:
        """Whether a word on the command line is a file to be read, and not itself what is asked about."""

    @abstractmethod
    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """What the model says of each item: up to ``top`` pairs (label, probability), best first; or a number."""

    @abstractmethod
    def predict_file(self, path: Path, top: int = 1) -> Answers:
        """What the model says of every row of a file. Raises SourceError and DataError."""

    def predict_files(self, paths: Sequence[Path], top: int = 1) -> Answers:
        """The same of several files, where ``many_files`` says that there may be several."""
        return self.predict_file(paths[0], top)

    @abstractmethod
    def score(self, path: Path) -> dict[str, Any]:
        """Scores of the model on a labelled file. Raises SourceError, and DataError where no row can be measured."""
