"""The runs that are watched: one folder, or the newest in a folder of runs. Each is known by a word made from its name.

Files are looked at only when somebody asks, and twice a second at most; what is not in the index cannot be asked for.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainwright.live.run import PAGES, Followed
from trainwright.live.tail import modified
from trainwright.plain_files import content
from trainwright.store.run_folder import RunFolder
from trainwright.watch import words

RUNS = 100  # that are followed: the newest
SHOWN = 6  # at once, as many as there are colours to tell them apart
EVERY = 0.45  # seconds between two looks
LARGEST = 32 << 20  # bytes of a page


def is_run(path: Path) -> bool:
    """Return whether a folder is one of a run, of ``train`` or ``fit``."""
    run = RunFolder(path)
    return bool(modified(run.settings) or modified(run.call))


class Index:
    """Runs by their keys, the newest first. ``path`` is a run, or a folder that has or will have runs."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path.resolve(), clock
        self._alone = is_run(self._path)
        self._runs: dict[str, Followed] = {}
        self._looked = float("-inf")

    def _look(self) -> None:
        """Find the runs, and read what is new of each."""
        if self._clock() - self._looked < EVERY:
            return
        there = {_key(path): path for path in self._folders()}
        self._runs = {key: self._runs.get(key) or Followed(path) for key, path in there.items()}
        for run in self._runs.values():
            run.look()
        self._looked = self._clock()

    def _folders(self) -> list[Path]:
        if self._alone:
            return [self._path] if is_run(self._path) else []
        with suppress(OSError), os.scandir(self._path) as entries:  # no links: they lead elsewhere
            found = [Path(each.path) for each in entries if each.is_dir(follow_symlinks=False)]
            return sorted(filter(is_run, found), key=_begun, reverse=True)[:RUNS]
        return []

    def state(self, shown: Iterable[str], seen: str) -> dict[str, Any]:
        """Return the list of runs, and of those shown all there is; only the time where that is what was ``seen``."""
        self._look()
        chosen = [key for key in dict.fromkeys(shown) if key in self._runs][:SHOWN]
        parts = [f"{key}.{run.version}.{run.phase}{'+' * (key in chosen)}" for key, run in self._runs.items()]
        version = hashlib.blake2b("/".join([*parts, *chosen]).encode(), digest_size=8).hexdigest()
        if version == seen:
            return {"now": time.time(), "version": version}
        return {
            "now": time.time(),
            "version": version,
            "folder": words.clip(self._path, 200),
            "alone": self._alone,
            "runs": [{"key": key, **run.summary()} for key, run in self._runs.items()],
            "shown": {key: self._runs[key].detail() for key in chosen},
        }

    def watched(self, key: str) -> dict[str, Any] | None:
        """Return the watched rows of a run with their answers; None for no run."""
        self._look()
        return self._runs[key].watched() if key in self._runs else None

    def page(self, key: str, name: str) -> bytes | None:
        """Return a page of a run: ``report`` or ``story``; None where there is none."""
        self._look()
        if key in self._runs and name in PAGES:
            with suppress(OSError):
                return content(self._runs[key].folder.path / f"{name}.html", LARGEST)
        return None


def _key(path: Path) -> str:
    """Return a word for a run that stays the same while its name does."""
    return hashlib.blake2b(os.fsencode(path.name), digest_size=6).hexdigest()


def _begun(path: Path) -> tuple[float, str]:
    run = RunFolder(path)
    return max(modified(run.settings), modified(run.call)), path.name
