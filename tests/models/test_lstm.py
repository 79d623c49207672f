"""What ``lstm`` for language promises beyond the suite of every model."""

from __future__ import annotations

import torch
from model_samples import TOKENS, build


def test_initial_weights_of_zaremba() -> None:
    model = build("language", "lstm.v1", TOKENS, embedding=32, hidden=32, layers=2, tied=False, dropout=0.0, init_range=0.1)
    for name, parameter in model.named_parameters():
        assert 0.09 < parameter.abs().max() <= 0.1, name


def test_language_dropout_leaves_the_recurrence_alone() -> None:
    """Two layers drop three times: what goes in, between the layers, what comes out (Zaremba et al. 2014, figure 2)."""
    model = build("language", "lstm.v1", TOKENS, embedding=64, hidden=64, layers=1, tied=False, dropout=0.5).train()
    features, (hidden, _) = model(torch.randint(0, 50, (3, 7)))
    assert 0.3 < (features == 0).float().mean() < 0.7
    assert (hidden != 0).all()
    kept = features[:, -1] != 0
    assert torch.allclose(features[:, -1][kept], 2 * hidden[0][kept])
