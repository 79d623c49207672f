"""What a person asks of ``train``, and what of it may change when the run is resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

# What may be another when a run goes on; the last three change how the work is done, not which.
FREE_ON_RESUME = ("epochs", "steps", "time", "patience", "checkpoint_every", "on_nonfinite", "device", "threads", "workers")


@dataclass(frozen=True)
class Request:
    """What was asked of ``train``: the source, files of splits, a recipe, a run to go on from, where to; and settings."""

    source: str
    valid: Path | None
    test: Path | None
    recipe: str
    start: Path | None
    out: Path | None
    runs: Path
    offline: bool
    settings: dict[str, Any]

    def origin(self) -> dict[str, Any]:
        """Return what a person would have to say again to repeat the run, and the versions it was made by."""
        named = {"valid": self.valid, "test": self.test, "recipe": self.recipe or None, "from": self.start}
        versions = {name: version(name) for name in ("trainwright", "torch")}
        return {"source": self.source} | {key: str(value) for key, value in named.items() if value} | versions

    def said(self) -> str:
        """Return the settings that were given, but for those that may change, to know the same words again."""
        return json.dumps({key: self.settings[key] for key in sorted(self.settings) if key not in FREE_ON_RESUME}, default=str)
