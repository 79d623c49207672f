"""Which column of a table is predicted and which ones it is learned from: as named; else by names and by what is in them.

Promises: a name that is given is taken or refused, never overridden; every column that is left out is named with the
reason; where two answers are as good as each other the person is asked, with an example of every column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import polars as pl

from trainwright.data.tables import leaks
from trainwright.data.tables.column_choice import ColumnChoice, declared_target
from trainwright.data.tables.column_names import LABEL_NAMES, TARGET_NAMES
from trainwright.data.tables.dtypes import SENSE, UNCLEAR, Feature
from trainwright.data.tables.label_form import LabelForm, Target, derived_target, form_of, several
from trainwright.data.tables.profile import FREE_TEXT, ColumnProfile, decimal_marks, settle_mark
from trainwright.data.tables.table import Table
from trainwright.errors import error
from trainwright.watch.events import Note

_WORDS = {  # what the features of each kind are called, and why they are of it
    "number": ("numbers", "their values are numbers"),
    "boolean": ("yes or no", "two words for true and false"),
    "date": ("dates", "become years, and month, weekday and hour on a circle"),
    "category": ("categories", "words that recur"),
    "text": ("texts", "free text: what its words tell is learned"),
}


@dataclass(frozen=True)
class TableSchema:
    """The chosen columns. ``written`` is how the label's column is read; None where no label is needed. Of several labels a row
    ``labels`` says that, and ``label`` is what they are called together."""

    label: str | None
    features: tuple[Feature, ...]
    target: Target = "class"
    written: Feature | None = None
    labels: LabelForm | None = None
    notes: list[Note] = field(default_factory=list, compare=False)

    def to_values(self) -> dict[str, Any]:
        """Return JSON values, without the notes."""
        values = asdict(self)
        return {name: values[name] for name in values if name != "notes" and (name != "labels" or self.labels)}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> TableSchema:
        """Rebuild a schema from what ``to_values`` returned."""
        written = Feature(**values["written"]) if values["written"] else None
        features = tuple(Feature(**feature) for feature in values["features"])
        several = values.get("labels")
        form = LabelForm(tuple(several["columns"]), "labels", several["written"]) if several else None
        return cls(values["label"], features, values["target"], written, form)


def choose_features(
    table: Table, features: Sequence[str] = (), label: str = "", target: Target | None = None, need_label: bool = True
) -> TableSchema:
    """Choose the target and the features. Columns without names are called column_1, column_2, ... or just 1, 2, ...

    With ``need_label=False`` a label column is kept apart from the features where there is one.

    Raise E201 for a name that no column has, E205 for a class whose values hardly recur, E240 for no single best target, E241
    for a column that is both, E242 for one named twice, E243 for one that cannot be a feature, E244 for no feature, and E245
    and E246 for a target that holds no numbers, or nothing that can be predicted.
    """
    choice = _Choice(table)
    flags = several(table, label)
    given, chosen = (choice.named(features), None) if flags else choice.given(features, label, need_label)
    if both := [name for name in flags if name in given]:
        raise error("E241", name=both[0], path=table.file)
    columns = flags or (() if chosen is None else (chosen,))
    target = declared_target(table, columns[0], target) if len(columns) == 1 else target
    kind, written, form = target or "class", None, None
    if columns and need_label and (form := choice.several(columns, target)):
        kind, chosen = "labels", form.name
    elif columns and need_label:
        kind, written = choice.target(choice.columns[columns[0]], target), choice.columns[columns[0]].feature
    taken = [choice.taken(choice.columns[name]) for name in given] or choice.derived(columns, kind)
    choice.tell(taken)
    if chosen is not None and need_label and kind == "class":
        choice.notes += leaks.decisive(taken, choice.columns[chosen])
    return TableSchema(chosen, tuple(map(feature_of, taken)), kind, written, form, choice.notes)


def usable_features(table: Table) -> dict[str, str]:
    """Return the kind of every column that would be learned from, if no name were given and nothing were predicted."""
    choice = _Choice(table)
    return {column.name: feature_of(column).kind for column in choice.columns.values() if not choice.fault(column)}


def feature_of(column: ColumnProfile) -> Feature:
    """Return how a column is read that is learned from."""
    return replace(column.feature, kind="text") if column.free_text else column.feature


class _Choice(ColumnChoice):
    """The choice of target and features."""

    TWICE, BOTH, UNCLEAR = "E242", "E241", "E240"

    def __init__(self, table: Table) -> None:
        """Let columns that are clear about decimal mark or order of dates decide for those that are not."""
        super().__init__(table)
        self.check()
        written = [column.reading for column in self.columns.values() if column.raw.dtype == pl.String]
        orders = {reading.format[:3] for reading in written if reading.kind == "date"} & {"dmy", "mdy"}
        marks = decimal_marks(self.columns.values())
        for column in self.columns.values():
            self.notes += settle_mark(column, marks)
            if column.reading.format.startswith(UNCLEAR) and len(orders) == 1:
                column.format = column.reading.format.replace(UNCLEAR, min(orders))

    def check(self) -> None:
        """Raise E227 for a column most of whose values are not what it is said to be."""
        for column in self.columns.values():
            if column.declared and column.reading.bad > column.count / 2 and column.reading.kind != "category":
                sense = SENSE[column.reading.kind]
                facts = {"name": column.name, "kind": column.declared, "path": self.table.file, "sense": sense}
                raise error(
                    "E227", **facts, bad=f"{column.reading.bad:,}", count=f"{column.count:,}", example=column.reading.example
                )

    # ---- the target

    def candidates(self, rest: list[ColumnProfile]) -> tuple[list[ColumnProfile], str]:
        """Return the columns of a strong name; else the last column, unless another one has a weaker name for it.

        Beside texts all names of labels are strong, as in a table of texts alone.
        """
        strong = LABEL_NAMES if any(column.free_text for column in rest) else LABEL_NAMES[:1]
        axes = {"x", "y", "z"} <= {column.plain for column in rest}  # lengths or coordinates
        for names in (*strong, TARGET_NAMES):
            if found := [column for column in rest if column.plain in names and not (axes and column.plain == "y")]:
                return self.one_of_equals(found), "a usual name for it"
        fit = [column for column in rest if not (column.free_text or self.fault(column))]
        weak = {name for names in LABEL_NAMES[1:] for name in names}
        named = [column for column in fit if column.plain in weak]
        last = rest[-1:] if rest and rest[-1] in fit else []
        if named and (not last or named == last):
            return named, "a usual name for it"
        if last and not named:
            return last, "the last column, and none has a usual name for it"
        why = self.fault(rest[-1]) or FREE_TEXT if rest else "no column is left"
        return [*named, *last], f"none has a usual name for it, and the last one does not fit: {why}"

    def several(self, columns: Sequence[str], target: Target | None) -> LabelForm | None:
        """Return how several labels a row are written, where that is given or found; None for a class or a number."""
        if len(columns) == 1 and target in (None, "class", "number"):
            column = self.columns[columns[0]]
            if target is not None or not (column.is_list or column.reading.kind == "category"):
                return None
        form, notes = form_of(self.table, columns, target)
        if form.target == "labels":
            self.notes += notes
            return form
        return None

    def target(self, column: ColumnProfile, target: Target | None) -> Target:
        """Choose class or number, as given or by what the values are, and note the reason. Raise E205, E245 and E246."""
        kind = column.reading.kind
        dates = column.reading.why if column.format == "clock" and column.reading.why else "dates"
        why = column.unusable() or {"date": f"it holds {dates}", "text": "it was said to be text"}.get(kind, "")
        if column.constant:
            why = f"every row has the same value, '{column.head[0]}'"
        if why:
            raise self.unclear("E246", name=column.name, why=why)
        if target == "number" and kind != "number":
            odd = f"{column.reading.bad:,} values are none, such as '{column.reading.example}'"
            why = odd if column.reading.bad else f"it holds values such as '{column.head[0]}'"
            why = f"{why}; {column.reading.why}" if column.reading.why else why
            raise error("E245", name=column.name, path=self.table.file, why=why)
        if target is None:
            target, why = derived_target(column)
            self.notes.append(Note("target", target, why))
        if target == "class" and not column.recurs:
            raise self.rare(column)
        return target

    # ---- the features

    def fault(self, column: ColumnProfile) -> str:
        """Return why a column is not learned from, or an empty string."""
        if why := column.unusable():
            return why
        if column.is_split:
            return "it says which split a row belongs to"
        if column.constant:
            return f"every row has the same value, '{column.head[0]}'"
        if column.identifies(self.table.has_header):
            return "it numbers the rows: an id"
        why = column.hardly_recurs() if column.reading.kind == "category" and not column.free_text else ""
        if why == FREE_TEXT:
            why += f", but its words hardly recur; to learn from them all the same: columns.{column.name}=text"
        if why and column.reading.bad:
            why += f"; {column.reading.bad:,} are no numbers, such as '{column.reading.example}'"
        if why and column.reading.why:
            why += f"; {column.reading.why}"
        return why

    def derived(self, labels: Sequence[str], kind: Target) -> list[ColumnProfile]:
        taken: list[ColumnProfile] = []
        left_out: dict[str, str] = {}
        mirrors: dict[str, str] = {}
        for name, column in self.columns.items():
            if name in labels:
                continue
            if why := self.fault(column):
                left_out[name] = why
            elif why := self.gives_away(column, labels[0] if labels else None, kind):
                mirrors[name] = why
            else:
                taken.append(column)
        if not taken and mirrors:  # a toy, such as the truth table of a function
            for name, why in mirrors.items():
                self.notes.append(Note("taken all the same", name, f"nothing else is left, but: {why}"))
                taken.append(self.columns[name])
        else:
            left_out |= mirrors
        if not taken:
            listed = [f"'{name}' ({why})" for name, why in left_out.items()] or ["none, as there is no other column"]
            raise error("E244", path=self.table.file, left_out=listed)
        self.notes += [Note("left out", name, why) for name, why in left_out.items()]
        return taken

    def gives_away(self, column: ColumnProfile, label: str | None, kind: Target) -> str:
        """Return why nothing is left to be learned where a column is known, or an empty string."""
        return leaks.gives_away(column, self.columns[label], kind) if label is not None else ""

    def taken(self, column: ColumnProfile) -> ColumnProfile:
        if why := column.unusable():
            raise error("E243", name=column.name, path=self.table.file, role="a feature", why=why, key="features=NAME")
        if why := self.fault(column):
            self.notes.append(Note("taken all the same", column.name, f"it was named, but: {why}"))
        return column

    def tell(self, taken: list[ColumnProfile]) -> None:
        """Note each kind of feature, and each column whose cells are not all of its kind."""
        for kind, (word, why) in _WORDS.items():
            if names := [column.name for column in taken if feature_of(column).kind == kind]:
                self.notes.append(Note(word, ", ".join(names), why))
        self.tell_units(taken)
        for column in taken:
            reading = column.reading
            if reading.why and not (reading.kind == "number" and column.declared):
                self.notes.append(Note(_WORDS[reading.kind][0], column.name, reading.why))
            if reading.bad and reading.kind != "category":
                odd = f"{reading.bad:,} of {column.count:,} values are not, such as '{reading.example}': rows left out"
                self.notes.append(Note(_WORDS[reading.kind][0], column.name, odd))
            elif reading.bad:
                odd = f"not as numbers: {reading.bad:,} of {column.count:,} values are none, such as '{reading.example}'"
                self.notes.append(Note("categories", column.name, odd))

    def tell_units(self, taken: list[ColumnProfile]) -> None:
        """Note the units of numbers, and numbers that might as well be codes."""
        units = {column.name: column.format.partition(" ")[2] for column in taken if column.reading.kind == "number"}
        if told := ", ".join(f"{name} ({unit})" for name, unit in units.items() if unit):
            self.notes.append(Note("units", told, "numbers are taken as written in their unit: 48 % is 48"))
        if codes := [column for column in taken if column.may_be_code]:
            listed = ", ".join(f"{column.name} ({column.distinct})" for column in codes)
            why = f"whole numbers of which few recur often; if they are codes, columns.{codes[0].name}=category"
            self.notes.append(Note("numbers or codes", listed, why))
