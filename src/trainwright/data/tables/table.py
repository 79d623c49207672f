"""Table: what every reader returns, whatever the file's format. Rows that could not be read are named beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trainwright.data.tables.declared import Declarations
from trainwright.watch.events import Note

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from trainwright.data.tables.profile import ColumnProfile

ROW = "__row__"  # reserved column: the record's number in its file
MOST_COLUMNS = 30_000  # each takes milliseconds to look at; tables of genes have 20,000


SHARD = 40  # bits of a number in ``ROW`` that are the record's number in its own file; those above say which file
NUMBER = (1 << SHARD) - 1


class Shards(str):
    """The path of a table that lies in several files, as a person gave it; the ``files`` are known by their places."""

    files: tuple[str, ...]

    def __new__(cls, path: str, files: tuple[str, ...]) -> Shards:
        """Make the path, with its files."""
        made = super().__new__(cls, path)
        made.files = files
        return made


def table_name(path: str, files: Sequence[str]) -> str:
    """Return the path of a table that lies in these files."""
    return path if len(files) == 1 else Shards(path, tuple(files))


def files_of(file: str) -> tuple[str, ...]:
    """Return the files that a table lies in."""
    return file.files if isinstance(file, Shards) else (file,)


def spot(file: str, row: int) -> tuple[str, int]:
    """Return the file of a record, and its number there."""
    return files_of(file)[row >> SHARD], row & NUMBER


def places(file: str, rows: np.ndarray) -> dict[str, Any]:
    """Return the columns ``file`` and ``row`` of records, by their numbers in ``ROW``."""
    import polars as pl

    if not isinstance(file, Shards):
        return {"file": pl.repeat(file, len(rows), dtype=pl.String, eager=True), "row": rows}
    return {"file": pl.Series(file.files, dtype=pl.String).gather(rows >> SHARD), "row": rows & NUMBER}


@dataclass(frozen=True, slots=True)  # there may be millions
class Rejected:
    """One record that was left out.

    ``row`` is its number in the file: from 1 on, a header counted (CSV); the line (jsonl, fastText); 0 in a folder of files.
    """

    file: str
    row: int
    reason: str

    def __post_init__(self) -> None:
        """Name the file that the record is in, where a table has several."""
        if isinstance(self.file, Shards):
            file, row = spot(self.file, self.row)
            object.__setattr__(self, "file", file)
            object.__setattr__(self, "row", row)


@dataclass
class Table:
    """A file's records: the columns as read, plus the column ``ROW`` (Int64), the record's number in its file (see ``SHARD``).

    Columns of CSV, TSV and fastText files are String, null where a field is empty; others keep their own scalar types.
    """

    frame: pl.DataFrame
    file: str  # the path as the person gave it, for messages
    rejected: list[Rejected] = field(default_factory=list)  # the records that could not be read, in file order
    notes: list[Note] = field(default_factory=list)
    has_header: bool = True  # whether the column names come from the file (else they are column_1, column_2, ...)
    encoding: str = "utf-8"  # of the file; empty for a binary format
    ragged: int = 0  # where further labels stood behind the last column and are in it: how many fields a row with one had
    declared: Declarations = field(default_factory=Declarations)

    def __post_init__(self) -> None:
        """Take spans of time as seconds."""
        import polars as pl

        if spans := [name for name, kind in self.frame.schema.items() if isinstance(kind, pl.Duration)]:
            columns = [self.frame[name] for name in self.frame.columns]  # by hand, as a name might be a pattern to polars
            spanned = [each.dt.total_microseconds() / 1e6 if each.name in spans else each for each in columns]
            self.frame = pl.DataFrame(spanned)
            self.notes = [*self.notes, Note("seconds", ", ".join(spans), "spans of time are read as their seconds")]

    @property
    def columns(self) -> list[str]:
        """Return the names of the data columns, in file order, without ``ROW``."""
        return [name for name in self.frame.columns if name != ROW]

    def declared_as(self, kind: str) -> tuple[str, ...]:
        """Return the columns that a person said to be of a kind."""
        return tuple(name for name, each in self.declared.kinds.items() if each == kind)

    def without(self, *names: str) -> Table:
        """Return the table without these columns, where it has them."""
        kept = [each for each in self.frame if each.name not in names]  # by hand, as a name might be a pattern to polars
        return self if len(kept) == self.frame.width else replace(self, frame=type(self.frame)(kept))

    @cached_property
    def profiles(self) -> dict[str, ColumnProfile]:
        """Return what is known of each data column."""
        from trainwright.data.tables import plain_numbers
        from trainwright.data.tables.profile import ColumnProfile

        columns = [column for column in self.frame if column.name != ROW]
        told = plain_numbers.told(columns)
        return {
            each.name: ColumnProfile(each.name, each, self.declared, plain) for each, plain in zip(columns, told, strict=True)
        }


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
        return replace(self.head, frame=pl.concat([table.frame for table in tables], how="vertical_relaxed"), rejected=rejected)
