"""The loss of a language model: the features of each token, the output layer, and the cross-entropy of the next, in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions

from trainwright.data.batches.tokens import IGNORED
from trainwright.models.objective import Objective
from trainwright.watch import metrics

Output = Callable[[], tuple[Tensor, Tensor | None]]
# From so many tokens in the vocabulary on, torch's fused loss pays: it makes the gradient of the logits together with the
# loss, piece by piece. 400 x 10,000 logits take 74 ms of processor time instead of 89; below, it is slower.
FUSED_FROM = 2048
PIECE = 512  # targets


class LowCrossEntropy(torch.autograd.Function):
    """Output layer and cross-entropy in bfloat16, gradients together with the loss, ``PIECE`` targets at a time.

    What ``autocast`` makes of the two goes through the logits in float32 several times, which takes a tenth longer. The loss
    that is told has the precision of the logits.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        """Return the mean over targets that are not ``IGNORED``, float32. Features (tokens, width), targets int64 (tokens,)."""
        with torch.autocast(features.device.type, enabled=False):
            low, rows, kept = weight.to(torch.bfloat16), features.to(torch.bfloat16), targets != IGNORED
            share = 1 / kept.sum()
            shares = (features * share).to(torch.bfloat16)
            total, by_features = features.new_zeros((), dtype=torch.float32), torch.empty_like(features)
            by_weight, by_bias = torch.zeros_like(weight), None if bias is None else torch.zeros_like(bias)
            for begin in range(0, len(targets), PIECE):
                piece = slice(begin, begin + PIECE)
                logits = rows[piece] @ low.t() if bias is None else torch.addmm(bias.to(low.dtype), rows[piece], low.t())
                gradient = logits.softmax(1)
                row = torch.arange(len(gradient), device=targets.device)
                wanted = row, targets[piece].clamp_min(0)
                likely = gradient[wanted]
                if bool((likely > 0).all()):
                    losses = -likely.float().log()
                else:  # too small to be told from zero
                    losses = F.cross_entropy(logits.float(), wanted[1], reduction="none")
                total += (losses * kept[piece]).sum()
                gradient[wanted] -= 1
                if not kept[piece].all():
                    gradient *= kept[piece, None]
                by_features[piece] = (gradient @ low) * share
                by_weight += gradient.t() @ shares[piece]
                if by_bias is not None:
                    by_bias += (gradient.new_ones(1, len(gradient)) @ gradient)[0] * share
        ctx.save_for_backward(by_features, by_weight, by_bias)
        return total * share

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """Return the gradients of features, weight and bias."""
        found = ctx.saved_tensors
        if gradient.device.type == "cpu" and gradient == 1:  # that of a batch that makes an update alone
            return (*found, None)
        return (*(None if each is None else each * gradient for each in found), None)  # type: ignore[return-value]


class TokenObjective(Objective):
    """``objective(features, targets)``: features (batch, time, width), targets int64 (batch, time), ``IGNORED`` ones left out.

    ``output()`` gives the output layer's weight (vocabulary, width) and bias; ``predicts`` says which metrics there are.
    """

    def __init__(self, output: Output, predicts: tuple[str, ...]) -> None:
        super().__init__(F.cross_entropy)
        self.output, self.predicts, self.ignored = output, predicts, IGNORED

    def __call__(self, features: Tensor, targets: Tensor) -> tuple[Tensor, float]:
        """Return (mean, number of targets)."""
        weight, bias = self.output()
        flat, wanted = features.flatten(0, 1), targets.flatten()
        if torch.is_autocast_enabled(features.device.type) and torch.is_grad_enabled():
            mean = LowCrossEntropy.apply(flat, weight, bias, wanted)  # type: ignore[no-untyped-call]
        elif len(weight) >= FUSED_FROM:
            options = LinearCrossEntropyOptions(batch_chunk_size=PIECE)
            mean = F.linear_cross_entropy(flat, weight, wanted, linear_bias=bias, ignore_index=IGNORED, options=options)
        else:
            mean = F.cross_entropy(F.linear(flat, weight, bias), wanted, ignore_index=IGNORED)
        return mean, float((wanted != IGNORED).sum())

    def metrics(self, loss: float) -> dict[str, float]:
        """Return perplexity, and bits where tokens are characters."""
        return metrics.compute(metrics.computed(*self.predicts), loss)
