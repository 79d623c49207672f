"""The penalty on the embeddings of a batch's tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
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
