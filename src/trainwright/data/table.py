"""Table: what every reader returns, whatever the file's format. Rows that could not be read are named beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

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
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    has_header: bool = True

    @property
    def columns(self) -> list[str]:
        """Names of the data columns, in file order, without ``ROW``."""
        return [name for name in self.frame.columns if name != ROW]
