"""What a case is made of: a place, systems that take part, targets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = "{out}"  # in a command: a folder that is new for each run


@dataclass(frozen=True)
class Place:
    """Where a benchmark runs: real data, a folder for what is made, the Python of the peers, and whether it is a small form."""

    data: Path
    scratch: Path
    peers: str
    small: bool
    run: Callable[[list[str]], None]  # a command that is not measured

    def peer(self, program: str, *words: object) -> list[str]:
        """The command of a peer's program."""
        return [self.peers, str(HERE / "peers" / f"{program}.py"), *map(str, words)]

    def ours(self, program: str, *words: object) -> list[str]:
        """The command of a program of ``ours/``."""
        return [sys.executable, str(HERE / "ours" / f"{program}.py"), *map(str, words)]

    def made(self, kind: str, name: str, *words: object) -> Path:
        """A file or folder of made data, made once."""
        path = self.scratch / name
        if not path.exists():
            self.run([sys.executable, str(HERE / "made.py"), kind, str(path), *map(str, words)])
        return path


def trainwright(*words: object) -> list[str]:
    """A command of ours, as a person types it."""
    return [sys.executable, "-m", "trainwright", *map(str, words)]


def train(source: object, *words: object) -> list[str]:
    """``trainwright train`` into a new folder."""
    return trainwright("train", source, *words, "--json", "--out", f"{OUT}/run")


@dataclass(frozen=True)
class Target:
    """``measure`` of ``system`` (the first one of the case where empty) is at most (or ``at_least``) ``limit``.

    With ``against`` the limit is one of the ratio to the best median of those systems.
    """

    measure: str
    limit: float
    at_least: bool = False
    against: tuple[str, ...] = ()
    system: str = ""

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        limit = f"{self.limit / 2**30:g} GiB" if self.measure == "memory" and not self.against else f"{self.limit:.4g}"
        best = self.against[0] if len(self.against) == 1 else f"the best of {', '.join(self.against)}"
        return f"{self.system}{': ' * bool(self.system)}{self.measure} {sign} {limit}" + (f" x {best}" if self.against else "")


@dataclass(frozen=True)
class Case:
    """What is timed, who takes part (name to command; ours first), and what is hoped for."""

    name: str
    what: str
    systems: Callable[[Place], dict[str, list[str]]]
    targets: tuple[Target, ...]
    data: tuple[str, ...] = ()  # folders of real data
    long: bool = False
    gpu: bool = False  # measured on the GPU too, where there is one
    reach: float = 0.0  # who ends below this accuracy is not compared with
    count: tuple[int, str, str] = (0, "", "")  # so many units of work, their name, and the phase that does them

    def skipped(self, data: Path, long: bool) -> str:
        """Why it cannot be run; empty where it can."""
        for folder in self.data:
            if not (data / folder).is_dir():
                return f"TRAINWRIGHT_TEST_DATA names no folder with {folder}/"
        return "it takes long; --long runs it" if self.long and not long else ""
