"""Small networks for tests."""

from __future__ import annotations

import torch
from torch import nn

from trainwright.data.shapes import TextShape, TokenShape
from trainwright.models import registry
from trainwright.models.catalog import models

TEXT, TOKENS = TextShape(50, 4), TokenShape(50)


def build(task: str, name: str, shape, **changes) -> nn.Module:
    torch.manual_seed(0)
    return registry.build(task, name, models(task)[name.partition(".")[0]].settings.model_validate(changes), shape).eval()
