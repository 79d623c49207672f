"""Which columns are the text and which is the label: as named; else by usual names; else by what stands in them.

Promises: a name that is given is taken or refused, never overridden; what is derived is explained; where two answers
are as good as each other the person is asked, with an example of every column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from trainwright.data.tables.column_names import BODY_NAMES, LABEL_NAMES, SPLIT_NAMES, SPLIT_VALUES, TITLE_NAMES, plain
from trainwright.data.tables.table import Table
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.watch.events import Note

_NUMBER = r"^\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*$"
_ADDRESS = r"^\s*(https?://|www\.|[\w.+-]+@[\w-]+\.)\S*\s*$"
_DATE = r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ,]\S.*)?\s*$"
MOST_DISTINCT = 0.9  # a label's share of different values; beyond it is text or an id
FEW_ROWS = 20  # below, the share says nothing
MOST_CLASSES = 1000
LONGEST_LABEL = 60  # mean characters


@dataclass(frozen=True)
class TextSchema:
    """The chosen columns; several texts are meant to be joined in this order. ``notes``: (what, value, why)."""

    text: tuple[str, ...]
    label: str | None
    notes: list[Note] = field(default_factory=list)


def choose_columns(table: Table, text: Sequence[str] = (), label: str = "", need_label: bool = True) -> TextSchema:
    """Choose text and label columns. Columns without names are called column_1, column_2, ... or just 1, 2, ...

    With ``need_label=False`` (predicting) a label column is kept apart from the text where there is one, and not missed
    where there is none.

    Raises:
        DataError: a name that no column has (E201), no single best label (E202) or text (E203), the same column for
            both (E204), a label whose values hardly recur (E205), a text column named twice (E206).
    """
    return _Choice(table).choose((text,) if isinstance(text, str) else tuple(text), label, need_label)


class TextProfile:
    """What stands in one column, each fact worked out when it is first asked for."""

    def __init__(self, name: str, values: pl.Series) -> None:
        self.name, self.plain = name, plain(name)
        values = values.alias("values")  # its own name might be a pattern to polars
        self.is_number = values.dtype.is_numeric()
        self.values = values.drop_nulls()
        self.texts = self.values.cast(pl.String) if values.dtype != pl.String else self.values

    @cached_property
    def distinct(self) -> int:
        return self.texts.n_unique()

    @cached_property
    def mean_length(self) -> float:
        return float(self.texts.str.len_chars().mean() or 0)  # type: ignore[arg-type]

    @cached_property
    def recurs(self) -> bool:
        return len(self.texts) < FEW_ROWS or self.distinct <= MOST_DISTINCT * len(self.texts)

    @cached_property
    def is_split(self) -> bool:
        values = self.texts.head(1000).str.to_lowercase().str.strip_chars().unique().to_list()
        return len(values) > 0 and (set(values) <= SPLIT_VALUES or (self.plain in SPLIT_NAMES and self.distinct < 10))

    @cached_property
    def numeric(self) -> bool:
        return self.is_number or self._matches(_NUMBER)

    @cached_property
    def measured(self) -> bool:
        """Numbers with a fraction: a quantity to predict, not an id."""
        return self.numeric and bool(self.texts.head(1000).str.contains(r"[.,]\d*[1-9]").any())

    @cached_property
    def readable(self) -> bool:
        """Whether it may be text: not empty, no number, address, date or split."""
        return len(self.texts) > 0 and not (self.numeric or self.is_split or self._matches(_ADDRESS) or self._matches(_DATE))

    @cached_property
    def prose(self) -> bool:
        """Mostly different values, of several words."""
        words = self.texts.head(1000).str.count_matches(r"\S\s+\S").mean()
        return self.readable and self.distinct > len(self.texts) / 2 and float(words or 0) >= 1  # type: ignore[arg-type]

    @cached_property
    def may_be_label(self) -> bool:
        few = 2 <= self.distinct <= min(MOST_CLASSES, max(2, len(self.texts) // 2))
        odd = self.is_split or self.measured or self._matches(_ADDRESS) or self._matches(_DATE)
        return few and self.mean_length <= LONGEST_LABEL and not odd and self.plain not in SPLIT_NAMES

    def _matches(self, pattern: str) -> bool:
        head = self.texts.head(1000)
        return len(head) > 0 and int(head.str.contains(pattern).sum()) >= 0.9 * len(head)


class _Choice:
    """One choosing: the table's columns and the notes made on the way."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.profiles = {name: TextProfile(name, table.frame[name]) for name in table.columns}
        self.notes: list[Note] = []

    def choose(self, text: tuple[str, ...], label: str, need_label: bool) -> TextSchema:
        given = tuple(self.given(name) for name in text)
        if twice := [name for name in given if given.count(name) > 1]:
            raise error("E206", name=twice[0], where=self.table.file)
        chosen_label = self.label(given, label, need_label)
        if chosen_label in given:
            raise error("E204", name=chosen_label, path=self.table.file)
        return TextSchema(given or self.text(chosen_label), chosen_label, self.notes)

    def given(self, name: str) -> str:
        return column_of(self.table, name)

    # ---- label

    def label(self, taken: tuple[str, ...], label: str, need_label: bool) -> str | None:
        if label and not need_label and label not in self.profiles and f"column_{label}" not in self.profiles:
            return None
        if label:
            return self.recurring(self.given(label)) if need_label else self.given(label)
        rest = [profile for name, profile in self.profiles.items() if name not in taken]
        found, why = self.label_by_name(rest)
        if not found:
            found, why = self.label_by_content(rest)
        if len(found) == 1:
            self.notes.append(Note("label", found[0].name, why))
            return self.recurring(found[0].name) if need_label else found[0].name
        if not need_label:
            return None
        names = ", ".join(f"'{profile.name}'" for profile in found)
        raise self.unclear("E202", f"{names} fit equally well" if found else "no column has few values that recur")

    def label_by_name(self, profiles: list[TextProfile]) -> tuple[list[TextProfile], str]:
        for names in LABEL_NAMES:
            found = [profile for profile in profiles if profile.plain in names]
            if found:
                return self.one_of_equals(found), "a usual name for it"
        return [], ""

    def label_by_content(self, profiles: list[TextProfile]) -> tuple[list[TextProfile], str]:
        reserved = set(TITLE_NAMES) | set(BODY_NAMES)
        found = [profile for profile in profiles if profile.may_be_label and profile.plain not in reserved]
        why = f"{found[0].distinct} short values that recur" if found else ""
        return self.one_of_equals(found), why

    def one_of_equals(self, found: list[TextProfile]) -> list[TextProfile]:
        """The first column alone, where the others say the same in other words (a class's number and its name)."""
        return found[:1] if all(same(self.table.frame, found[0].name, other.name) for other in found[1:]) else found

    def recurring(self, name: str) -> str:
        """The same name, unless nearly every value of that column is different."""
        profile = self.profiles[name]
        if profile.recurs or profile.measured:
            return name
        raise error(
            "E205",
            name=name,
            path=self.table.file,
            distinct=f"{profile.distinct:,}",
            count=f"{len(profile.texts):,}",
            columns=examples(self.profiles.values()),
        )

    # ---- text

    def text(self, label: str | None) -> tuple[str, ...]:
        rest = [profile for name, profile in self.profiles.items() if name != label and profile.readable]
        found, why = self.text_by_name(rest) or self.text_by_content(rest)
        names = tuple(profile.name for profile in found)
        self.notes.append(Note("text", " + ".join(names), why))
        return names

    def text_by_name(self, profiles: list[TextProfile]) -> tuple[list[TextProfile], str] | None:
        titles = [profile for profile in profiles if profile.plain in TITLE_NAMES][:1]
        bodies = [profile for profile in profiles if profile.plain in BODY_NAMES]
        exact = [profile for profile in bodies if profile.plain == "text"]
        if len(bodies) > 1 and len(exact) != 1:
            names = ", ".join(f"'{profile.name}'" for profile in bodies)
            raise self.unclear("E203", f"{names} fit equally well")
        found = titles + (exact or bodies)
        return (found, "usual names for it" if len(found) > 1 else "a usual name for it") if found else None

    def text_by_content(self, profiles: list[TextProfile]) -> tuple[list[TextProfile], str]:
        if len(profiles) == 1:
            return profiles, "the only column that can be text"
        prose = [profile for profile in profiles if profile.prose]
        if len(prose) == 1:
            return prose, f"different values of several words, {prose[0].mean_length:.0f} characters on average"
        if len(prose) == 2 and not self.table.has_header and prose[0].mean_length < prose[1].mean_length:
            return prose, "without names, but like a title and its description"
        names = ", ".join(f"'{profile.name}'" for profile in prose)
        raise self.unclear("E203", f"{names} fit equally well" if prose else "no column holds text of several words")

    # ---- asking back

    def unclear(self, code: str, why: str) -> TrainwrightError:
        return error(code, path=self.table.file, why=why, columns=examples(self.profiles.values()))


# ---- what other choices of columns share


def join_text(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """The text columns as one, a newline between them, empty ones left out."""
    # by number, as a name might be a pattern to polars
    parts = [frame[name].alias(str(place)).cast(pl.String) for place, name in enumerate(columns)]
    if len(parts) == 1:
        return parts[0].fill_null("")
    return pl.DataFrame(parts).select(pl.concat_str(pl.all().replace("", None), separator="\n", ignore_nulls=True)).to_series()


def column_of(table: Table, name: str) -> str:
    """The column of a name or, in a file without names, of a number from 1. Raises E201."""
    if name in table.columns:
        return name
    if not table.has_header and f"column_{name}" in table.columns:
        return f"column_{name}"
    names = ", ".join(table.columns)
    raise error("E201", name=name, path=table.file, columns=names, hint=nearest(name, table.columns))


def same(frame: pl.DataFrame, one: str, other: str) -> bool:
    """Whether each value of one column always stands beside the same value of the other."""
    both = pl.DataFrame([frame[one], frame[other]])  # by hand, as a name might be a pattern to select
    return both.n_unique() == both[one].n_unique() == both[other].n_unique()


def examples(profiles: Iterable[TextProfile]) -> str:
    """Every column with its first value, for a person to choose from."""
    known = list(profiles)
    shown = [f"{profile.name} (such as {_example(profile)})" for profile in known[:12]]
    more = len(known) - len(shown)
    return "Columns: " + "; ".join(shown) + (f"; and {more} more" if more else "") + "."


def _example(profile: TextProfile) -> str:
    if not len(profile.texts):
        return "nothing"
    value = " ".join(str(profile.texts[0]).split())
    return repr(value if len(value) <= 40 else value[:37] + "...")
