"""What all choices of columns share: names that are given, the label, and asking back with an example of every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import polars as pl

from trainwright.data.tables.declared import Declarations
from trainwright.data.tables.label_form import Target
from trainwright.data.tables.profile import ColumnProfile
from trainwright.data.tables.table import Table
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.watch.events import Note

LEFT_OUT = "column left out"  # what a note says of a column that no reader can make anything of


class ColumnChoice:
    """A choice of columns, with the codes for one named twice, one that is the label too, and no single best label."""

    TWICE: ClassVar[str]
    BOTH: ClassVar[str]
    UNCLEAR: ClassVar[str]

    def __init__(self, table: Table) -> None:
        self.table, self.columns, self.notes = table, table.profiles, list[Note]()

    def candidates(self, rest: list[ColumnProfile]) -> tuple[list[ColumnProfile], str]:
        """Return the columns that could be the label, and why; without one, why there is none."""
        raise NotImplementedError

    def given(self, names: Sequence[str], label: str, need_label: bool) -> tuple[tuple[str, ...], str | None]:
        """Return the columns of the names, and the label: as given or chosen, None where it is missing and not needed."""
        given = self.named(names)
        chosen = self.label(given, label, need_label)
        if chosen in given:
            raise error(self.BOTH, name=chosen, path=self.table.file)
        return given, chosen

    def named(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of the names."""
        given = tuple(column_of(self.table, name) for name in ((names,) if isinstance(names, str) else names))
        if twice := [name for name in given if given.count(name) > 1]:
            raise error(self.TWICE, name=twice[0], where=self.table.file)
        for name in given:
            if self.columns[name].declared == "ignore":
                raise error("E226", name=name, kind="ignore", key="text" if self.TWICE == "E206" else "features", value=name)
        return given

    def label(self, taken: tuple[str, ...], label: str, need_label: bool) -> str | None:
        """Return the column of the label, which is none of those ``taken`` unless it is given."""
        if label:
            absent = label not in self.columns and f"column_{label}" not in self.columns
            return None if absent and not need_label else column_of(self.table, label)
        rest = [column for name, column in self.columns.items() if name not in taken and column.may_be_target]
        found, why = self.candidates(rest)
        if len(found) == 1:
            self.notes.append(Note("label", found[0].name, why))
            return found[0].name
        if need_label:
            flags = ",".join(column.name for column in found if column.is_flag)
            hint = f"All, if each is a label that a row has (1) or has not (0): label={flags}." if "," in flags else ""
            if not found and any(column.reading.kind == "number" and not column.called_id for column in rest):
                hint = "To predict a number: target=number."
            raise self.unclear(self.UNCLEAR, why=equal(found) if found else why, hint=hint)
        return None

    def one_of_equals(self, found: list[ColumnProfile]) -> list[ColumnProfile]:
        """Return the first column alone, where the others say the same in other words (a class's number and its name)."""
        return found[:1] if all(same(self.table.frame, found[0].name, other.name) for other in found[1:]) else found

    def rare(self, column: ColumnProfile) -> TrainwrightError:
        """Return E205: nearly every value of the label is different."""
        hint = "To predict its numbers, write target=number." if column.reading.kind == "number" else ""
        return self.unclear("E205", hint, name=column.name, distinct=f"{column.distinct:,}", count=f"{column.count:,}")

    def unclear(self, code: str, hint: str = "", **facts: str) -> TrainwrightError:
        """Return an error that shows every column with its first value, for a person to choose from."""
        shown = [f"{column.name} (such as {_example(column)})" for column in self.columns.values()]
        return error(code, path=self.table.file, columns=shown, hint=hint, **facts)


def column_of(table: Table, name: str) -> str:
    """Return the column of a name or, in a file without names, of a number from 1. Raise E201, and E282 for one left out."""
    if name in table.columns:
        return name
    if not table.has_header and f"column_{name}" in table.columns:
        return f"column_{name}"
    refuse_left_out(table, name)
    raise error("E201", name=name, path=table.file, columns=table.columns, hint=nearest(name, table.columns))


def refuse_unfit(table: Table, name: str, role: str, key: str, images: bool = False) -> None:
    """Raise E243 where a column that is to be ``role`` holds lists, or images where these cannot be it."""
    column = table.profiles[name]
    if column.is_list or (column.is_binary and not images):
        why = "it holds images" if column.is_binary else "its cells hold lists"
        raise error("E243", name=name, path=table.file, role=role, why=why, key=key)


def refuse_left_out(table: Table, name: str) -> None:
    """Raise E282 for a column that is there, but of which the reader could make nothing."""
    for note in table.notes:
        if (note.what, note.value) == (LEFT_OUT, name):
            raise error("E282", name=name, path=table.file, why=note.why, columns=table.columns)


def declare(table: Table, kinds: Mapping[str, str], decimal: str | None = None, dates: str | None = None) -> Table:
    """Return the table with what a person said of how it is read. Raise E201 for a column that is not there, and E282."""
    absent = {note.value for note in table.notes if note.what == LEFT_OUT}  # which cannot be ignored any further
    kinds = {name: kind for name, kind in kinds.items() if kind != "ignore" or name not in absent}
    said = Declarations({column_of(table, name): kind for name, kind in kinds.items()}, decimal or "", dates or "")
    return replace(table, declared=said) if said != table.declared else table


def declared_target(table: Table, label: str, target: Target | None) -> Target | None:
    """Return what the label is: as it was said of its column, else ``target``. Raise E226 where both are said and differ."""
    said: Target | None = {"category": "class", "number": "number"}.get(table.declared.kinds.get(label, ""))  # type: ignore[assignment]
    if said and target not in (None, said):
        raise error("E226", name=label, kind=table.declared.kinds[label], key="target", value=target)
    return said or target


def same(frame: pl.DataFrame, one: str, other: str) -> bool:
    """Return whether each value of one column always stands beside the same value of the other."""
    both = pl.DataFrame([frame[one], frame[other]])  # by hand, as a name might be a pattern to select
    return both.n_unique() == both[one].n_unique() == both[other].n_unique()


def equal(found: list[ColumnProfile]) -> str:
    """Return the names of columns that fit equally well, as a reason to ask."""
    names = ", ".join(f"'{column.name}'" for column in found)
    return f"{names} fit equally well"


def _example(column: ColumnProfile) -> str:
    if not column.count:
        return "nothing"
    value = " ".join(column.head[0].split())
    return repr(value if len(value) <= 40 else value[:37] + "...")
