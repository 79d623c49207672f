"""What ``linear`` promises beyond the suite of every model."""

from __future__ import annotations

import torch
from model_samples import build
from torch import nn

from trainwright.data.shapes import TableShape


def test_categories_of_a_linear_model_are_columns_of_zeros_and_ones() -> None:
    model = build("table", "linear.v1", TableShape(2, (3,), 2))
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    numeric, categories = torch.randn(5, 2), torch.tensor([[0], [1], [2], [1], [0]], dtype=torch.int32)
    columns = torch.cat([numeric, nn.functional.one_hot(categories[:, 0].long(), 3)], dim=1)
    weight = torch.cat([model.weight, model.categories[0].weight.T], dim=1)
    assert torch.allclose(model(numeric, categories), columns @ weight.T + model.bias, atol=1e-6)
