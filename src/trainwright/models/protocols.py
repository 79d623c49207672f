"""What a network tells the rest of the package about itself, so that nothing there depends on its name or class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]  # what a model keeps of the tokens before
Loss = Callable[[Any, Any], Tensor]


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


class Grower(Protocol):
    """What makes a network grow by the rows of training."""

    @property
    def outputs(self) -> Tensor:
        """Return what the network says of the rows as it is now."""

    def grow(self, lr: float) -> None:
        """Make the network larger, once an update; leave it as it is where that fails."""


class Grown(nn.Module, ABC):
    """A network that no gradient moves: it has no parameters, and each update makes its buffers larger, by all rows at once."""

    updates_per_epoch: int

    @property
    @abstractmethod
    def learned(self) -> int:
        """Return how many numbers it has learned."""

    @abstractmethod
    def grower(self, inputs: Sequence[Any], targets: Tensor, weights: Tensor | None, loss: Loss) -> Grower:
        """Return what makes the network grow from where it stands, so that it says ``targets`` of all rows of ``inputs``."""

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError for buffers that no training makes: somebody else may have written them."""

    def resize(self, sizes: Mapping[str, Sequence[int]]) -> None:
        """Give buffers that are to be loaded these sizes, by name, as far as they have so many dimensions."""
        for name, buffer in list(self.named_buffers()):
            size = torch.Size(sizes.get(name, buffer.shape))
            if buffer.shape != size and buffer.ndim == len(size):
                setattr(self, name, buffer.new_empty(size))

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *rest: Any) -> None:
        """Load buffers of any size. Raise as ``check``."""
        self.resize({name: state_dict[prefix + name].shape for name in self._buffers if prefix + name in state_dict})
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self.check()


class LanguageModel(Protocol):
    """A network that stops before the vocabulary, so that the loss can be computed without holding all logits."""

    is_stateful: bool  # training hands the state from batch to batch

    def __call__(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """Return features (batch, time, width) of ids int64 (batch, time), and the state after them."""

    def output(self) -> tuple[Tensor, Tensor | None]:
        """Return weight (vocabulary, width) and bias (vocabulary,): logits = features @ weight.T + bias."""

    def start(self, batch: int, device: torch.device) -> State:
        """Return the state before the first token."""
