"""The encoder of labels as class numbers, learned from the training split only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.tables.spelling import fold, spellings, tidy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class LabelEncoder:
    """The classes, in a fixed order: by number where all are numbers, else by name.

    ``merged``: labels that differ only as people type (``tables.spelling``) are one class.
    """

    names: tuple[str, ...]
    merged: bool = False

    @classmethod
    def fit(cls, labels: pl.Series, merged: bool = False) -> LabelEncoder:
        """Learn the distinct labels of the training split."""
        import polars as pl

        names = sorted(labels.unique().to_list())
        numbers = pl.Series(names, dtype=pl.String).cast(pl.Float64, strict=False)
        numeric = numbers.null_count() == 0 and bool(numbers.is_finite().all())
        # beyond 2**53 several whole numbers are one float, so digits decide
        return cls(tuple(sorted(names, key=lambda name: (float(name), len(name))) if numeric else names), merged)

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Return class numbers, int64, shape (rows,); -1 for a label that training did not have."""
        import polars as pl

        known = pl.Enum(list(self.names))
        text = tidy(labels)
        codes = text.cast(known, strict=False)
        if codes.null_count() > text.null_count() and (others := spellings(self.names, self.merged)):
            words = text.filter(codes.is_null()).drop_nulls().unique().to_list()
            codes = text.replace({word: others.get(fold(word), word) for word in words}).cast(known, strict=False)
        return codes.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
