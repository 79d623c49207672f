"""The encoder of labels as class numbers, learned from the training split only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class LabelEncoder:
    """The classes, in a fixed order: by number where all are numbers, else by name."""

    names: tuple[str, ...]

    @classmethod
    def fit(cls, labels: pl.Series) -> LabelEncoder:
        """Learn the distinct labels of the training split."""
        import polars as pl

        names = sorted(labels.unique().to_list())
        numbers = pl.Series(names, dtype=pl.String).cast(pl.Float64, strict=False)
        numeric = numbers.null_count() == 0 and bool(numbers.is_finite().all())
        return cls(tuple(sorted(names, key=float) if numeric else names))  # a stable sort: 1 and 1.0 keep their order

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Return class numbers, int64, shape (rows,); -1 for a label that training did not have."""
        import polars as pl

        codes = labels.cast(pl.Enum(list(self.names)), strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(-1).to_numpy()
