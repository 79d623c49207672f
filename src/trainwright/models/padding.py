"""Padding: rows of different lengths as one matrix, on the device, without a loop over rows."""

from __future__ import annotations

import torch
from torch import Tensor


def pad(values: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Convert flat ids and row starts to (ids, lengths): int64 (batch, longest), zero beyond each row, and int64 (batch,).

    ``values`` has shape (tokens,), ``offsets`` (batch,): the first token of each row.
    """
    ends = torch.cat([offsets[1:], offsets.new_tensor([len(values)])])
    lengths = (ends - offsets).long()
    times = torch.arange(int(lengths.max()), device=values.device)
    inside = times[None, :] < lengths[:, None]
    places = (offsets[:, None] + times[None, :]).clamp(max=len(values) - 1)
    return torch.where(inside, values[places].long(), 0), lengths
