"""The loss of a language model: the features of each token, the output layer, and the cross-entropy of the next, in one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions

from trainwright.data.streams import IGNORED
from trainwright.training.optim import Measured, Objective

Output = Callable[[], tuple[Tensor, Tensor | None]]
# From so many tokens in the vocabulary on, torch's fused loss pays: it makes the gradient of the logits together with the
# loss, piece by piece. 400 x 10,000 logits take 74 ms of processor time instead of 89; below, it is slower.
FUSED_FROM = 2048
PIECE = 512  # targets


class TokenObjective(Objective):
    """``objective(features, targets)``: features (batch, time, width), targets int64 (batch, time), ``IGNORED`` ones left out.

    ``output()`` gives the output layer's weight (vocabulary, width) and bias. ``unit`` is what a token is (character, byte)
    where bits are worth telling, else empty.
    """

    def __init__(self, output: Output, unit: str) -> None:
        super().__init__(F.cross_entropy)
        self.output, self.unit, self.ignored = output, unit, IGNORED

    def __call__(self, features: Tensor, targets: Tensor) -> tuple[Tensor, float]:
        """(mean, number of targets)."""
        weight, bias = self.output()
        flat, wanted = features.flatten(0, 1), targets.flatten()
        if len(weight) >= FUSED_FROM:
            options = LinearCrossEntropyOptions(batch_chunk_size=PIECE)
            mean = F.linear_cross_entropy(flat, weight, wanted, linear_bias=bias, ignore_index=IGNORED, options=options)
        else:
            mean = F.cross_entropy(F.linear(flat, weight, bias), wanted, ignore_index=IGNORED)
        return mean, float((wanted != IGNORED).sum())

    def measure(self, outputs: Any, targets: Any) -> Measured:
        """Not a way to measure a language model: ``evaluation.language`` is."""
        raise NotImplementedError

    def metrics(self, loss: float) -> dict[str, float]:
        """Perplexity, and bits where tokens are characters."""
        found = {"perplexity": math.exp(min(loss, 700.0))}
        return found | ({f"bits_per_{self.unit}": loss / math.log(2)} if self.unit else {})
