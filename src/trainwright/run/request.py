"""What a person asks of ``train``, and what of it may change when the run is resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trainwright.data.files.folders import printable
from trainwright.data.files.virtual import is_data
from trainwright.errors import error

# What may be another when a run goes on; the last three change how the work is done, not which.
FREE_ON_RESUME = (
    "choose",
    "epochs",
    "steps",
    "time",
    "patience",
    "checkpoint_every",
    "on_nonfinite",
    "device",
    "threads",
    "workers",
)

IN_MEMORY = "data in memory"  # what the source of a run is called that no file holds


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
    held: dict[str, Any] = field(default_factory=dict)  # data in memory, by split
    fix: Path | None = None  # a table of corrected labels

    @classmethod
    def of(
        cls, source: Any, valid: Any, test: Any, recipe: str, start: Path | None, out: Path | None, runs: Path, offline: bool,
        settings: dict[str, Any], fix: Path | None = None,
    ) -> Request:  # fmt: skip
        """Return the request, of which each of the first three may be a path or data. Raise E169 and E276."""
        held = {part: given for part, given in (("valid", valid), ("test", test)) if is_data(given)}
        paths = [None if each is None or is_data(each) else Path(each) for each in (valid, test)]
        if is_data(source):
            from trainwright.data.read.frames import by_split  # who names a file has no use for it

            held, source = by_split(source) | held, IN_MEMORY
            if "train" not in held:
                raise error("E276", why="none of its splits is called train")
        for each in (str(source), *paths, recipe, start, out, runs, fix, Path.cwd()):
            refuse_bytes(each)
        return cls(str(source), paths[0], paths[1], recipe, start, out, runs, offline, settings, held, fix)

    def origin(self) -> dict[str, Any]:
        """Return what a person would have to say again to repeat the run, and the versions it was made by."""
        named: dict[str, Any] = {
            "held": ", ".join(self.held),
            "valid": self.valid,
            "test": self.test,
            "recipe": self.recipe or None,
            "from": self.start,
            "fix": self.fix,
        }
        versions = {name: version(name) for name in ("trainwright", "torch")}
        return {"source": self.source} | {key: str(value) for key, value in named.items() if value} | versions

    def said(self) -> str:
        """Return the settings that were given, but for those that may change, to know the same words again."""
        return json.dumps({key: self.settings[key] for key in sorted(self.settings) if key not in FREE_ON_RESUME}, default=str)


def refuse_bytes(path: object) -> None:
    """Raise E169 for a name that is not UTF-8: the settings of a run, which are UTF-8, could not name it."""
    if not str(path).isascii() and printable(str(path)) != str(path):
        raise error("E169", what=f"'{path}'", why="it is not written in UTF-8")
