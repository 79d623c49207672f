"""The networks for images take images of any size."""

from __future__ import annotations

import pytest
import torch
from model_samples import build

from trainwright.data.shapes import ImageShape


@pytest.mark.parametrize("name", ["convnet.v1", "mlp.v1", "resnet.v1"])
@pytest.mark.parametrize("size", [(1, 4, 4), (3, 5, 9), (1, 28, 28), (3, 32, 32)])
def test_images_of_any_size(name: str, size: tuple[int, int, int]) -> None:
    changes = {"mlp.v1": {"hidden": [8], "dropout": 0.0}, "resnet.v1": {"width": 4}}.get(name, {})
    assert build("image", name, ImageShape(*size, 3), **changes)(torch.randn(2, *size)).shape == (2, 3)
