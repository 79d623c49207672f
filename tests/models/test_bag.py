"""The network ``bag``: empty texts, gradients, initial weights, the penalty on the embeddings of a batch's tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from model_samples import TEXT, build
from torch import nn

from trainwright.data.shapes import TextShape
from trainwright.data.text.batches import ragged_batches
from trainwright.data.text.ragged import Ragged
from trainwright.models import registry
from trainwright.models.catalog import BagSettings
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.training.state import Tally
from trainwright.training.step import Learner, update

TEXTS = Ragged(np.array([2, 3, 3, 4, 2], np.int32), np.array([0, 2, 3, 5]), np.array([0.5, 1, 1, 0.3, 2], np.float32))
TARGETS = np.array([0, 1, 1])


def moved(l2: float, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The table before and after one update by all texts, with plain gradient descent at a rate of 1."""
    settings = BagSettings(embedding=0, weighting="tf-idf", l2=l2)
    model = registry.build("text", "bag.v1", settings, TextShape(7, 2))
    table = model.embedding.weight
    table.data.normal_(generator=torch.Generator().manual_seed(0))
    before = table.detach().clone()
    batches = list(ragged_batches(TEXTS, TARGETS, batch_size=batch_size, seed=None, device=torch.device("cpu")).epoch(0))
    learner = Learner(Forward(model), Objective(nn.CrossEntropyLoss()), torch.optim.SGD(model.parameters(), 1.0))
    update(learner, batches, 1, Tally())
    return before, table.detach()


@pytest.mark.parametrize("batch_size", [3, 2, 1])
def test_only_tokens_of_the_batch_are_pulled_and_once_an_update(batch_size: int) -> None:
    before, plain = moved(0.0, batch_size)
    _, pulled = moved(0.25, batch_size)
    expected = torch.zeros_like(before)
    expected[2:5] = 0.25 * before[2:5]
    torch.testing.assert_close(plain - pulled, expected)
    assert torch.equal(pulled[[0, 1, 5, 6]], before[[0, 1, 5, 6]])


def test_empty_bags_are_the_bias() -> None:
    model = build("text", "bag.v1", TEXT, embedding=8, weighting="none")
    empty = model(torch.zeros(0, dtype=torch.int32), torch.zeros(2, dtype=torch.int32))
    assert torch.equal(empty, torch.zeros(2, 4))


@pytest.mark.parametrize("lengths", [[3, 0, 5, 1], [0, 0], [0, 4, 0]])
def test_the_gradient_of_a_weighted_bag_is_torchs(lengths: list[int]) -> None:
    model = build("text", "bag.v1", TEXT, embedding=6, weighting="tf-idf")
    values = torch.randint(0, 9, (sum(lengths),), dtype=torch.int32)  # of 50: some several times, some never
    offsets = torch.tensor([sum(lengths[:place]) for place in range(len(lengths))], dtype=torch.int32)
    weights, table = torch.rand(len(values)), model.embedding.weight
    plain = model.classifier(model.embedding(values, offsets, weights))
    own = model(values, offsets, weights)
    assert torch.equal(own, plain)
    (wanted,) = torch.autograd.grad(plain.square().sum(), table)
    (found,) = torch.autograd.grad(own.square().sum(), table)
    torch.testing.assert_close(found, wanted)


def test_the_tutorials_initial_weights() -> None:
    model = build("text", "bag.v1", TEXT, embedding=64, weighting="none")
    weights = torch.cat([p.detach().flatten() for n, p in model.named_parameters() if not n.endswith("bias")])
    assert -0.5 <= weights.min() < -0.45 and 0.45 < weights.max() <= 0.5
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias"))
