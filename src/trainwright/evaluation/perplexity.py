"""A language model measured: every target of a text once, the sums in float64, the same for every batch size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.tokens import IGNORED
from trainwright.evaluation.intervals import LOG, LOG_ODDS, PLAIN, Scale, of_changes, wilson
from trainwright.evaluation.measure import evaluation_mode

LOGITS = 1 << 24  # held at a time


def perplexity(loss: float) -> float:
    """Return the perplexity of a mean loss in nats a token."""
    return math.exp(min(loss, 700.0))


def bits(loss: float) -> float:
    """Return a mean loss in nats as bits."""
    return loss / math.log(2)


@dataclass
class Sums:
    """Sums over the targets of each window: loss in nats, right guesses, and how many there are; float64 and int64.

    ``token_losses`` (float32), ``guesses`` (int64) and ``guess_shares`` (float32, their probabilities) are those of every
    target, in order.
    """

    losses: np.ndarray
    correct: np.ndarray
    counts: np.ndarray
    token_losses: np.ndarray
    guesses: np.ndarray
    guess_shares: np.ndarray

    @property
    def loss(self) -> float:
        """Return the nats a token."""
        return float(self.losses.sum() / max(self.counts.sum(), 1))

    def interval(self, sums: np.ndarray, scale: Scale = LOG) -> tuple[float, float] | None:
        """Return the 95 % interval of a mean a token, by how much windows differ: tokens of one are not independent.

        It is that of a ratio (Cochran 1977, section 6.3); None for too few windows, and on a scale where the mean has no place.
        """
        total = float(self.counts.sum())
        mean = float(sums.sum()) / total if total else 0.0
        if scale is not PLAIN and not 0 < mean < (1 if scale is LOG_ODDS else math.inf):
            return None
        return of_changes(mean, (sums - mean * self.counts) / total, self.counts, scale)

    def of(self, which: np.ndarray, ids: np.ndarray) -> Sums:
        """Return the sums over some targets, bool (targets,), whose ``ids`` are given, of the windows that have any."""
        window = np.repeat(np.arange(len(self.counts)), self.counts)[which]
        losses, right = self.token_losses[which].astype(np.float64), self.guesses[which] == ids[which]
        counts = np.bincount(window, minlength=len(self.counts))
        of_losses, of_right = (np.bincount(window, each, len(counts))[counts > 0] for each in (losses, right))
        told = (self.token_losses[which], self.guesses[which], self.guess_shares[which])
        return Sums(of_losses, of_right, counts[counts > 0], *told)

    def against(self, losses: np.ndarray) -> dict[str, Any]:
        """Return loss and perplexity of another model, from its losses of every target, float64 (targets,), with the interval
        of its perplexity; and by what share ours is lower."""
        windows = np.repeat(np.arange(len(self.counts)), self.counts)
        theirs = np.bincount(windows, losses, minlength=len(self.counts))
        n = max(int(self.counts.sum()), 1)
        loss, own, apart = float(theirs.sum()) / n, self.interval(theirs), self.interval(theirs - self.losses, PLAIN)
        less = None if apart is None else [1 - math.exp(-end) for end in apart]
        found: dict[str, Any] = {"loss": loss, "perplexity": perplexity(loss), "n": n}
        found["perplexity_interval"] = None if own is None else [*map(perplexity, own)]
        return found | {"difference": 1 - math.exp(self.loss - loss), "difference_interval": less}

    def report(self) -> dict[str, Any]:
        """Return loss, perplexity and next-token accuracy with their intervals, and the number of tokens."""
        correct, n, interval = int(self.correct.sum()), int(self.counts.sum()), self.interval(self.losses)
        right = self.interval(self.correct.astype(np.float64), LOG_ODDS) or wilson(correct, n)
        return {
            "loss": self.loss,
            "loss_interval": interval,
            "perplexity": perplexity(self.loss),
            "perplexity_interval": None if interval is None else [*map(perplexity, interval)],
            "accuracy": correct / n if n else 0.0,
            "interval": right,
            "n": n,
        }


@torch.no_grad()
def measure(model: nn.Module, output: Callable[[], tuple[Tensor, Tensor | None]], batches: Iterable[Batch]) -> Sums:
    """Measure the model on windows that each start from nothing; its mode is afterwards what it was before."""
    found: list[tuple[np.ndarray, ...]] = []
    with evaluation_mode(model):
        weight, bias = output()
        for batch in batches:
            features, _ = model(*batch.inputs)
            found.append(_sums(features, batch.targets, weight, bias))
    return Sums(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _sums(features: Tensor, targets: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[np.ndarray, ...]:
    """Return loss, right guesses and targets of each window of a batch; loss, guess and its probability of each target."""
    flat, wanted = features.flatten(0, 1), targets.flatten()
    losses, guesses = torch.zeros(len(flat), dtype=torch.float64), torch.zeros(len(flat), dtype=torch.int64)
    shares = torch.zeros(len(flat))
    rows = max(LOGITS // len(weight), 1)
    for low in range(0, len(flat), rows):
        logits = F.linear(flat[low : low + rows], weight, bias)
        part = wanted[low : low + rows]
        loss = F.cross_entropy(logits, part, reduction="none", ignore_index=IGNORED)
        best, guess = logits.max(dim=1)
        losses[low : low + rows], guesses[low : low + rows] = loss.cpu().double(), guess.cpu()
        # The loss is what the right logit lacks to the logarithm of the sum of all exponentials.
        right_logit = logits.gather(1, part.clamp(min=0)[:, None])[:, 0]
        shares[low : low + rows] = (best.float() - right_logit.float() - loss.float()).exp().cpu()
    wanted, shape = wanted.cpu(), targets.shape
    counted, right = wanted != IGNORED, guesses == wanted
    sums = (each.view(shape).sum(dim=1) for each in (losses, right, counted))
    return tuple(each.numpy() for each in (*sums, losses[counted].float(), guesses[counted], shares[counted]))
