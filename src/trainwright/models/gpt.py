"""``gpt``: a decoder-only transformer, which predicts the next token from all before it (Radford et al. 2019).

It is of the kind in use today: normalization before each block (Xiong et al. 2020), rotary positions (Su et al. 2021,
arXiv:2104.09864), SwiGLU (Shazeer 2020, arXiv:2002.05202), no biases.

Shapes: ids (batch, time) int64; features (batch, time, width); state: keys and values of each layer in turn, each
(batch, heads, tokens so far, width / heads).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data.shapes import TokenShape
from trainwright.models.catalog import GPTSettings
from trainwright.models.protocols import State

DEVIATION = 0.02  # of the initial weights, as in GPT-2
BASE = 10_000.0  # of the wave lengths of rotary positions


class GPT(nn.Module):
    """The network ``gpt``."""

    is_stateful = False

    def __init__(self, settings: GPTSettings, shape: TokenShape) -> None:
        super().__init__()
        self.heads, self.head_width = settings.heads, settings.width // settings.heads
        self.embedding = nn.Embedding(shape.vocabulary, settings.width)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = _norm(settings)
        self.decoder = None if settings.tied else nn.Parameter(torch.empty(shape.vocabulary, settings.width))

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State | None]:
        """Return the features of each token. With a state, positions go on after its tokens, and a longer state is returned."""
        past = state[0].shape[2] if state else 0
        features = self.dropout(self.embedding(ids))
        rotation = _rotation(past, ids.shape[1], self.head_width, features)
        mask = _mask(past, ids.shape[1], ids.device)
        caches: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            cache = None if state is None else state[2 * number : 2 * number + 2]
            features, after = block(features, rotation, mask, cache)
            caches += after
        return self.norm(features), None if state is None else tuple(caches)

    def output(self) -> tuple[Tensor, None]:
        """Return the weight of the output layer, which has no bias; tied, it is the embedding's."""
        return self.embedding.weight if self.decoder is None else self.decoder, None

    def start(self, batch: int, device: torch.device) -> State:
        """Return the keys and values of no token."""
        empty = self.embedding.weight.new_zeros(batch, self.heads, 0, self.head_width, device=device)
        return (empty,) * (2 * len(self.blocks))

    def init_weights(self) -> None:
        """Draw normal with deviation 0.02; less in what is added to the stream, by the root of how often that is (GPT-2)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                added = name.endswith(("attention_out.weight", "down.weight"))
                nn.init.normal_(parameter, std=DEVIATION / (2 * len(self.blocks)) ** 0.5 if added else DEVIATION)


class Block(nn.Module):
    """A transformer block: attention and a feed-forward network, each added to the residual stream (batch, time, width)."""

    def __init__(self, settings: GPTSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads, self.gated = settings.heads, settings.feed_forward == "swiglu"
        # Three matrices where it is gated, two where it is not: about as many weights both ways.
        inner = (8 * width // 3 + 7) // 8 * 8 if self.gated else 4 * width
        self.attention_norm, self.feed_norm = _norm(settings), _norm(settings)
        self.attention_in = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * inner if self.gated else inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(
        self, features: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None, cache: State | None
    ) -> tuple[Tensor, State]:
        """Return the residual stream after the block, and the keys and values of all tokens so far."""
        mixed, cache = self._attend(self.attention_norm(features), rotation, mask, cache)
        features = features + self.dropout(mixed)
        inner = self.up(self.feed_norm(features))
        if self.gated:
            gate, value = inner.chunk(2, dim=-1)
            inner = F.silu(gate) * value
        else:
            inner = F.gelu(inner)
        return features + self.dropout(self.down(inner)), cache

    def _attend(
        self, features: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None, cache: State | None
    ) -> tuple[Tensor, State]:
        batch, time, width = features.shape
        parts = self.attention_in(features).view(batch, time, 3, self.heads, width // self.heads)
        queries_keys, values = parts[:, :, :2], parts[:, :, 2].transpose(1, 2)
        queries, keys = _rotate(queries_keys, *rotation).permute(2, 0, 3, 1, 4)  # each (batch, heads, time, head width)
        if cache is not None:
            keys, values = torch.cat([cache[0], keys], dim=2), torch.cat([cache[1], values], dim=2)
        first = keys.shape[2] == time
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=first)
        return self.attention_out(mixed.transpose(1, 2).reshape(batch, time, width)), (keys, values)


def _norm(settings: GPTSettings) -> nn.Module:
    """Return a normalization over the width, with a scale; LayerNorm has a shift too."""
    return nn.RMSNorm(settings.width, eps=1e-6) if settings.norm == "rms" else nn.LayerNorm(settings.width)


def _rotation(past: int, time: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the angle of each position and pair of dimensions: (time, 1, 1, width / 2), as ``like``."""
    pairs = torch.arange(0, width, 2, device=like.device, dtype=torch.float32)
    positions = torch.arange(past, past + time, device=like.device, dtype=torch.float32)
    angles = torch.outer(positions, BASE ** (-pairs / width))[:, None, None, :]
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate each pair (i, i + half) of (batch, time, 2, heads, head width) by its position's angle."""
    cosine, sine = cosine.to(vectors.dtype), sine.to(vectors.dtype)
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def _mask(past: int, time: int, device: torch.device) -> Tensor | None:
    """Return which tokens (time, past + time) each token sees; None where all, or where attention's own causal mask says so."""
    if past == 0 or time == 1:
        return None
    return torch.ones(time, past + time, dtype=torch.bool, device=device).tril(past)
