"""The layers that several networks share."""

from __future__ import annotations

import pytest
import torch
from model_samples import build
from torch import nn

from trainwright.data.shapes import ImageShape
from trainwright.models.layers import Convolution


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


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (3, 3)])
@pytest.mark.parametrize("kernel", [3, 7])
def test_a_gradient_in_bfloat16_has_nothing_of_what_memory_held_before(size: tuple[int, int], kernel: int) -> None:
    layer = Convolution(32, 64, kernel, 2, kernel // 2, bias=False)
    inputs = torch.randn(16, 32, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(inputs), nn.functional.conv2d(inputs, layer.weight, None, 2, kernel // 2))
    layer(inputs).sum().backward()
    exact, layer.weight.grad = layer.weight.grad, None
    for _ in range(3):
        for each in (torch.float32, torch.bfloat16):
            used = [torch.full((layer.weight.numel() * times,), 1e30, dtype=each) for times in (1, 2, 1, 1, 2)]
            del used  # and its memory is given to what comes next
        with torch.autocast("cpu", torch.bfloat16):
            layer(inputs).float().sum().backward()
        torch.testing.assert_close(layer.weight.grad, exact, rtol=0.1, atol=0.3)
        layer.weight.grad = None
