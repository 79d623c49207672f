"""How a row's label is written, and what it is: one class, a number, or a set of several labels.

Promises: what is given is taken or refused; what is derived is explained, with the word that says otherwise; a label is read
the same way in training and ever after. Classes whose names hold a comma or a blank stay whole unless their parts are plainly
labels of their own.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from trainwright.data.tables.dtypes import Feature, convert, stripped
from trainwright.data.tables.label_cells import LIST, OBJECT, flag, flags, lists, objects, sets, split
from trainwright.data.tables.profile import MOST, MOST_CODES, REPEATS, ColumnProfile, decimal_marks, settle_mark
from trainwright.data.tables.spelling import STRONG, WEAK, tidy
from trainwright.data.tables.table import Table
from trainwright.errors import error
from trainwright.watch.events import Note

Target = Literal["class", "number", "labels"]

_CALLED = {"\n": "a line break", "\t": "a tab", " ": "a blank"}
GRADES = ("stars", "rating", "score", "overall", "grade")
SELDOM = 0.02  # of the rows, with several labels; fewer of them say nothing


@dataclass(frozen=True)
class LabelForm:
    """The columns of the label and how they are written.

    ``written`` is, of several labels, the mark between those of a cell, ``list`` for lists (of JSON or of a column type),
    ``object`` for an object of 0 and 1, or ``columns`` for a column of 0 and 1 each; of a class empty or ``object``; of a
    number how it is written (``tables.numbers``).
    """

    columns: tuple[str, ...]
    target: Target = "class"
    written: str = ""

    @property
    def name(self) -> str:
        """Return what is predicted, in a word."""
        return ",".join(self.columns)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], target: Target) -> LabelForm:
        """Return the form that a bundle's ``columns`` describe."""
        label = values.get("label") or ()
        return cls((label,) if isinstance(label, str) else tuple(label), target, values.get("written", ""))

    def to_values(self) -> dict[str, Any]:
        """Return what a bundle keeps: the name of the column, or those of several."""
        label = self.columns[0] if len(self.columns) == 1 else list(self.columns)
        return {"label": label} | ({"written": self.written} if self.written else {})

    def read(self, frame: pl.DataFrame) -> pl.Series:
        """Return the label of each row: String, Float64, or List(String), each label once and in order; null where it has none.

        A set may be empty where its form can say so: an empty list, or 0 for every label.
        """
        if self.written == "columns":
            return flags(frame, self.columns)
        column = frame[self.columns[0]].alias("label")
        if self.target == "number":
            return convert(column, Feature("label", "number", self.written))[0]
        if self.written == "object":
            chosen = objects(column)
            return chosen if self.target == "labels" else chosen.set(chosen.list.len() != 1, None).list.first()
        if self.target == "class":
            return tidy(column).alias("label")
        return sets(lists(column) if self.written == "list" else split(column, self.written))


def kind_of(columns: Mapping[str, Any]) -> Target | None:
    """Return what a bundle's ``columns`` say of the target; None for a class, of which they say nothing."""
    written = columns.get("written")
    return None if not written else "number" if written.split(" ")[0] in ("point", "comma", "duration") else "labels"


def several(table: Table, label: str) -> tuple[str, ...]:
    """Return the columns that ``a,b,c`` names; none where it is the name of one column, or not all are there."""
    if "," not in label or label in table.columns:
        return ()
    names = [name.strip() for name in next(csv.reader([label], skipinitialspace=True))]
    return tuple(names) if len(names) > 1 and len({*names}) == len(names) and {*names} <= {*table.columns} else ()


def form_of(table: Table, columns: Sequence[str], target: Target | None) -> tuple[LabelForm, list[Note]]:
    """Return how the label in these columns of a table is written, with its target as given or by what the values are.

    Raise E245 for a number where there are none, E285 for columns that are not of 0 and 1.
    """
    if len(columns) > 1:
        for name in columns:
            if flag(table.frame[name]).null_count() > table.frame[name].null_count():
                raise error("E285", name=name, path=table.file)
        if target not in (None, "labels"):
            raise error("E286", columns=", ".join(columns), target=target)
        why = f"{len(columns)} columns of 0 and 1; a row may have several, or none"
        return LabelForm(tuple(columns), "labels", "columns"), [Note("target", "labels", why)]
    profile = table.profiles[columns[0]]
    notes = []
    if target in (None, "number") and profile.reading.kind == "number" and profile.reading.example:
        notes = settle_mark(profile, decimal_marks(table.profiles.values()))
    kind, written, why = _told(profile, target)
    if target == "number" and kind != "number":
        odd = f"it holds values such as '{profile.head[0]}'" if profile.count else "it is empty"
        raise error("E245", name=columns[0], path=table.file, why=odd)
    why = why or (profile.reading.why if kind == "class" and target is None else "")
    said = [Note("target", kind, why)] if why else []
    return LabelForm((columns[0],), kind, written), said + (notes if kind == "number" else [])


def _told(profile: ColumnProfile, target: Target | None) -> tuple[Target, str, str]:
    """Return target, how it is written, and why where that is worth a word."""
    if profile.is_list:
        return ("class", "", "") if target == "class" else ("labels", "list", "its values are lists")
    text = stripped(profile.values) if profile.values.dtype == pl.String else None
    if text is not None and len(text):
        if _share(text, OBJECT) >= MOST and (chosen := objects(text)).null_count() <= (1 - MOST) * len(text):
            one = bool((chosen.drop_nulls().list.len() == 1).all()) and target != "labels"
            why = "objects of 0 and 1" + (", of which one is 1 in every row: it is the class" if one else ": those that are 1")
            return "class" if one else "labels", "object", why
        if target != "class" and _share(text, LIST) >= MOST and _are_lists(text):
            return "labels", "list", "its values are lists; if not, write target=class"
    if target in (None, "number") and profile.reading.kind == "number":
        return _numbered(profile, target)
    if target in ("class", "number") or text is None or not len(text):
        return ("labels", "|", "") if target == "labels" else ("class", "", "")
    return _separated(text, target)


def _numbered(profile: ColumnProfile, target: Target | None) -> tuple[Target, str, str]:
    """Return whether numbers are classes or quantities; of classes it is said where they could well be the other."""
    kind, why = derived_target(profile, codes=True) if target is None else (target, "")
    if kind == "number":
        return "number", profile.format.replace("either", "point"), why
    graded = profile.plain in GRADES or bool(profile.head.str.contains("[.,]").any())
    return "class", "", why if graded and profile.distinct > 2 else ""


def derived_target(column: ColumnProfile, codes: bool = False) -> tuple[Target, str]:
    """Return whether values are classes or quantities, and why. With ``codes`` numbers from 0 or 1 on without a gap, such as
    those that data sets of texts have in the place of names, are classes however many they are."""
    if column.reading.kind != "number":
        return "class", column.reading.why or f"{column.distinct:,} different words"
    values = column.numbers
    rows, distinct = len(values), values.n_unique()
    if not column.whole:
        return "number", "numbers with a fraction; if not, write target=class"
    often = rows >= REPEATS * distinct
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    gapless = often and low in (0.0, 1.0) and high - low == distinct - 1
    if distinct == 2 or (distinct <= MOST_CODES and (often or codes)) or (gapless and codes):
        return (
            "class",
            f"{distinct:,} whole numbers, each in {rows / distinct:,.0f} rows on average; if not, write target=number",
        )
    return "number", f"{distinct:,} different whole numbers in {rows:,} rows; if not, write target=class"


# ---- several labels in a cell


def _are_lists(text: pl.Series) -> bool:
    """Return whether cells hold lists: as JSON writes them, or in other brackets where some have several labels."""
    found = lists(text)
    whole = found.null_count() <= (1 - MOST) * len(text)
    return whole and (_share(text, r"^\[") >= MOST or bool((found.list.len() > 1).any()))


def _separated(text: pl.Series, target: Target | None) -> tuple[Target, str, str]:
    """Return whether cells hold several labels, the mark between them, and why; in doubt they are classes."""
    cells = {str(value): int(count) for value, count in text.value_counts().iter_rows()}
    unsure = ""
    for mark in (*STRONG, *WEAK):
        found = {cell: _parts(cell, mark) for cell in cells}
        many = {cell: parts for cell, parts in found.items() if len({*parts}) > 1}
        share = sum(cells[cell] for cell in many) / len(text)
        if not many or (share < SELDOM and target is None):
            continue
        if target == "labels" or _are_labels(found, many, mark in STRONG):
            names = {part for parts in found.values() for part in parts}
            shown = _CALLED.get(mark, f"'{mark.strip()}'")
            why = f"{len(names):,} labels, {shown} between them, several in {share:.0%} of the rows; if not, write target=class"
            return "labels", mark, why
        if not unsure and (mark in STRONG or (_recombine(found, many) and (mark != " " or 2 * len(many) >= len(found)))):
            shown = "blanks" if mark == " " else _CALLED.get(mark, f"'{mark.strip()}'")
            unsure = f"labels hold {shown}: write target=labels if each is several"
    return ("labels", "|", "") if target == "labels" else ("class", "", unsure)


def _recombine(found: Mapping[str, list[str]], many: Mapping[str, list[str]]) -> bool:
    """Return whether there are fewer parts than cells, all of which come back in other cells."""
    cells_of = Counter(part for parts in found.values() for part in {*parts})
    return len(cells_of) < len(found) and all(cells_of[part] > 1 for parts in many.values() for part in parts)


def _are_labels(found: Mapping[str, list[str]], many: Mapping[str, list[str]], strong: bool) -> bool:
    """Return whether the parts of cells are labels that are put together freely, and not words of a class's name.

    Parts must come back in other company or alone. Where the mark may stand in a name, every part must also have been seen
    alone, or pairs in both orders, and there must be fewer parts than different cells.
    """
    cells_of = Counter(part for parts in found.values() for part in {*parts})
    parts = {part for each in many.values() for part in each}
    again = sum(cells_of[part] > 1 for part in parts) / len(parts)
    if not all(any(letter.isalnum() for letter in part) for part in parts):  # a mark of its own is no label
        return False
    if strong:
        return again >= 0.5 and len(many) > 1
    alone = {each[0] for each in found.values() if len(each) == 1}
    orders = {tuple(each) for each in many.values()}
    turned = sum(each[::-1] in orders for each in orders if len({*each}) > 1)
    free = len(parts & alone) >= MOST * len(parts) or turned >= max(len(orders) / 4, 2)
    return again >= MOST and free and len(many) > 2 and len(cells_of) < len(found)


def _parts(cell: str, mark: str) -> list[str]:
    return [part for part in map(str.strip, cell.split(mark)) if part]


def _share(text: pl.Series, pattern: str) -> float:
    return float(text.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]
