"""What trainings came to, kept one by one in a folder, so that what was stopped goes on with the next one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.errors import error
from trainwright.plain_files import made_sense_of, read_object
from trainwright.run.train import write_json
from trainwright.store import atomic, run_folder
from trainwright.store.run_folder import RunFolder


@dataclass(frozen=True)
class Kept:
    """The trainings that are ``done`` of what is ``asked`` for, and what was asked for ``before``, when they were begun."""

    path: Path  # of a file of JSON
    asked: Mapping[str, Any]
    before: Mapping[str, Any]
    done: list[dict[str, Any]]

    def add(self, training: dict[str, Any]) -> None:
        """Keep one more training. Raise E402."""
        self.done.append(training)
        self.write()

    def write(self, **more: Any) -> None:
        """Write the file, with ``more`` of what they came to together. Raise E402."""
        write_json(self.path, {"asked": self.asked, "trainings": self.done, **more})


@contextmanager
def kept(path: Path, asked: Mapping[str, Any]) -> Iterator[Kept]:
    """Give the trainings in a file, which need not be there, and lock its folder meanwhile.

    What was asked ``before`` is not looked at. Raise E402 where the folder cannot be made, E408 for an unreadable file, E415
    where another process trains for it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise error("E402", path=path.parent, problem=problem.strerror or problem) from None
    asked = json.loads(json.dumps(asked))
    with run_folder.locked(RunFolder(path.parent)):
        atomic.remove_leftovers(path.parent)
        found: dict[str, Any] = {"asked": asked, "trainings": []}
        if path.exists():
            with made_sense_of(path):
                found = read_object(path)
                found = {"asked": dict(found["asked"]), "trainings": [dict(each) for each in found["trainings"]]}
        yield Kept(path, asked, found["asked"], found["trainings"])
