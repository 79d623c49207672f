"""Runs of the works through one server, and whether a sweep is made in full."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compare import differences, fingerprint
from driver import Driver
from works import write_source

FULL = os.environ.get("TRAINWRIGHT_CRASH") == "full"


@dataclass
class Bench:
    """Runs of a work, and what each must come to."""

    driver: Driver
    folder: Path
    counted: dict[str, Any] = field(default_factory=dict)
    whole: dict[str, dict[str, str]] = field(default_factory=dict)

    def source(self, work: str) -> Path:
        """Its data."""
        place = self.folder / work
        return write_source(work, place) if not place.exists() else next(each for each in place.iterdir())

    def fresh(self) -> Path:
        """A run folder that is not there; the one before is gone. All have the same length of path and name."""
        out = self.folder / "run"
        shutil.rmtree(out, ignore_errors=True)
        return out

    def untouched(self, work: str, **job: Any) -> dict[str, str]:
        """The fingerprint of a run that nothing happened to; its phases are in ``counted``."""
        key = f"{work} {sorted(job.items())}"
        if key not in self.whole:
            answer = self.train(work, self.fresh(), **job)
            assert answer["code"] == 0, answer
            self.whole[key], self.counted[work] = fingerprint(self.folder / "run"), answer
        return self.whole[key]

    def train(self, work: str, out: Path, **job: Any) -> dict[str, Any]:
        """Train, or go on where there is anything to go on with."""
        return self.driver("train", work=work, source=self.source(work), out=out, **job)

    def unlike(self, work: str, out: Path, **job: Any) -> list[str]:
        """Go on with no further mishap to the end, and say what is not as in the untouched run."""
        answer = self.train(work, out, **job)
        assert (answer["code"], answer["error"]) == (0, ""), answer
        return differences(self.untouched_kept(work, out, **job), fingerprint(out))

    def untouched_kept(self, work: str, out: Path, **job: Any) -> dict[str, str]:
        """``untouched`` while ``out`` stays."""
        key = f"{work} {sorted(job.items())}"
        assert key in self.whole, "ask for the untouched run first"
        return self.whole[key]
