"""Batch norm accepts a batch of any size."""

from __future__ import annotations

import torch
from model_samples import build

from trainwright.data.shapes import ImageShape


def test_a_single_pixel_in_training_is_normalised_by_what_came_before() -> None:
    model = build("image", "convnet.v1", ImageShape(1, 4, 4, 2)).train()
    model(torch.randn(16, 1, 4, 4))
    before = model.features[-2].running_mean.clone()
    assert model(torch.randn(1, 1, 4, 4)).isfinite().all()
    assert torch.equal(model.features[-2].running_mean, before)
