"""What the rows of a data set are parts of: groups that a column says, and rows of equal content."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.tables.groups import find_group
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.table import Table
from trainwright.evaluation.intervals import Units


@dataclass(frozen=True)
class Grouping:
    """The column whose values are groups: by which the split is cut (``given``), or that looks like it and may be learned."""

    column: str = ""
    given: bool = False
    learned: bool = False

    def kept(self) -> dict[str, str]:
        """Return what the columns of a bundle say of it."""
        return {"group": self.column} if self.given else {}

    def of(self, frame: pl.DataFrame) -> dict[str, pl.Series]:
        """Return the group of each row of a table, null where there is none; nothing for a table without the column."""
        return {"group": tidy(frame[self.column])} if self.column in frame.columns else {}


NO_GROUPS = Grouping()


def grouping(
    settings: Settings, table: Table | None, used: Collection[str], label: str | None, learned: Collection[str] = ()
) -> Grouping:
    """Return the column of the groups: as given, else one that looks like it and is not ``used`` for something else."""
    how, _, column = (settings.split or "").partition(":")
    if how == "group":
        return Grouping(column, given=True)
    found = find_group(table, {*used, column, settings.sample_weight}, label, learned) if table is not None else ""
    return Grouping(found, learned=found in learned)


def units_of(content: pl.Series, group: pl.Series | None, column: str) -> Units | None:
    """Return what rows are parts of: groups, or rows of equal ``content``; None where every row is by itself.

    ``content`` is text, or a digest of it (UInt64). A row without a group is of one with those of its content.
    """
    digest = content if content.dtype == pl.UInt64 else content.hash()
    keys = digest if group is None else digest.zip_with(group.is_null(), group.hash())
    if not keys.is_duplicated().any():
        return None
    _, first, codes = np.unique(keys.to_numpy(), return_index=True, return_inverse=True)
    order = first.argsort().argsort()  # by their first rows, whatever their hashes are
    return Units(order[codes].astype(np.int64), "" if group is None else column)
