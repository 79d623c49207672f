"""What a training on texts follows from, where it is not given."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.config.settings import Settings
from trainwright.data.shapes import TextShape
from trainwright.data.text.ragged import Ragged
from trainwright.tasks.text import defaults


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [
        (1999, 100, (1, [4], 1)),
        (2000, 100, (2, [4], 2)),
        (2000, 1001, (1, [], 1)),
        (49_999, 100, (2, [4], 2)),
        (50_000, 100, (2, [4], 2)),
    ],
)
def test_the_derived_ngrams_follow_rows_and_sizes(rows: int, size: int, expected: tuple) -> None:
    settings = Settings.model_validate({"model": {"name": "bag"}})
    filled, _ = defaults.text_encoding(settings, rows, size)
    assert (filled.model.ngrams, filled.model.chars, filled.min_count) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"loss": {"name": "BCEWithLogitsLoss"}}, 2.5e-5),
        ({"loss": {"name": "SquaredHingeLoss"}, "optimizer": {"name": "SGD"}}, 2.5e-5),
        ({}, 0.0),
        ({"loss": {"name": "CrossEntropyLoss"}}, 0.0),
        ({"model": {"embedding": 8}}, 0.0),
        ({"model": {"l2": 0.5}}, 0.5),
    ],
    ids=str,
)
def test_the_derived_penalty_follows_rows_classes_and_loss(asked: dict, expected: float) -> None:
    given = asked | {"model": {"name": "bag", "embedding": 0} | asked.get("model", {})}
    texts = Ragged(np.ones(2000, np.int32), np.arange(0, 2001, 2))
    filled, _ = defaults.text_training(Settings.model_validate(given), texts, TextShape(50, 4), "class", tuned=False)
    assert filled.model.l2 == expected


BCE, HINGE, SOFTMAX = "BCEWithLogitsLoss", "SquaredHingeLoss", "CrossEntropyLoss"


@pytest.mark.parametrize(
    ("rows", "size", "asked", "expected"),
    [
        (100, 2, {}, (HINGE, "balanced", "Adam", 0.0025, 8)),
        (1000, 200, {}, (HINGE, "balanced", "Adam", 0.00025, 32)),
        (1001, 200, {}, (BCE, "none", "AdamW", 0.0, 32)),
        (1001, 200, {"model": {"chars": []}}, (BCE, "none", "AdamW", 0.0, 32)),
        (8000, 50, {}, (HINGE, "balanced", "Adam", 3.1e-5, 128)),
        (50_000, 2, {}, (BCE, "none", "Adagrad", None, 256)),
        (100, 2, {"class_weights": "none"}, (HINGE, "none", "Adam", 0.0025, 8)),
        (1001, 200, {"class_weights": "balanced"}, (HINGE, "balanced", "Adam", 0.00025, 32)),
        (50_000, 2, {"class_weights": "balanced"}, (SOFTMAX, "balanced", "Adagrad", None, 256)),
        (100, 2, {"label_smoothing": 0.1}, (SOFTMAX, "none", "AdamW", 0.0, 32)),
        (100, 2, {"loss": {"name": BCE}}, (BCE, "none", "AdamW", 0.0, 32)),
        (100, 2, {"optimizer": {"name": "SGD"}}, (HINGE, "balanced", "SGD", None, 8)),
    ],
    ids=str,
)
def test_the_derived_loss_follows_rows_and_sizes(rows: int, size: int, asked: dict, expected: tuple) -> None:
    texts = Ragged(np.ones(rows * size, np.int32), np.arange(0, rows * size + 1, size))
    model = {"name": "bag", "embedding": 0, "chars": [4]} | asked.get("model", {})
    given = Settings.model_validate(asked | {"model": model})
    filled, _ = defaults.text_training(given, texts, TextShape(50, 4), "class", tuned=False)
    optimizer = filled.optimizer
    found = (filled.loss.name, filled.class_weights, optimizer.name, optimizer.arguments.get("weight_decay"), filled.batch_size)
    assert found == expected
