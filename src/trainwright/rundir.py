"""Every path inside a run folder, and how one comes to be. The folder is the interface: ``train`` writes it, all else reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.errors import error


@dataclass(frozen=True)
class RunDir:
    """A run folder by its path."""

    path: Path

    @property
    def settings(self) -> Path:
        """Resolved settings, complete: enough to repeat the run."""
        return self.path / "settings.toml"

    @property
    def data(self) -> Path:
        """Source, columns, splits, rejected rows, audit."""
        return self.path / "data.json"

    @property
    def events(self) -> Path:
        """One line an event."""
        return self.path / "events.jsonl"

    @property
    def history(self) -> Path:
        """One line an epoch."""
        return self.path / "history.csv"

    @property
    def model(self) -> Path:
        """The bundle."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """Scores."""
        return self.path / "report.json"

    @property
    def plots(self) -> Path:
        """Pictures."""
        return self.path / "plots"


def create(out: Path | None, parent: Path, name: str) -> RunDir:
    """A new, empty run folder: ``out``, or ``parent/<name>-<n>`` with the next free number.

    Raises E401 where ``out`` exists and is not an empty folder, E402 where it cannot be made.
    """
    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()):
                raise error("E401", path=out)
            return RunDir(out)
        parent.mkdir(parents=True, exist_ok=True)
        taken = [int(m[1]) for p in parent.iterdir() if (m := re.fullmatch(re.escape(name) + r"-(\d+)", p.name))]
        number = max(taken, default=0) + 1
        while True:
            try:
                (parent / f"{name}-{number}").mkdir()  # another process may take the number first
                return RunDir(parent / f"{name}-{number}")
            except FileExistsError:
                number += 1
    except FileExistsError:
        raise error("E401", path=out) from None
    except OSError as problem:
        raise error("E402", path=out or parent, problem=problem.strerror or problem) from None


def check_free(out: Path) -> None:
    """Raise E401 before any work is done when ``out`` is taken already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise error("E401", path=out)


def open_run(path: Path) -> RunDir:
    """An existing run folder. Raises E403 where ``path`` is none."""
    run = RunDir(path)
    if not run.settings.is_file():
        raise error("E403", path=path, missing=run.settings.name)
    return run


def is_path(word: str) -> bool:
    """Whether something of that name exists; a word that cannot be a name at all is none."""
    try:
        return bool(word) and Path(word).exists()
    except (OSError, ValueError):
        return False


def slug(name: str) -> str:
    """A folder name from a source's name: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "run"


def runs(parent: Path) -> list[dict[str, Any]]:
    """The runs in a folder, by name: path, model, source, rows, scores (None where a run has no report)."""
    found = []
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        run = RunDir(path)
        if run.settings.is_file():
            try:
                report = json.loads(run.report.read_bytes())
            except (OSError, ValueError):
                report = {}
            found.append({"run": str(path), "report": report})
    return found
