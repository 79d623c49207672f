"""Scores do not depend on the size of the batches, and measuring changes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwright.config.settings import Named
from trainwright.data.batches.base import tensor_batches
from trainwright.evaluation import measure
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.training.losses import make_objective


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


@pytest.mark.parametrize("weights", [None, [0.2, 1.0, 4.0]])
def test_the_interval_of_the_loss_is_that_of_leaving_out_rows(weights: list[float] | None) -> None:
    torch.manual_seed(0)
    outputs, targets = torch.randn(200, 3), torch.randint(0, 3, (200,))
    objective = make_objective(Named(name="CrossEntropyLoss"), 0.0, None if weights is None else torch.tensor(weights), 3)
    batches = tensor_batches([outputs], targets, batch_size=64, seed=None, device=torch.device("cpu"))
    found = measure.predict_all(Forward(nn.Identity()), objective, batches.epoch(0))
    low, high = measure.loss_interval(objective, found, objective.each(found.outputs, found.targets)) or (0.0, 0.0)
    rows = np.arange(200)
    left = np.array([float(objective(outputs[rows != row], targets[rows != row])[0]) for row in rows])
    deviation = math.sqrt(199 / 200 * ((np.log(left) - np.log(left).mean()) ** 2).sum())
    assert math.sqrt(low * high) == pytest.approx(found.mean)
    assert math.log(high / low) == pytest.approx(2 * 2 * deviation, rel=0.04)
    own = Objective(lambda outputs, targets: outputs.square().mean())
    assert own.each(outputs, targets) is None and measure.loss_interval(own, found, None) is None


def test_measuring_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = tensor_batches([torch.randn(20, 4)], torch.zeros(20).long(), batch_size=8, seed=None, device=torch.device("cpu"))
    first, second = (measure.scores(Forward(model), Objective(nn.CrossEntropyLoss()), batches.epoch(0)) for _ in range(2))
    assert first == second and model.training and model[2].training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_uniform_model_has_the_loss_of_chance() -> None:
    model = nn.Linear(2, 5)
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    batches = tensor_batches([torch.randn(10, 2)], torch.arange(10) % 5, batch_size=3, seed=None, device=torch.device("cpu"))
    assert measure.scores(Forward(model), Objective(nn.CrossEntropyLoss()), batches.epoch(0)).loss == pytest.approx(math.log(5))
