"""What every kind of problem gives to training and evaluation. The kinds are in ``tasks``, which this room does not know.

A ``Problem`` is made without torch, which is imported meanwhile; the methods that need it import what they use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from trainwright.config.kinds import KINDS

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn
    from torch.utils.data import Dataset

    from trainwright.config.settings import Settings
    from trainwright.data.batches.base import Batches
    from trainwright.data.batches.loader import Loader
    from trainwright.data.shapes import Shape
    from trainwright.models.forward import Forward
    from trainwright.models.objective import Objective
    from trainwright.training.loop import Watch
    from trainwright.watch.events import Note, Scores


class Trained(Protocol):
    """An earlier run's model, as training needs it to go on from: ``tasks.base.Predictor`` is one."""

    shape: Shape
    labels: tuple[str, ...]

    @property
    def model(self) -> nn.Module:
        """Return the network."""


class Measured(NamedTuple):
    """What measuring a model gives: ``scores`` for the report, and of each split but training ``rows``, one for each target.

    The columns of ``rows`` are those of ``store.predictions``.
    """

    scores: dict[str, Any]
    rows: dict[str, pl.DataFrame]


class Problem(ABC):
    """One problem made ready to be trained."""

    task: ClassVar[str]  # the key of its kind in ``KINDS``
    unit: ClassVar[str] = "rows"  # what is counted as its rows
    settings: Settings  # with everything filled in that the data decide
    splits: Mapping[str, Sized]  # train, valid, test; those that exist
    data: dict[str, Any]  # the content of ``data.json``
    notes: list[Note]  # of everything derived or found so far
    parent: Trained | None = None  # the trained model that this training goes on from

    @property
    def title(self) -> str:
        """Return what the kind of problem is called in reports."""
        return KINDS[self.task].title

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the classes by their numbers; empty where there are none."""
        return ()

    @property
    @abstractmethod
    def predicts(self) -> tuple[str, ...]:
        """Return the kinds of its targets, which say what metrics it has."""

    @property
    def tunable(self) -> set[str]:
        """Return the settings of ``EXECUTION_SETTINGS`` that can make its training faster."""
        return {"precision", "threads", "compile"}

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Return what the network has to know of the data."""

    @abstractmethod
    def derive(self) -> list[Note]:
        """Fill in the settings of the training that are not given. Return notes on what was chosen, and why."""

    @abstractmethod
    def batches(self, model: nn.Module, device: torch.device) -> Batches:
        """Return the training split in batches, as ``model`` takes them."""

    @abstractmethod
    def dataset(self, name: str) -> Dataset[Any]:
        """Return the rows of a split one by one, each a tuple (input, ..., target), for a loop of a person's own."""

    @abstractmethod
    def loader(self, name: str, batch_size: int, seed: int | None) -> Loader:
        """Return a split in batches, each a tuple (input, ..., targets): those of training where there is a seed."""

    def in_order(self, name: str, batch_size: int, device: torch.device) -> Batches | None:
        """Return the rows of a split in order, as a prediction sees them; None where they do not stand apart."""
        return None

    @abstractmethod
    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """Return what training makes small. Raise SettingError for a loss that does not fit."""

    def forward(self, model: nn.Module) -> Forward:
        """Return how the network is called."""
        from trainwright.models.forward import Forward

        return Forward(model)

    @abstractmethod
    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        """Return the scores of the validation split."""

    @abstractmethod
    def valid_loss(self, objective: Objective, device: torch.device, rows: int) -> tuple[int, Callable[[nn.Module], float]]:
        """Return what measures the loss of a model on at most ``rows`` rows of the validation split, and how many those are.

        The rows are read once; several threads may measure at a time. Of all rows it is the loss that ``validate`` finds.
        """

    @abstractmethod
    def watched_rows(self) -> pl.DataFrame:
        """Return ``file``, ``row`` and ``truth`` of the rows that are watched; empty where there are none."""

    @property
    def passages(self) -> list[dict[str, Any]]:
        """Return the passages that are watched, of running text; none where rows are."""
        return []

    @abstractmethod
    def watch(self, device: torch.device) -> Watch | None:
        """Return what asks the model after each epoch for its answers to a few rows; None where there are none to watch."""

    @abstractmethod
    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> Measured:
        """Return ``valid``, ``test``, ``baseline`` and ``labels`` of the report, and what was said of each row.

        The test split is read nowhere else.
        """

    def written(self, model: nn.Module, device: torch.device) -> dict[str, Any]:
        """Return what the report has of the model's own writing; nothing where it does not write."""
        return {}

    def fingerprints(self) -> dict[str, np.ndarray]:
        """Return by what the rows of each split are known again, as ``store.fingerprints`` keeps it; empty for nothing."""
        return {}

    @abstractmethod
    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        """Return what the model needs beside its weights: JSON values, arrays, tokens."""

    def name_rows(self, rows: np.ndarray) -> str:
        """Return file and record numbers of rows of the training split, for messages."""
        return ""
