"""Problems whose rows have a target each, and the models that answer with one: texts, images, rows of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.settings import Settings
from trainwright.data.tables.table import ROW
from trainwright.errors import error
from trainwright.models.catalog import MODELS
from trainwright.tasks.base import EVALUATION_BATCH, FilePredictions, Predictor, Split
from trainwright.tasks.class_target import ClassTarget
from trainwright.training.problem import Note, Problem
from trainwright.watch import metrics

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

    from trainwright.data.batches.base import Batches
    from trainwright.evaluation.measure import Outputs
    from trainwright.models.objective import Objective
    from trainwright.store.bundle import Bundle
    from trainwright.tasks.number_target import NumberTarget
    from trainwright.watch.events import Scores

    Target = ClassTarget | NumberTarget


@dataclass
class SupervisedProblem(Problem):
    """A problem with one target a row. ``encoder`` turns rows into inputs and knows the shape of what it gives."""

    settings: Settings
    target: Target
    encoder: Any
    splits: dict[str, Split]
    data: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    parent: Predictor | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes; none where numbers are predicted."""
        return self.target.labels

    @property
    def predicts(self) -> tuple[str, ...]:
        """Return the kind of the target."""
        return (self.target.kind,)

    @abstractmethod
    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device) -> Batches:
        """A split in batches: shuffled where there is a seed, else in order and as predictions will see it."""

    def batches(self, device: torch.device) -> Batches:
        """The training split, shuffled by the seed."""
        return self.batches_of(self.splits["train"], self.settings.batch_size or 1, self.settings.seed, device)

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """The loss of the target."""
        self.target.settle(self.settings, self.splits["train"].targets)
        return self.target.objective(device)

    def _outputs(self, model: nn.Module, objective: Objective, name: str, device: torch.device, keep: bool = True) -> Outputs:
        from trainwright.evaluation import measure

        batches = self.batches_of(self.splits[name], EVALUATION_BATCH, None, device)
        return measure.predict_all(self.forward(model), objective, batches.epoch(0), keep)

    def _watched(self, found: Outputs, names: list[str]) -> dict[str, float]:
        return metrics.compute(names, *self.target.of_all_rows(found)) if names else {}

    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        """Return loss and metrics of the validation split, the monitored one among them."""
        names = self.target.watched(self.settings.monitor)
        found = self._outputs(model, objective, "valid", device, keep=bool(names))
        return found.scores(self._watched(found, names))

    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> dict[str, Any]:
        """Scores of validation and test, and what they had to beat."""
        names = self.target.watched(self.settings.monitor)
        outputs = {name: self._outputs(model, objective, name, device) for name in ("valid", "test") if name in self.splits}
        measured = "test" if "test" in self.splits else "valid" if "valid" in self.splits else "train"
        return {
            "labels": list(self.target.labels),
            "valid": self.target.scores(found) | self._watched(found, names) if (found := outputs.get("valid")) else None,
            "test": self.target.detailed(outputs["test"]) if "test" in outputs else None,
            "baseline": self.target.baseline(self.splits["train"].targets, self.splits[measured].targets),
        }

    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        """Target, columns and encoder."""
        values, arrays = self.encoder.to_parts()
        tokens = values.pop("tokens", [])
        return {"columns": self.data["columns"], "encoder": values, **self.target.to_json()}, arrays, tokens

    def name_rows(self, rows: np.ndarray) -> str:
        """File and record numbers."""
        part = self.splits["train"]
        numbers = sorted(part.rows[rows].tolist())
        shown = ", ".join(map(str, numbers[:20])) + (f", ... ({len(numbers)} rows)" if len(numbers) > 20 else "")
        return f"{part.file}, rows {shown}"


@dataclass
class FileRows:
    """The rows of a file to be predicted: ``items`` as ``encode`` takes them, ``labels`` where they are asked for."""

    frame: pl.DataFrame
    items: Any
    labels: pl.Series | None
    rejected: int
    notes: list[str]


class SupervisedPredictor(Predictor):
    """A trained model that answers with a class or a number for each row. Network and loss are made when they are needed."""

    def __init__(self, kept: Bundle, encoder: Any) -> None:
        self.encoder = encoder
        self.target: Any = self.target_of(kept.meta)
        self.columns: dict[str, Any] = kept.meta["columns"]
        self.settings = MODELS[kept.meta["model_settings"]["name"]].model_validate(kept.meta["model_settings"])
        self.name = kept.meta["model"]
        self.shape = self.shape_of(encoder, self.target.outputs)
        self._weights = kept.weights

    @cached_property
    def model(self) -> nn.Module:  # type: ignore[override]
        """The network, in evaluation mode."""
        from trainwright.models import registry

        return registry.restore(self.task, self.name, self.settings, self.shape, self._weights)

    @cached_property
    def device(self) -> torch.device:
        """Where predictions are made."""
        import torch

        return torch.device("cpu")

    @cached_property
    def objective(self) -> Objective:
        """The loss that the model was trained on."""
        found: Objective = self.target.objective(self.device)
        return found

    @staticmethod
    def target_of(meta: dict[str, Any]) -> Target:
        """What is predicted, from the bundle's values."""
        return ClassTarget.from_json(meta)

    @staticmethod
    @abstractmethod
    def shape_of(encoder: Any, outputs: int) -> Any:
        """What the network has to know of the data."""

    @abstractmethod
    def encode(self, items: Any) -> Any:
        """Rows as inputs."""

    @abstractmethod
    def items(self, given: Sequence[Any]) -> Any:
        """What a person gives in Python, as ``encode`` takes it. Raises E320 for anything else."""

    @abstractmethod
    def read(self, path: Path, need_label: bool) -> FileRows:
        """The rows of a file. Raises SourceError and DataError."""

    @abstractmethod
    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device) -> Batches:
        """Encoded rows in batches."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes; none where numbers are predicted."""
        found: tuple[str, ...] = self.target.labels
        return found

    def outputs(self, items: Any, targets: np.ndarray) -> Outputs:
        """Sum of the loss that the model was trained on, and outputs of all rows, in order."""
        from trainwright.evaluation import measure
        from trainwright.models.forward import Forward

        part = Split(self.encode(items), targets, np.zeros(len(targets), np.int64), "")
        batches = self.batches_of(part, EVALUATION_BATCH, None, self.device)
        return measure.predict_all(Forward(self.model), self.objective, batches.epoch(0))

    def logits(self, items: Any, rows: int) -> np.ndarray:
        """The network's outputs of all rows, in order: float32, shape (rows, outputs)."""
        found: np.ndarray = self.outputs(items, np.zeros(rows, self.target.dtype)).outputs.numpy()
        return found

    def _answers(self, items: Any, rows: int, top: int) -> list[Any]:
        if not rows:
            return []
        found: list[Any] = self.target.answers(self.logits(items, rows), top)
        return found

    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """What the model says of each item."""
        return self._answers(self.items(items), len(items), top)

    def predict_file(self, path: Path, top: int = 1) -> FilePredictions:
        """What the model says of every row of a file."""
        found = self.read(path, need_label=False)
        answers = self._answers(found.items, len(found.frame), top)
        return FilePredictions(found.frame.drop(ROW), found.frame[ROW].to_list(), answers, found.notes)

    def score(self, path: Path) -> dict[str, Any]:
        """Scores on the rows of a file; rows with a label that the model does not know, or none, count as left out."""
        import polars as pl

        found = self.read(path, need_label=True)
        assert found.labels is not None
        targets = self.target.encode(found.labels)
        known = self.target.known(targets)
        if not known.any():
            raise error("E219", file=path, labels=", ".join(self.labels[:5]))
        items = found.items.filter(pl.Series(known)) if hasattr(found.items, "filter") else found.items[known]
        scores: dict[str, Any] = self.target.detailed(self.outputs(items, targets[known]))
        return scores | {"rejected": found.rejected + int((~known).sum())}
