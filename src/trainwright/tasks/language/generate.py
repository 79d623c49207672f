"""A language model going on with a text: tokens drawn one by one, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.models.protocols import LanguageModel, State


class TextGenerator:
    """A model, its tokens, and the length of ``context`` that it was trained with."""

    def __init__(self, model: nn.Module, encoder: TokenEncoder, context: int, device: torch.device) -> None:
        self.model = cast(LanguageModel, model)
        self.encoder, self.context, self.device = encoder, context, device

    @torch.inference_mode()
    def logits(self, ids: list[int], state: State | None = None) -> tuple[Tensor, State | None]:
        """Return logits of the token after ``ids``: float32, shape (vocabulary,), on the CPU; and the state after them."""
        features, state = self.model(torch.tensor([ids], device=self.device), state)
        weight, bias = self.model.output()
        return linear(features[0, -1], weight, bias).float().cpu(), state

    def generate(
        self, prompt: str, tokens: int, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[str]:
        """Yield the text after ``prompt``, piece by piece: see ``trainwright.generate``. The model is in evaluation mode.

        ``<unk>`` is never said. A transformer whose window is full goes on from its second half.
        """
        generator = torch.Generator().manual_seed(seed)
        ids = self.encoder.behind_line_end(prompt).astype(np.int64).tolist()
        fresh, state = ids if self.model.is_stateful else ids[-self.context :], self.model.start(1, self.device)
        stream = self.encoder.stream()
        for each in ids[1:]:
            stream.push(each)  # what follows depends on what was said: a space, the rest of a character
        for _ in range(tokens):
            if not self.model.is_stateful and state[0].shape[2] + len(fresh) > self.context:
                fresh, state = ids[-max(self.context // 2, 1) :], self.model.start(1, self.device)
            logits, after = self.logits(fresh, state)
            state = after or ()
            fresh = [self._draw(logits.clone(), temperature, top_k, top_p, generator)]
            ids += fresh
            if piece := stream.push(fresh[0]):
                yield piece
        if piece := stream.end():
            yield piece

    def _draw(self, logits: Tensor, temperature: float, top_k: int, top_p: float, generator: torch.Generator) -> int:
        """Draw a token: the likeliest at temperature 0, else at random among the ``top_k`` that make up ``top_p``."""
        if self.encoder.tokenizer in ("words", "characters"):
            logits[0] = -torch.inf  # the number of <unk>
        if temperature == 0:
            return int(logits.argmax())
        shares, order = (logits.double() / temperature).softmax(dim=-1).sort(descending=True, stable=True)
        keep = torch.ones_like(shares, dtype=torch.bool)
        if top_k:
            keep[top_k:] = False
        if top_p < 1:
            keep &= shares.cumsum(dim=-1) - shares < top_p  # the one that crosses the line is in
        return int(order[torch.multinomial(shares * keep, 1, generator=generator)])
