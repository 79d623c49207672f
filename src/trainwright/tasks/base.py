"""What every kind of problem hands to training and evaluation: encoded splits that know where their rows came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainwright.data.ragged import Ragged


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
