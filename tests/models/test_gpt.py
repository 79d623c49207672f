"""What ``gpt`` promises beyond the suite of every model."""

from __future__ import annotations

import math

import pytest
import torch
from model_samples import TOKENS, build


def test_tied_weights_are_saved_once_and_learn_from_both_ends() -> None:
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=2, width=16)
    weight, bias = model.output()
    assert weight is model.embedding.weight and bias is None
    assert sum(value.shape == weight.shape for value in model.state_dict().values()) == 1


def test_positions_are_relative() -> None:
    """Rotary positions: equal tokens at a distance see each other alike wherever they stand."""
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=2, width=16)
    ids = torch.tensor([[7, 7, 7, 7]])
    features = model(ids)[0]
    assert torch.allclose(features, features[:, :1].expand_as(features), atol=1e-5)  # values are equal: any weights give them
    moved = model(torch.tensor([[3, 9]]), model.start(1, torch.device("cpu")))[1]
    assert not torch.allclose(
        moved[0][:, :, 0], model(torch.tensor([[9, 3]]), model.start(1, torch.device("cpu")))[1][0][:, :, 1]
    )


def test_positions_go_on_after_the_state() -> None:
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=1, width=16)
    start = model.start(1, torch.device("cpu"))
    keys = model(torch.tensor([[5, 5, 5]]), start)[1][0]
    assert not torch.allclose(keys[:, :, 0], keys[:, :, 1])
    _, state = model(torch.tensor([[5]]), start)
    _, state = model(torch.tensor([[5, 5]]), state)
    assert torch.allclose(state[0], keys, atol=1e-6)


def test_the_stream_starts_quiet() -> None:
    """What each of many blocks adds is scaled down, so that depth does not make the first loss large."""
    model = build("language", "gpt.v1", TOKENS, layers=12, heads=2, width=32)
    deviation = model.blocks[0].down.weight.std().item()
    assert deviation == pytest.approx(0.02 / math.sqrt(24), rel=0.1)
