"""What every kind of problem hands to the verbs: encoded splits, what was found out on the way, and a way to make batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainwright.data.ragged import Ragged
from trainwright.watch.events import Note


@dataclass(frozen=True)
class Split:
    """One split, encoded.

    Attributes:
        texts: token rows.
        targets: class numbers, int64, shape (rows,).
        rows: the record's number in its file, int64, shape (rows,).
        file: that file.
    """

    texts: Ragged
    targets: np.ndarray
    rows: np.ndarray
    file: str

    def __len__(self) -> int:
        return len(self.targets)


@dataclass
class Timer:
    """Seconds by phase: import, read, encode, train, evaluate, save."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, phase: str, seconds: float) -> None:
        """Count ``seconds`` towards ``phase``."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds


def notes(entries: Any) -> list[Note]:
    """(what, value, why) triples as events."""
    return [Note(str(what), str(value), str(why)) for what, value, why in entries]
