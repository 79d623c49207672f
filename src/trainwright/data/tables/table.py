"""Table: what every reader returns, whatever the file's format. Rows that could not be read are named beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from trainwright.watch.events import Note

if TYPE_CHECKING:
    import polars as pl

    from trainwright.data.tables.profile import ColumnProfile

ROW = "__row__"  # reserved column: the record's number in its file
MOST_COLUMNS = 30_000  # each takes milliseconds to look at; tables of genes have 20,000


@dataclass(frozen=True, slots=True)  # there may be millions
class Rejected:
    """One record that was left out.

    ``row`` is its number in the file: from 1 on, a header counted (CSV); the line (jsonl, fastText); 0 in a folder of files.
    """

    file: str
    row: int
    reason: str


@dataclass
class Table:
    """A file's records: the columns as read, plus the column ``ROW`` (Int64), the record's number in its file.

    Columns of CSV, TSV and fastText files are String, null where a field is empty; others keep their own scalar types.
    """

    frame: pl.DataFrame
    file: str  # the path as the person gave it, for messages
    rejected: list[Rejected] = field(default_factory=list)  # the records that could not be read, in file order
    notes: list[Note] = field(default_factory=list)
    has_header: bool = True  # whether the column names come from the file (else they are column_1, column_2, ...)

    @property
    def columns(self) -> list[str]:
        """Return the names of the data columns, in file order, without ``ROW``."""
        return [name for name in self.frame.columns if name != ROW]

    @cached_property
    def profiles(self) -> dict[str, ColumnProfile]:
        """Return what is known of each data column."""
        from trainwright.data.tables.profile import ColumnProfile

        return {name: ColumnProfile(name, self.frame[name]) for name in self.columns}


def without(table: Table, *names: str) -> Table:
    """Return a table as if it had no such columns: for choosing others."""
    kept = [each for each in table.frame if each.name not in names]  # by hand, as a name might be a pattern
    if len(kept) == len(table.frame.columns):
        return table
    import polars as pl

    return replace(table, frame=pl.DataFrame(kept))


@dataclass(frozen=True)
class TableStream:
    """A file's records as tables that come one after the other, so that no more than one has to be in memory.

    ``head`` is the first; ``rest`` gives the others, anew whenever it is called.
    """

    head: Table
    rest: Callable[[], Iterator[Table]] = lambda: iter(())

    def tables(self) -> Iterator[Table]:
        """Yield all tables."""
        yield self.head
        yield from self.rest()

    def whole(self) -> Table:
        """Return all records as one table."""
        import polars as pl

        tables = list(self.tables())
        if len(tables) == 1:
            return self.head
        rejected = [each for table in tables for each in table.rejected]
        return replace(self.head, frame=pl.concat([table.frame for table in tables]), rejected=rejected)
