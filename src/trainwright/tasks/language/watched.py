"""Passages of the validation text that are watched while a language model learns: what it takes for the next token of each.

Each of its tokens is asked for with up to ``BEFORE`` tokens before it, and those of the passage that are read by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.tasks.language.predictor import BITS, measure
from trainwright.watch.events import in_short

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.data.text.token_encoder import TokenEncoder

PASSAGES, TOKENS, LETTERS, BEFORE = 4, 14, 40, 64
SHOWN = 8  # of the tokens before, for a person to read


def passages(ids: np.ndarray, encoder: TokenEncoder, file: str) -> list[dict[str, Any]]:
    """Return what is kept of each passage: ``file``, ``row`` (the place of its first token), the tokens, and some before.

    ``ids`` is a text behind a line end.
    """
    between = " " if encoder.tokenizer == "words" else ""
    names = [[encoder.tokens[each] for each in ids[max(low - SHOWN, 1) : high]] for low, high in _places(ids, encoder)]
    return [
        {"file": file, "row": low, "before": between.join(tokens[: low - high]), "tokens": tokens[low - high :]}
        for tokens, (low, high) in zip(names, _places(ids, encoder), strict=True)
    ]


def answers(model: nn.Module, ids: np.ndarray, encoder: TokenEncoder, context: int, device: torch.device) -> list[Any]:
    """Return of each token of each passage (whether it was the likeliest, its probability, the likeliest); None for NaN."""
    found = []
    for low, high in _places(ids, encoder):
        sums = measure(model, ids[max(low - 1 - BEFORE, 0) : high], context, device)
        guesses, losses = sums.guesses[low - high :], sums.token_losses[low - high :]
        shares = map(in_short, np.exp(-losses.astype(np.float64)).tolist())
        told = zip((guesses == ids[low:high]).tolist(), shares, (encoder.tokens[each] for each in guesses), strict=True)
        found.append([list(each) for each in told])
    return found


def _places(ids: np.ndarray, encoder: TokenEncoder) -> Iterator[tuple[int, int]]:
    """Yield where each passage begins and ends: spread evenly, none on another."""
    size = min(LETTERS if encoder.tokenizer in BITS else TOKENS, len(ids) - 1)
    count = min(PASSAGES, (len(ids) - 1) // size)
    room = (len(ids) - 1) // count
    for number in range(count):
        low = 1 + number * room + (room - size) // 2
        yield low, low + size
