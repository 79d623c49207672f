"""One update: the same gradient however the window is cut, and no update from what is not finite."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwright.config.settings import Named
from trainwright.data.batches.base import Batch
from trainwright.data.batches.tokens import IGNORED
from trainwright.errors import ModelError, TrainingError
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.training.losses import TokenObjective, make_objective
from trainwright.training.state import Tally
from trainwright.training.step import Learner, update

WEIGHTS = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
LOSSES = {
    "cross-entropy": lambda: Objective(nn.CrossEntropyLoss()),
    "class weights": lambda: Objective(nn.CrossEntropyLoss(weight=WEIGHTS)),
    "smoothing": lambda: Objective(nn.CrossEntropyLoss(label_smoothing=0.2)),
    "ignored": lambda: Objective(nn.CrossEntropyLoss(ignore_index=1)),
    "one-hot": lambda: make_objective(Named(name="BCEWithLogitsLoss"), 0.0, None, 3),
    "margin": lambda: make_objective(Named(name="MultiMarginLoss"), 0.0, None, 3),
    "nll": lambda: make_objective(Named(name="NLLLoss"), 0.0, None, 3),
}


def data(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return torch.randn(rows, 5, generator=generator), torch.randint(0, 3, (rows,), generator=generator)


def learner(objective: Objective, **changes) -> Learner:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    return Learner(Forward(model), objective, torch.optim.SGD(model.parameters(), lr=1.0), **changes)


def batches(inputs: torch.Tensor, targets: torch.Tensor, sizes: list[int]) -> list[Batch]:
    cuts = np.cumsum([0, *sizes])
    return [
        Batch((inputs[low:high].double(),), targets[low:high], int(high - low), np.arange(low, high))
        for low, high in itertools.pairwise(cuts)
    ]


def gradients(own: Learner) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in own.model.parameters()])


@pytest.mark.parametrize("loss", LOSSES)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4))
@settings(deadline=None, max_examples=15)
def test_a_window_is_one_batch_however_it_is_cut(loss: str, sizes: list[int]) -> None:
    inputs, targets = data(sum(sizes))
    if loss == "ignored":
        targets[0] = 0  # a batch in which everything is ignored has no mean, in torch as here
        sizes = [sum(sizes)] if (targets == 1).all() else sizes
        if any((batch.targets == 1).all() for batch in batches(inputs, targets, sizes)):
            return
    whole, cut = learner(LOSSES[loss]()), learner(LOSSES[loss]())
    expected = update(whole, batches(inputs, targets, [sum(sizes)]), 0, Tally())
    found = update(cut, batches(inputs, targets, sizes), 0, Tally())
    assert found[:3] == pytest.approx(expected[:3], rel=1e-9)
    assert torch.allclose(gradients(whole), gradients(cut), atol=1e-9)


def test_the_update_is_torchs_own() -> None:
    inputs, targets = data(12)
    own = learner(Objective(nn.CrossEntropyLoss()), clip=0.1)
    hand = copy.deepcopy(own.model)
    loss = nn.functional.cross_entropy(hand(inputs.double()), targets)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(hand.parameters(), 0.1)
    torch.optim.SGD(hand.parameters(), lr=1.0).step()
    expected = (pytest.approx(loss.item()), 12, pytest.approx(norm.item()))
    assert norm > 0.1 and update(own, batches(inputs, targets, [12]), 0, Tally())[:3] == expected
    for a, b in zip(own.model.parameters(), hand.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_clipping_by_value() -> None:
    inputs, targets = data(12)
    own = learner(Objective(nn.CrossEntropyLoss()), clip_value=1e-3)
    update(own, batches(inputs, targets, [12]), 0, Tally())
    assert gradients(own).abs().max() == pytest.approx(1e-3)


@pytest.mark.parametrize("where", ["loss", "gradient"])
@pytest.mark.parametrize("window", [[4], [2, 2]])
def test_what_is_not_finite_is_refused_before_the_update(where: str, window: list[int]) -> None:
    inputs, targets = data(4)
    own = learner(Objective(nn.CrossEntropyLoss()))
    if where == "loss":
        inputs[1, 0] = torch.nan
    else:
        own.model[2].weight.register_hook(lambda gradient: gradient * torch.nan)
    before = copy.deepcopy(own.model.state_dict())
    with pytest.raises(TrainingError) as caught:
        update(own, batches(inputs, targets, window), 7, Tally())
    assert caught.value.code == "E501" and caught.value.exit_code == 3
    assert where in str(caught.value) and "step 7" in str(caught.value)
    assert set(caught.value.rows) >= {1} and (where == "loss" or caught.value.layers == ["2.weight"])
    assert all(torch.equal(value, before[name]) for name, value in own.model.state_dict().items())


def test_a_large_finite_gradient_is_not_refused() -> None:
    inputs, targets = data(4)
    own = learner(Objective(nn.CrossEntropyLoss()))
    own.model.float()
    own.model[2].weight.register_hook(lambda gradient: gradient.sign() * 1e30)  # its square is beyond float32
    window = [Batch((inputs,), targets, 4, np.arange(4))]
    update(own, window, 0, Tally())


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.SmoothL1Loss()])
def test_a_column_against_a_row_is_refused(loss: nn.Module) -> None:
    with pytest.raises(ModelError) as caught:
        Objective(loss)(torch.zeros(5, 1), torch.zeros(5))
    assert caught.value.code == "E605" and "(5, 1)" in str(caught.value)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_a_loss_that_is_no_mean_is_refused(reduction: str) -> None:
    with pytest.raises(ModelError) as caught:
        Objective(nn.CrossEntropyLoss(reduction=reduction))
    assert caught.value.code == "E606"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("targets", [40, 1100])  # in one piece, and in several
def test_the_token_loss_in_bfloat16_is_that_of_float32(bias: bool, targets: int) -> None:
    """To what eight bits can say: the loss, and every gradient; ignored targets count nowhere."""
    torch.manual_seed(0)
    weight, offset = torch.randn(300, 16).mul_(0.3).requires_grad_(), torch.randn(300).requires_grad_() if bias else None
    features, wanted = torch.randn(2, targets // 2, 16, requires_grad=True), torch.randint(0, 300, (2, targets // 2))
    wanted[0, :5] = IGNORED
    own = TokenObjective(lambda: (weight, offset), ("token",))
    found = []
    for low in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            mean, count = own(features, wanted)
        assert count == 2 * (targets // 2) - 5 and mean.dtype == torch.float32
        inputs = [each for each in (features, weight, offset) if each is not None]
        found.append([mean.detach(), *torch.autograd.grad(3.0 * mean, inputs)])
    for exact, near in zip(*found, strict=True):
        assert float((exact - near).norm()) <= 0.02 * float(exact.norm())
    assert not found[1][1][0, :5].any()
