"""Layers of several networks in one, its members (Wen et al. 2020, arXiv:2002.06715; of tables: Gorishniy et al. 2024,
arXiv:2410.24210): they share the large matrices, and each has its own scale of what goes into and comes out of them.

Shapes: (batch, members, width), or (batch, 1, width) where all members still see the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class MemberLinear(nn.Module):
    """A linear layer whose matrix the members share."""

    vectors = ("before", "after", "bias")  # of which each member has a row

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.in_features = inputs
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.before = nn.Parameter(torch.empty(members, inputs))
        self.after = nn.Parameter(torch.empty(members, outputs))
        self.bias = nn.Parameter(torch.empty(members, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs of each member."""
        return linear(inputs * self.before, self.weight) * self.after + self.bias

    def init_scales(self, *, apart: bool) -> None:
        """Begin with members that are the same, or ``apart``: each sees its inputs with other signs."""
        for scale in (self.before, self.after):
            nn.init.ones_(scale)
        if apart:
            nn.init.uniform_(self.before, -1, 1)
            with torch.no_grad():
                self.before.copy_(torch.where(self.before < 0, -1.0, 1.0))


class MemberOutput(nn.Module):
    """The output layer: a matrix of its own for each member. What is evaluated is their mean, (batch, outputs)."""

    vectors = ("bias",)

    def __init__(self, members: int, width: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, width, outputs))
        self.bias = nn.Parameter(torch.empty(members, outputs))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the outputs of each member, which are trained each for itself; in evaluation their mean."""
        found = torch.bmm(hidden.expand(-1, len(self.weight), -1).transpose(0, 1), self.weight).transpose(0, 1) + self.bias
        return found if self.training else found.mean(dim=1)

    def init_weights(self) -> None:
        """Draw as torch does, biases zero."""
        reach = max(self.weight.shape[1], 1) ** -0.5
        nn.init.uniform_(self.weight, -reach, reach)
        nn.init.zeros_(self.bias)
