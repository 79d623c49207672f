"""Embeddings of the numbers of a table (Gorishniy et al. 2022, arXiv:2203.05556), with which a network bends easily where the
data do: at steps and thresholds, or in waves.

Shapes: numeric (batch, numbers) float32, scaled; embedded (batch, ``width``).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

DIMENSIONS = 8  # of each number's embedding
BINS, ROWS_A_BIN = 32, 16  # of each number, at most; at least
NARROWEST = 1e-6  # bin, in deviations: narrower ones are rounding errors
FREQUENCIES, FREQUENCY = 16, 0.1  # of each number; their deviation at first
FAR = 3.0  # interquartile ranges, which no number lies beyond once it is bent
FARTHEST = 1e6  # whose square still is a float32
ROWS = 100_000  # that quantiles are taken from, or twice as many


class RobustScale(nn.Module):
    """Numbers less their median, by their interquartile range; far ones are bent to come no further than ``FAR``, smoothly
    (Holzmueller et al. 2024, arXiv:2407.04491)."""

    center: Tensor
    scale: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))

    def fit(self, numeric: np.ndarray) -> None:
        """Learn the quartiles of the training rows; of a number that half the rows share, the range."""
        low, middle, high = np.quantile(numeric, [0.25, 0.5, 0.75], axis=0)
        least, most = numeric.min(axis=0), numeric.max(axis=0)
        reach = np.where(high - low > NARROWEST, high - low, (most - least) / 2)
        self.center.copy_(torch.from_numpy(middle))
        self.scale.copy_(torch.from_numpy(1 / np.where(reach > NARROWEST, reach, 1.0)))

    def forward(self, numeric: Tensor) -> Tensor:
        """Return scaled numbers: (batch, numbers)."""
        scaled = ((numeric - self.center) * self.scale).clamp(-FARTHEST, FARTHEST)
        bent: Tensor = scaled * torch.rsqrt(1 + (scaled / FAR).square())
        return bent


class NumberEmbedding(nn.Module):
    """What the embeddings share: each number gets ``DIMENSIONS`` of its own."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.scaled = RobustScale(numbers)
        self.width = numbers * DIMENSIONS

    def fit(self, numeric: np.ndarray) -> None:
        """Learn from the numbers of the training rows, float64 (rows, numbers), what is no parameter."""
        self.scaled.fit(numeric)


class Piecewise(NumberEmbedding):
    """A line and, for each bin between quantiles of the training rows, another slope.

    A number becomes the share of each of its bins that lies below it, times a matrix of its own.
    """

    edges: Tensor
    steepness: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__(numbers)
        self.register_buffer("edges", torch.linspace(-2, 2, BINS + 1)[:-1].repeat(numbers, 1))
        self.register_buffer("steepness", torch.full((numbers, BINS), BINS / 4))  # 1 / width; 0 for a bin that there is not
        self.line = nn.Parameter(torch.empty(numbers, DIMENSIONS))
        self.bends = nn.Parameter(torch.empty(numbers, BINS, DIMENSIONS))

    def fit(self, numeric: np.ndarray) -> None:
        """Learn the bins too: of few values, one between each two."""
        super().fit(numeric)
        self.steepness.zero_()
        bins = min(max(len(numeric) // ROWS_A_BIN, 1), BINS)
        for place, column in enumerate(numeric.T):
            values = np.unique(column)
            edges = values if len(values) <= bins + 1 else np.quantile(column, np.linspace(0, 1, bins + 1))
            edges = edges[np.append(True, np.diff(edges) > NARROWEST)]
            self.edges[place, : len(edges) - 1] = torch.from_numpy(edges[:-1])
            self.steepness[place, : len(edges) - 1] = torch.from_numpy(1 / np.diff(edges))

    def forward(self, numeric: Tensor) -> Tensor:
        """Return the embeddings of each row's numbers, side by side."""
        shares = ((numeric[:, :, None] - self.edges) * self.steepness).clamp(0, 1)
        bent = torch.bmm(shares.transpose(0, 1), self.bends).transpose(0, 1)
        lines: Tensor = self.scaled(numeric)[:, :, None] * self.line
        return (bent + lines).flatten(1)

    def init_weights(self) -> None:
        """Begin as a line."""
        nn.init.normal_(self.line)
        nn.init.zeros_(self.bends)


class Periodic(NumberEmbedding):
    """The number, and a linear layer of its own on its cosines, whose frequencies and phases are learned."""

    def __init__(self, numbers: int) -> None:
        super().__init__(numbers)
        self.frequencies = nn.Parameter(torch.empty(numbers, FREQUENCIES))
        self.phases = nn.Parameter(torch.empty(numbers, FREQUENCIES))
        self.weight = nn.Parameter(torch.empty(numbers, FREQUENCIES, DIMENSIONS - 1))
        self.bias = nn.Parameter(torch.empty(numbers, DIMENSIONS - 1))

    def forward(self, numeric: Tensor) -> Tensor:
        """Return the embeddings of each row's numbers, side by side."""
        scaled = self.scaled(numeric)[:, :, None]
        waves = torch.cos(2 * math.pi * scaled * self.frequencies + self.phases)
        mixed = torch.bmm(waves.transpose(0, 1), self.weight).transpose(0, 1) + self.bias
        return torch.cat([scaled, mixed], dim=2).flatten(1)

    def init_weights(self) -> None:
        """Draw low frequencies and any phase; the layer as torch does."""
        nn.init.normal_(self.frequencies, std=FREQUENCY)
        nn.init.uniform_(self.phases, -math.pi, math.pi)
        nn.init.uniform_(self.weight, -(FREQUENCIES**-0.5), FREQUENCIES**-0.5)
        nn.init.uniform_(self.bias, -(FREQUENCIES**-0.5), FREQUENCIES**-0.5)


EMBEDDINGS: dict[str, type[Piecewise | Periodic]] = {"piecewise": Piecewise, "periodic": Periodic}


def sampled(numeric: np.ndarray) -> np.ndarray:
    """Return enough rows, from the first to the last, to tell quantiles: float64."""
    found: np.ndarray = numeric[:: max(len(numeric) // ROWS, 1)].astype(np.float64)
    return found
