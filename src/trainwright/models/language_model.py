"""What a language model is to the training, the evaluation and the generation of text."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

State = tuple[Tensor, ...]  # what a model remembers of the tokens before; its first dimension but one is the batch's row


class LanguageModel(Protocol):
    """``forward`` stops before the vocabulary, so that the loss may be computed without holding all logits."""

    is_stateful: bool  # training hands the state from batch to batch

    def __call__(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """Features (batch, time, width) of ids int64 (batch, time), and the state after them."""

    def output(self) -> tuple[Tensor, Tensor | None]:
        """Weight (vocabulary, width) and bias (vocabulary,): logits = features @ weight.T + bias."""

    def start(self, batch: int, device: torch.device) -> State:
        """The state before the first token."""
