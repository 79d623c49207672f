"""A saved model in use: texts in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from trainwright.data.batches import ragged_batches
from trainwright.data.encode import Labels, TextEncoder
from trainwright.errors import error
from trainwright.evaluation import metrics
from trainwright.models import registry
from trainwright.schema import MODELS
from trainwright.store import bundle
from trainwright.tasks.runner import objective_of

BATCH = 1024


class TextPredictor:
    """A text classifier from its bundle. Raises E404, E406 and E407 where the bundle cannot be used."""

    def __init__(self, folder: Path) -> None:
        kept = bundle.load(folder)
        self.device = torch.device("cpu")
        try:
            values = kept.meta["encoder"] | {"tokens": kept.tokens}
            self.encoder = TextEncoder.from_parts(values, kept.arrays)
            self.labels = Labels(tuple(kept.meta["labels"]))
            self.columns: dict[str, Any] = kept.meta["columns"]
            settings = MODELS[kept.meta["model_settings"]["name"]].model_validate(kept.meta["model_settings"])
            self.model = registry.build(kept.meta["model"], settings, self.encoder.size, len(self.labels.names))
            self.model.load_state_dict(kept.weights)
            self.objective = objective_of(kept.meta["objective"], len(self.labels.names), self.device)
            loss = kept.meta["objective"]["loss"]["name"]
            self.against_rest = loss in ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
            self.squared = loss in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
            self.model.eval()
            self.probabilities(pl.Series([""]))  # whatever does not fit together shows now
        except (
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            AttributeError,
            RuntimeError,
            pl.exceptions.PolarsError,
        ) as problem:
            raise error("E404", path=folder, problem=problem) from None

    def outputs(self, texts: pl.Series, targets: np.ndarray) -> metrics.Outputs:
        """Sum of the loss that the model was trained on, and logits of all texts, in order."""
        encoded = self.encoder.transform(texts)
        batches = ragged_batches(encoded, targets, batch_size=BATCH, seed=None, device=self.device)
        return metrics.run(self.model, self.objective, batches.epoch(0))

    def probabilities(self, texts: pl.Series) -> np.ndarray:
        """Probability of each class: float32, shape (texts, classes).

        The softmax of the logits; where each class was trained against the rest, its own probabilities, scaled to sum to 1.
        """
        if not len(texts):
            return np.zeros((0, len(self.labels.names)), np.float32)
        logits = self.outputs(texts, np.zeros(len(texts), np.int64)).outputs
        if self.squared:  # trained towards 0 and 1: what lies outside is cut off
            logits = logits.clamp(1e-6, 1).log()
        elif self.against_rest:
            logits = nn.functional.logsigmoid(logits)
        found: np.ndarray = logits.softmax(dim=1).numpy()
        return found
