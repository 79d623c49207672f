"""One column of a table: what its values are, and why nothing could be learned from them."""

from __future__ import annotations

import re
from functools import cached_property

import polars as pl

from trainwright.data.tables.dtypes import UNCLEAR, Feature, convert, read
from trainwright.data.tables.text_columns import FEW_ROWS, LONGEST_LABEL, TextProfile

_ID = re.compile(r"(?:^|_)(id|ids|idx|index|uid|uuid|guid|key|row|rownum|row_number|nr|no|userid|customerid|unnamed:_\d+)$")


class ColumnProfile(TextProfile):
    """A profile, and what the values were found to be."""

    def __init__(self, name: str, values: pl.Series) -> None:
        super().__init__(name, values)
        self.raw = values.alias("values")  # its own name might be a pattern to polars
        self.reading = read(self.raw)

    @property
    def feature(self) -> Feature:
        """How the column is read; not for one that is unusable."""
        return Feature(self.name, self.reading.kind, self.reading.format)  # type: ignore[arg-type]

    @property
    def constant(self) -> bool:
        return self.distinct == 1 and len(self.values) == len(self.raw)

    def unusable(self) -> str:
        """Why nothing can be made of the values, or an empty string."""
        if self.reading.kind == "empty":
            return "it holds nothing that can be used"
        if self.reading.kind == "unusable":
            return f"its values are of type {self.reading.format}"
        if self.reading.format.startswith(UNCLEAR):
            return f"dates such as {self.texts[0]} do not tell whether day or month comes first; write 2026-01-31"
        return ""

    def identifies(self, nameless: bool) -> bool:
        """Whether it numbers or names the rows: a usual name for that, and all values different."""
        called = _ID.search(_snake(self.name)) or (nameless and self.plain.startswith("column_"))
        if not called or self.distinct < max(len(self.values), 2):
            return False
        if self.reading.kind != "number":
            return self.reading.kind == "category"
        return self.whole

    @cached_property
    def numbers(self) -> pl.Series:
        """Those that are there."""
        return convert(self.raw, Feature(self.name, "number", self.reading.format))[0].drop_nulls()

    @property
    def whole(self) -> bool:
        """Numbers without a fraction."""
        return bool((self.numbers == self.numbers.round()).all())

    def hardly_recurs(self) -> str:
        """Why words cannot be categories, or an empty string."""
        rows = len(self.values)
        if self.distinct > rows / 2 and (self.prose or self.mean_length > LONGEST_LABEL):
            return "free text"
        if self.distinct == rows and rows > 1:
            return "every value is different"
        if self.distinct > rows / 2 and rows >= FEW_ROWS:
            return f"{self.distinct:,} of its {rows:,} values are different, so too few recur"
        return ""


def _snake(name: str) -> str:
    """``PassengerId`` as ``passenger_id``."""
    return "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).casefold().replace("-", " ").split())
