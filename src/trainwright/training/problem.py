"""What every kind of problem gives to training and evaluation. The kinds are in ``tasks``, which this room does not know.

A ``Problem`` is made without torch, which is imported meanwhile; the methods that need it import what they use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from trainwright.config.settings import TASKS, Settings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.data.batches.base import Batches
    from trainwright.models.forward import Forward
    from trainwright.models.objective import Objective
    from trainwright.models.shapes import Shape
    from trainwright.watch.events import Scores

Note = tuple[str, str, str]


class Clock:
    """Told when a phase of the preparation ends, and how far a long one is; this one does not listen."""

    def mark(self, phase: str) -> None:
        """The time since the last mark was spent on ``phase``."""

    def progress(self, phase: str, done: int, total: int, unit: str) -> None:
        """``done`` of ``total`` are ready."""


class Trained(Protocol):
    """An earlier run's model, as training needs it to go on from: ``tasks.base.Predictor`` is one."""

    @property
    def model(self) -> nn.Module:
        """The network."""

    @property
    def shape(self) -> Shape:
        """What it knows of its data."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes."""


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
    parent: Trained | None = None

    @property
    def title(self) -> str:
        """What it is called in reports."""
        return TASKS[self.task]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes to tell apart, by number; empty where there are none."""
        return ()

    @property
    @abstractmethod
    def predicts(self) -> tuple[str, ...]:
        """Return the kinds of its targets, which say what metrics it has."""

    @property
    def tunable(self) -> set[str]:
        """The settings of ``EXECUTION_SETTINGS`` that can make its training faster."""
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
