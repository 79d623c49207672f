"""Scores against plain counting, and against the size of the batches."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwright.config.settings import Named
from trainwright.data.batches.base import tensor_batches
from trainwright.data.tables.split import content_keys
from trainwright.evaluation import classification, measure
from trainwright.evaluation.audit import audit
from trainwright.evaluation.classification import majority
from trainwright.evaluation.intervals import wilson
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.training.losses import make_objective

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(PAIRS)
def test_counts_per_class(pairs: list[tuple[int, int]]) -> None:
    true, said = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    matrix = classification.confusion(true, said, 4)
    found = Counter(pairs)
    assert all(matrix[i, j] == found[i, j] for i in range(4) for j in range(4))
    for label, (precision, recall, f1, rows) in enumerate(classification.per_class(matrix)):
        hits, predicted, actual = found[label, label], Counter(said.tolist())[label], Counter(true.tolist())[label]
        assert rows == actual
        assert precision == (hits / predicted if predicted else 0) and recall == (hits / actual if actual else 0)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if precision + recall else 0)
    counted = [f1 for label, (_, _, f1, _) in enumerate(classification.per_class(matrix)) if label in true or label in said]
    assert classification.mean_f1(matrix) == pytest.approx(sum(counted) / len(counted))


@pytest.mark.parametrize(
    ("correct", "rows", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962), (6688, 7600, 0.8725, 0.8871)],
)
def test_wilson_against_published_values(correct: int, rows: int, low: float, high: float) -> None:
    assert wilson(correct, rows) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share(correct: int, wrong: int) -> None:
    low, high = wilson(correct, correct + wrong)
    assert 0 <= low <= (correct / (correct + wrong) if correct + wrong else 0.5) <= high <= 1


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "NLLLoss", "MSELoss"])
@given(st.integers(1, 90), st.sampled_from([1, 7, 64, 1000]))
@settings(deadline=None, max_examples=25)
def test_the_batch_size_changes_nothing(loss: str, rows: int, size: int) -> None:
    torch.manual_seed(rows)
    model, inputs, targets = nn.Linear(5, 3), torch.randn(rows, 5), torch.randint(0, 3, (rows,))
    weights = torch.tensor([0.1, 1.0, 5.0]) if loss != "MSELoss" else None
    objective = make_objective(Named(name=loss), 0.0, weights, 3)

    def batches(batch_size: int):
        return tensor_batches([inputs], targets, batch_size=batch_size, seed=None, device=torch.device("cpu")).epoch(0)

    whole, cut = (
        measure.predict_all(Forward(model), objective, batches(rows)),
        measure.predict_all(Forward(model), objective, batches(size)),
    )
    assert cut.loss / cut.weight == pytest.approx(whole.loss / whole.weight, rel=1e-6)
    assert torch.equal(cut.targets, targets) and torch.allclose(cut.outputs, whole.outputs, atol=1e-6)
    found = measure.scores(Forward(model), objective, batches(size))
    assert found.loss == pytest.approx(whole.loss / whole.weight, rel=1e-6) and found.n == rows
    assert found.accuracy == (whole.outputs.argmax(1) == targets).sum().item() / rows


def test_measuring_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = tensor_batches([torch.randn(20, 4)], torch.zeros(20).long(), batch_size=8, seed=None, device=torch.device("cpu"))
    first, second = (measure.scores(Forward(model), Objective(nn.CrossEntropyLoss()), batches.epoch(0)) for _ in range(2))
    assert first == second and model.training and model[2].training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_majority_is_that_of_training() -> None:
    found = majority(np.array([1, 1, 0]), np.array([0, 0, 0, 1]), ("a", "b"))
    assert (found["label"], found["accuracy"], found["n"]) == ("b", 0.25, 4)


def test_the_audit_counts() -> None:
    texts = pl.Series(["x", "x", "y", "y", "z", "", " ", "w", "w"])
    labels = pl.Series(["a", "b", "a", "a", "a", "a", "b", "a", "a"])
    parts = np.array([0, 0, 0, 2, 1, 0, 1, 1, 2])
    assert audit(pl.DataFrame({"label": labels, "split": parts, **content_keys(texts)})) == {
        "empty": 2,
        "duplicate_rows": 3,
        "conflicts": 1,
        "across": {"train-valid": 0, "train-test": 1, "valid-test": 1},
    }


def test_a_uniform_model_has_the_loss_of_chance() -> None:
    model = nn.Linear(2, 5)
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    batches = tensor_batches([torch.randn(10, 2)], torch.arange(10) % 5, batch_size=3, seed=None, device=torch.device("cpu"))
    assert measure.scores(Forward(model), Objective(nn.CrossEntropyLoss()), batches.epoch(0)).loss == pytest.approx(math.log(5))
