"""Torch's random state: set for a step, and given back afterwards as it was found."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def seed_rng(device: torch.device, number: int) -> None:
    """Seed what is drawn on the CPU and on the device (dropout), so that it follows from ``number`` alone."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)


def preserve_rng(device: torch.device) -> AbstractContextManager[None]:
    """Give back the caller's random state, of the CPU and of the device, as it was."""
    return torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type)
