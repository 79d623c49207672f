"""What a network tells the rest of the package about itself, so that nothing there depends on its name or class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]  # what a model keeps of the tokens before


class TrainingHooks:
    """What a network may tell the training step, as a base class. A network without it has these defaults."""

    @property
    def sparse_tables(self) -> Sequence[nn.Embedding | nn.EmbeddingBag]:
        """Return the tables of which a batch needs few rows, and whose gradients may be sparse."""
        return ()

    def fit_to(self, train: Any) -> None:
        """Learn from the encoded training split what no gradient can find, such as quantiles, once before training."""

    def add_penalty(self) -> None:
        """Add the gradient of a penalty on the parameters, once an update."""


class LanguageModel(Protocol):
    """A network that stops before the vocabulary, so that the loss can be computed without holding all logits."""

    is_stateful: bool  # training hands the state from batch to batch

    def __call__(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """Return features (batch, time, width) of ids int64 (batch, time), and the state after them."""

    def output(self) -> tuple[Tensor, Tensor | None]:
        """Return weight (vocabulary, width) and bias (vocabulary,): logits = features @ weight.T + bias."""

    def start(self, batch: int, device: torch.device) -> State:
        """Return the state before the first token."""
