"""The layers that several networks share."""

from __future__ import annotations

import pytest
import torch
from model_samples import build
from torch import nn

from trainwright.data.shapes import ImageShape


@pytest.mark.parametrize("name", ["convnet.v1", "resnet.v1"])
@pytest.mark.parametrize(("layout", "last"), [("", True), ("channels_last", True), ("contiguous", False)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_layout_reaches_the_layers(name: str, layout: str, last: bool, channels: int) -> None:
    model = build("image", name, ImageShape(channels, 8, 8, 4))
    model.layout = layout
    seen: list[bool] = []
    convolution = next(each for each in model.modules() if isinstance(each, nn.Conv2d))
    convolution.register_forward_hook(lambda *_: seen.append(_[-1].is_contiguous(memory_format=torch.channels_last)))
    model(torch.zeros(2, channels, 8, 8))
    assert seen == [last]


def test_a_single_pixel_in_training_is_normalised_by_what_came_before() -> None:
    model = build("image", "convnet.v1", ImageShape(1, 4, 4, 2)).train()
    model(torch.randn(16, 1, 4, 4))
    before = model.features[-2].running_mean.clone()
    assert model(torch.randn(1, 1, 4, 4)).isfinite().all()
    assert torch.equal(model.features[-2].running_mean, before)
