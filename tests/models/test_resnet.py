"""What ``resnet`` promises beyond the suite of every model."""

from __future__ import annotations

import pytest
import torch
from model_samples import build

from trainwright.data.shapes import ImageShape


@pytest.mark.parametrize(("size", "stem", "kernel"), [(95, None, 3), (96, None, 7), (224, "cifar", 3), (32, "imagenet", 7)])
def test_the_stem_follows_the_size_unless_given(size: int, stem: str | None, kernel: int) -> None:
    with torch.device("meta"):
        assert build("image", "resnet.v1", ImageShape(3, size, size, 10), stem=stem).conv1.kernel_size == (kernel, kernel)


def test_resnet_18_has_its_eleven_million_weights() -> None:
    with torch.device("meta"):
        model = build("image", "resnet.v1", ImageShape(3, 224, 224, 1000))
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_689_512  # as published by torchvision


def test_residual_blocks_begin_as_the_identity() -> None:
    model = build("image", "resnet.v1", ImageShape(3, 8, 8, 10), width=4)
    features = torch.rand(2, 4, 8, 8)
    assert torch.equal(model.layer1(features), features)
