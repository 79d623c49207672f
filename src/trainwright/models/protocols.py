"""What a network tells the rest of the package about itself, so that nothing there has to know its name or its class."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]  # what a model remembers of the tokens before; its first dimension but one is the batch's row


class TrainingHooks:
    """What a network may tell the training step, by having this class among its own. A network without it has these answers."""

    @property
    def sparse_table(self) -> nn.Embedding | nn.EmbeddingBag | None:
        """Return the table of which a batch needs few rows, and whose gradient may be sparse."""
        return None

    def add_penalty(self) -> None:
        """Add to the gradients, once an update, what a penalty on the parameters makes of them."""


class LanguageModel(Protocol):
    """``forward`` stops before the vocabulary, so that the loss may be computed without holding all logits."""

    is_stateful: bool  # training hands the state from batch to batch

    def __call__(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """Features (batch, time, width) of ids int64 (batch, time), and the state after them."""

    def output(self) -> tuple[Tensor, Tensor | None]:
        """Weight (vocabulary, width) and bias (vocabulary,): logits = features @ weight.T + bias."""

    def start(self, batch: int, device: torch.device) -> State:
        """The state before the first token."""
