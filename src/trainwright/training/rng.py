"""Torch's random state: set for a step, and given back afterwards as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def seed_rng(device: torch.device, number: int) -> None:
    """Seed what is drawn on the CPU and on the device (dropout), so that it follows from ``number`` alone."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)


@contextmanager
def preserve_rng(device: torch.device) -> Iterator[None]:
    """Give back the caller's random state, of the CPU and of the device, as it was."""
    drawn = torch.random.get_rng_state()
    there = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    there = torch.mps.get_rng_state() if device.type == "mps" else there
    try:
        yield
    finally:
        torch.random.set_rng_state(drawn)
        if there is not None and device.type == "cuda":
            torch.cuda.set_rng_state(there, device)
        elif there is not None:
            torch.mps.set_rng_state(there)
