"""Focal losses: their formula, the cross-entropies that they are at gamma 0, and gradients that stay finite."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trainwright.config.settings import Named
from trainwright.errors import SettingError
from trainwright.training.focal import FocalLoss, SigmoidFocalLoss
from trainwright.training.losses import labels_objective, make_objective

LOGITS = 3 * torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([0, 3, 1, -100, 2, 2, 0])
SHARES = torch.rand(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).softmax(dim=1)
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)


def test_the_formula() -> None:
    found = FocalLoss(gamma=1.5, weight=WEIGHTS)(LOGITS, CLASSES)
    logits, kept = LOGITS.numpy(), CLASSES.numpy() >= 0
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right, weights = shares[kept, CLASSES.numpy()[kept]], WEIGHTS.numpy()[CLASSES.numpy()[kept]]
    assert found.item() == pytest.approx((weights * (1 - right) ** 1.5 * -np.log(right)).sum() / weights.sum(), rel=1e-12)
    truth, sure = (SHARES > 0.25).double().numpy(), 1 / (1 + np.exp(-logits))
    there, absent = (1 - sure) ** 1.5 * -np.log(sure), sure**1.5 * -np.log(1 - sure)
    wanted = (WEIGHTS.numpy() * truth * there + (1 - truth) * absent).mean()
    assert SigmoidFocalLoss(1.5, WEIGHTS)(LOGITS, torch.tensor(truth)).item() == pytest.approx(wanted, rel=1e-12)


def test_at_gamma_0_they_are_cross_entropies() -> None:
    for weight in (None, WEIGHTS):
        for targets in (CLASSES, SHARES):
            for reduction in ("mean", "none"):
                ours, theirs = FocalLoss(0, weight, reduction=reduction), nn.CrossEntropyLoss(weight, reduction=reduction)
                torch.testing.assert_close(ours(LOGITS, targets), theirs(LOGITS, targets))
        ours, theirs = SigmoidFocalLoss(0, weight), nn.BCEWithLogitsLoss(pos_weight=weight)
        torch.testing.assert_close(ours(LOGITS, SHARES), theirs(LOGITS, SHARES))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_gradients_are_finite_where_the_model_is_certain(gamma: float) -> None:
    certain = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    for loss in (FocalLoss(gamma)(certain, torch.tensor([0, 0])), SigmoidFocalLoss(gamma)(certain, torch.eye(2))):
        (gradient,) = torch.autograd.grad(loss, certain)
        assert loss.isfinite() and gradient.isfinite().all()


def test_settings_take_them_with_weights() -> None:
    weights = WEIGHTS.float()
    kept = CLASSES >= 0
    mean, weight = make_objective(Named(name="FocalLoss", gamma=1), 0.0, weights, 4)(LOGITS.float(), CLASSES)
    assert weight == weights[CLASSES[kept]].sum()  # what the mean is divided by, so that batches add up
    assert mean.item() == pytest.approx(FocalLoss(1, WEIGHTS)(LOGITS, CLASSES).item(), rel=1e-5)
    found = labels_objective(Named(name="SigmoidFocalLoss"), weights, 4)(LOGITS.float(), (SHARES > 0.25).byte())[0]
    assert found.item() == pytest.approx(SigmoidFocalLoss(2, WEIGHTS)(LOGITS, (SHARES > 0.25).double()).item(), rel=1e-5)
    for wrong in (
        lambda: make_objective(Named(name="FocalLoss", gamma=-1), 0.0, None, 4),
        lambda: make_objective(Named(name="FocalLoss", gamma="much"), 0.0, None, 4),
        lambda: make_objective(Named(name="FocalLoss"), 0.1, None, 4),
        lambda: labels_objective(Named(name="FocalLoss"), None, 4),
    ):
        with pytest.raises(SettingError, match=r"E31[23].*FocalLoss"):
            wrong()
