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


def rng_state(device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return the state from which the CPU and the device draw."""
    more = {"cuda": torch.cuda.get_rng_state, "mps": lambda _: torch.mps.get_rng_state()}.get(device.type)
    return (torch.get_rng_state(), *([more(device)] if more else []))


def restore_rng(device: torch.device, state: tuple[torch.Tensor, ...]) -> None:
    """Let the CPU and the device draw again what they drew after ``rng_state``."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state[1])


def preserve_rng(device: torch.device) -> AbstractContextManager[None]:
    """Give back the caller's random state, of the CPU and of the device, as it was."""
    return torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type)
