"""A saved model in use: texts in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from trainwright.config import MODELS
from trainwright.data.batches import ragged_batches
from trainwright.data.encode import Labels, TextEncoder
from trainwright.errors import error
from trainwright.evaluation import metrics
from trainwright.models import registry
from trainwright.store import bundle
from trainwright.training.optim import Objective

BATCH = 1024


class TextPredictor:
    """A text classifier from its bundle. Raises E404, E406 and E407 where the bundle cannot be used."""

    def __init__(self, folder: Path) -> None:
        kept = bundle.load(folder)
        try:
            values = kept.meta["encoder"] | {"tokens": kept.tokens}
            self.encoder = TextEncoder.from_parts(values, kept.arrays)
            self.labels = Labels(tuple(kept.meta["labels"]))
            self.columns: dict[str, Any] = kept.meta["columns"]
            settings = MODELS[kept.meta["model_settings"]["name"]].model_validate(kept.meta["model_settings"])
            self.model = registry.build(kept.meta["model"], settings, self.encoder.size, len(self.labels.names))
            self.model.load_state_dict(kept.weights)
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            raise error("E404", path=folder, problem=problem) from None
        self.model.eval()
        self.device = torch.device("cpu")

    def outputs(self, texts: pl.Series, targets: np.ndarray, objective: Objective) -> metrics.Outputs:
        """Loss sum and logits of all texts, in order."""
        encoded = self.encoder.transform(texts)
        batches = ragged_batches(encoded, targets, batch_size=BATCH, seed=None, device=self.device)
        return metrics.run(self.model, objective, batches.epoch(0))

    def probabilities(self, texts: pl.Series) -> np.ndarray:
        """Probability of each class: float32, shape (texts, classes)."""
        if not len(texts):
            return np.zeros((0, len(self.labels.names)), np.float32)
        outputs = self.outputs(texts, np.zeros(len(texts), np.int64), Objective(torch.nn.CrossEntropyLoss()))
        found: np.ndarray = outputs.outputs.softmax(dim=1).numpy()
        return found
