"""What the last bits of numbers depend on, beside data and settings."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from trainwright.watch.events import Note

LIBRARIES = ("trainwright", "torch", "numpy", "polars")
ROOMS = ("config", "data", "evaluation", "models", "run", "tasks", "training")  # of the package, that shape a training
INEXACT = "the last bits of numbers may differ from an untouched run"


@cache
def version(package: str) -> str:
    """Return the version of an installed package; to read it takes longer than a small network trains."""
    return metadata.version(package)


@cache
def code_digest() -> str:
    """Return a digest of the code that shapes a training, which may change while the version does not."""
    digest = hashlib.blake2b(digest_size=6)
    package = Path(__file__).parents[1]
    for path in sorted(path for room in ROOMS for path in (package / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def environment(device: torch.device, threads: int) -> dict[str, Any]:
    """Return device, processor, threads and versions, as JSON."""
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    found = {"device": device.type, "processor": processor, "threads": threads, "python": platform.python_version()}
    return found | {name: version(name) for name in LIBRARIES} | {"code": code_digest()}


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[Note]:
    """Return a note on each entry of two environments that is not as it was. Earlier versions did not know all of them."""
    changed = {key: value for key, value in now.items() if before.get(key, value) != value}
    return [Note(key, f"{before[key]} before, {value} now", INEXACT) for key, value in changed.items()]
