"""What the last bits of numbers depend on, beside data and settings."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import Any

import torch

from trainwright.watch.events import Note

LIBRARIES = ("trainwright", "torch", "numpy", "polars")
INEXACT = "the last bits of numbers may differ from an untouched run"


@cache
def version(package: str) -> str:
    """Return the version of an installed package; to read it takes longer than a small network trains."""
    return metadata.version(package)


def environment(device: torch.device, threads: int) -> dict[str, Any]:
    """Return device, processor, threads and versions, as JSON."""
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    found = {"device": device.type, "processor": processor, "threads": threads, "python": platform.python_version()}
    return found | {name: version(name) for name in LIBRARIES}


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[Note]:
    """Return a note on each entry of two environments that is not as it was."""
    changed = {key: value for key, value in now.items() if before.get(key) != value}
    return [Note(key, f"{before.get(key)} before, {value} now", INEXACT) for key, value in changed.items()]
