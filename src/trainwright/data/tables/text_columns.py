"""Which columns are the text and which is the label: as named; else by usual names; else by what stands in them.

Promises: a name that is given is taken or refused, never overridden; what is derived is explained.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from trainwright.data.tables.column_choice import ColumnChoice, declared_target, equal
from trainwright.data.tables.column_names import BODY_NAMES, LABEL_NAMES, TITLE_NAMES
from trainwright.data.tables.label_form import Target, form_of, several
from trainwright.data.tables.profile import ColumnProfile
from trainwright.data.tables.table import Table
from trainwright.errors import error
from trainwright.watch.events import Note

SHOWN = 10  # columns named in a note


@dataclass(frozen=True)
class TextSchema:
    """The chosen columns; several texts are meant to be joined in this order, of several labels each has 0 or 1."""

    text: tuple[str, ...]
    labels: tuple[str, ...]
    notes: list[Note] = field(default_factory=list)

    @property
    def label(self) -> str | None:
        """Return the column of the label; None where there is none, or several."""
        return self.labels[0] if len(self.labels) == 1 else None


def choose_columns(
    table: Table, text: Sequence[str] = (), label: str = "", need_label: bool = True, target: Target | None = None
) -> TextSchema:
    """Choose text and label columns. Columns without names are called column_1, column_2, ... or just 1, 2, ...

    With ``need_label=False`` (predicting) a label column is kept apart from the text where there is one. ``label`` may name
    several columns, with commas between.

    Raise E201 for a name that no column has, E202 for no single best label, E203 for no such text, E204 for the same column
    for both, E205 for a label whose values hardly recur, E206 for a text column named twice.
    """
    choice = _Choice(table)
    choice.target = target
    if flags := several(table, label):
        given = choice.named(text)
        if both := [name for name in flags if name in given]:
            raise error("E204", name=both[0], path=table.file)
        return TextSchema(given or choice.text(flags), flags, choice.notes)
    given, chosen = choice.given(text, label, need_label)
    labels = () if chosen is None else (chosen,)
    return TextSchema(given or choice.text(labels), labels, choice.notes)


class _Choice(ColumnChoice):
    """The choice of text and label."""

    TWICE, BOTH, UNCLEAR = "E206", "E204", "E202"
    target: Target | None = None

    def label(self, taken: tuple[str, ...], label: str, need_label: bool) -> str | None:
        """Return the column of the label. Raise E205 where nearly every value of it is different."""
        found = super().label(taken, label, need_label)
        if found is None or not need_label or self.columns[found].recurs:
            return found
        target = declared_target(self.table, found, self.target)
        if target in (None, "class"):
            form, _ = form_of(self.table, [found], target)
            measured = form.target == "number" and (not self.columns[found].whole or self.columns[found].is_quantity)
            if form.target != "labels" and form.written != "object" and not measured:
                raise self.rare(self.columns[found])
        return found

    def candidates(self, rest: list[ColumnProfile]) -> tuple[list[ColumnProfile], str]:
        """Return the columns of a usual name; else those that hold few values which recur."""
        for names in LABEL_NAMES:
            if found := [column for column in rest if column.plain in names]:
                return self.one_of_equals(found), "a usual name for it"
        if self.target == "number":
            found = [column for column in rest if column.reading.kind == "number" and not (column.called_id or column.is_split)]
            return found, "the only column of numbers" if found else "no column holds numbers"
        reserved = {*TITLE_NAMES, *BODY_NAMES}
        found = [column for column in rest if column.may_be_label and column.plain not in reserved]
        if not found and (found := [column for column in rest if column.is_quantity]):
            return found, "numbers with a fraction or a unit, and no column has few values that recur"
        if not found:
            return [], "no column has few values that recur"
        return self.one_of_equals(found), f"{found[0].distinct} short values that recur"

    def text(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of the text, by their names or else by what is in them. Raise E203 where several would do."""
        rest = [column for name, column in self.columns.items() if name not in labels and column.readable]
        found, why = self.text_by_name(rest) or self.text_by_content(rest)
        names = tuple(column.name for column in found)
        self.notes.append(Note("text", " + ".join(names), why))
        return names

    def text_by_name(self, rest: list[ColumnProfile]) -> tuple[list[ColumnProfile], str] | None:
        """Return a title, and the text that it stands above."""
        titles = [column for column in rest if column.plain in TITLE_NAMES][:1]
        bodies = [column for column in rest if column.plain in BODY_NAMES]
        exact = [column for column in bodies if column.plain == "text"]
        if len(bodies) > 1 and len(exact) != 1:
            raise self.unclear("E203", why=equal(bodies))
        found = titles + (exact or bodies)
        return (found, "usual names for it" if len(found) > 1 else "a usual name for it") if found else None

    def text_by_content(self, rest: list[ColumnProfile]) -> tuple[list[ColumnProfile], str]:
        """Return the one column of prose; of a file without names two, like a title and its text."""
        if len(rest) == 1:
            return rest, "the only column that can be text"
        prose = [column for column in rest if column.prose]
        if len(prose) == 1:
            return prose, f"different values of several words, {prose[0].mean_length:.0f} characters on average"
        if len(prose) == 2 and not self.table.has_header and prose[0].mean_length < prose[1].mean_length:
            return prose, "without names, but like a title and its description"
        raise self.unclear("E203", why=equal(prose) if prose else "no column holds text of several words")


def left_out(table: Table, used: Collection[str | None], why: str) -> list[Note]:
    """Return a note on the columns that are not among the used ones; none where all are used."""
    names = [name for name in table.columns if name not in used]
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return [Note("left out", shown, why)] if names else []


def join_text(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """Return the text columns as one, a newline between them, empty ones left out."""
    # by number, as a name might be a pattern to polars
    parts = [frame[name].alias(str(place)).cast(pl.String) for place, name in enumerate(columns)]
    if len(parts) == 1:
        return parts[0].fill_null("")
    return pl.DataFrame(parts).select(pl.concat_str(pl.all().replace("", None), separator="\n", ignore_nulls=True)).to_series()
