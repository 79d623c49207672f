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

    ``row`` is the record's number in its file as a spreadsheet would count it: the first record is 1, and a header
    line counts as a record. For line formats (jsonl, fastText) it is the line number; for parquet, 1 + index; for
    a folder of files, 0.
    """

    file: str
    row: int
    reason: str


@dataclass
class Table:
    """A file's records.

    Attributes:
        frame: the columns as read, plus the column ``ROW`` (Int64), the record's number in its file.
            Columns of CSV, TSV and fastText files are all String (nulls where a field is empty or missing);
            JSON and Parquet keep their own scalar types.
        file: the path as the person gave it, for messages.
        rejected: the records that could not be read, in file order.
        notes: what was found out about the file, and why: ``("format", "csv", "by its extension")``.
        has_header: whether the column names come from the file (else they are column_1, column_2, ...).
    """

    frame: pl.DataFrame
    file: str
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    has_header: bool = True

    @property
    def columns(self) -> list[str]:
        """Names of the data columns, in file order, without ``ROW``."""
        return [name for name in self.frame.columns if name != ROW]

    @cached_property
    def profiles(self) -> dict[str, ColumnProfile]:
        """Return what is known of each data column, for everyone who asks: nothing is worked out twice."""
        from trainwright.data.tables.profile import ColumnProfile

        return {name: ColumnProfile(name, self.frame[name]) for name in self.columns}


@dataclass(frozen=True)
class TableStream:
    """A file's records as tables that come one after the other, so that no more than one has to be in memory.

    Attributes:
        head: the first of them; the only one of a file that is not large.
        rest: gives the others, anew whenever it is called; their columns are those of the head.
    """

    head: Table
    rest: Callable[[], Iterator[Table]] = lambda: iter(())

    def tables(self) -> Iterator[Table]:
        """All of them."""
        yield self.head
        yield from self.rest()

    def whole(self) -> Table:
        """All records as one table."""
        import polars as pl

        tables = list(self.tables())
        if len(tables) == 1:
            return self.head
        rejected = [each for table in tables for each in table.rejected]
        return replace(self.head, frame=pl.concat([table.frame for table in tables]), rejected=rejected)
