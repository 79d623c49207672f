"""Losses with a weight a row: integer weights are repeated rows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainwright.config.settings import Named
from trainwright.models.objective import Objective
from trainwright.training.losses import labels_objective, make_objective, number_objective

WEIGHTS = torch.tensor([2.0, 0.0, 1.0, 3.0])
CLASSES, LABELS, NUMBERS = torch.tensor([0, 1, 2, 1]), torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]), torch.rand(4)


def named(name: str, **arguments: Any) -> Named:
    return Named.model_validate({"name": name, **arguments})


@pytest.mark.parametrize(
    ("objective", "targets"),
    [
        (make_objective(named("CrossEntropyLoss"), 0.0, None, 3), CLASSES),
        (make_objective(named("CrossEntropyLoss"), 0.1, torch.tensor([1.0, 2.0, 0.5]), 3), CLASSES),
        (make_objective(named("NLLLoss"), 0.0, None, 3), CLASSES),
        (make_objective(named("MultiMarginLoss"), 0.0, None, 3), CLASSES),
        (make_objective(named("BCEWithLogitsLoss"), 0.0, None, 3), CLASSES),
        (labels_objective(named("BCEWithLogitsLoss"), torch.tensor([1.0, 4.0, 2.0]), 3), LABELS),
        (labels_objective(named("MultiLabelSoftMarginLoss"), None, 3), LABELS),
        (number_objective(named("MSELoss")), NUMBERS),
        (number_objective(named("HuberLoss", delta=0.5)), NUMBERS),
    ],
)
def test_weights_are_repeats(objective: Objective, targets: torch.Tensor) -> None:
    torch.manual_seed(0)
    outputs = torch.randn(4, 1 if targets is NUMBERS else 3, requires_grad=True)
    mean, weight = objective(outputs, targets, WEIGHTS)
    repeats = WEIGHTS.long()
    wanted, rows = objective(outputs.repeat_interleave(repeats, 0), targets.repeat_interleave(repeats, 0))
    assert mean.item() == pytest.approx(wanted.item(), rel=1e-5) and weight == pytest.approx(rows)
    found, right = (torch.autograd.grad(each, outputs, retain_graph=True)[0] for each in (mean, wanted))
    torch.testing.assert_close(found, right)


def test_a_batch_without_weight_moves_nothing() -> None:
    outputs = torch.randn(4, 3, requires_grad=True)
    mean, weight = make_objective(named("CrossEntropyLoss"), 0.0, None, 3)(outputs, CLASSES, torch.zeros(4))
    assert weight == 0 and mean.item() == 0 and not torch.autograd.grad(mean, outputs)[0].any()
