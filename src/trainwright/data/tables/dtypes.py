"""What the values of one column are (numbers, yes or no, dates, categories, text), and the column turned into that.

Promises: a cell that cannot be what its column is, is reported as bad and never taken for a missing one; whatever was
read in training is read the same way afterwards, since a ``Feature`` says how.

Missing are empty cells and, but for categories, the words of ``MISSING``. In a category "none" or "NA" may be a value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from trainwright.data.tables import dates, numbers
from trainwright.data.tables.numbers import LARGEST
from trainwright.data.tables.spelling import PAIRS, TRUTHS, as_text

Kind = Literal["number", "boolean", "date", "category", "text"]

MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "-", "?", "0000-00-00", "0000-00-00 00:00:00")
_MISSING = {spelled for word in MISSING for spelled in (word, word.upper(), word.capitalize())} | {"NaN"}
UNCLEAR = "day or month first"  # a format of dates, as long as nothing settles it
COMPACT = "eight digits that are all days, as 20260131; if they are numbers: columns.NAME=number"
HEAD_ROWS = 1000
MOST_BAD = 100  # one value in so many may be bad in a column of numbers or dates
SENSE = {"number": "a number", "boolean": "yes or no", "date": "a date", "category": "a word", "text": "text"}


@dataclass(frozen=True)
class Feature:
    """A column that is learned from.

    ``format`` is one of ``numbers`` for numbers, one of ``dates`` for dates, with `` time`` after it where the hours matter,
    and empty for the others.
    """

    name: str
    kind: Kind
    format: str = ""

    @property
    def sense(self) -> str:
        """Return what a value of the column has to be, in words."""
        mark, _, unit = self.format.partition(" ")
        if self.kind != "number":
            return SENSE[self.kind]
        return SENSE["number"] + (f" in {unit}" if unit else "") + (" with a decimal comma" if mark == "comma" else "")


@dataclass(frozen=True)
class How:
    """What a person said of how values are written: the kind of a column, the decimal mark, the order of dates; "" = tell."""

    kind: str = ""
    decimal: str = ""
    dates: str = ""
    dated: bool = False  # whether the column's name says that it holds dates


@dataclass(frozen=True)
class ColumnType:
    """What a column was found to be; unusable for a type that none of the kinds covers."""

    kind: Kind | Literal["empty", "unusable", "image", "ignore"]
    format: str = ""  # as in Feature; either where both decimal marks fit, UNCLEAR where both orders of a date do
    bad: int = 0  # how many values are not of the kind; of a category, how many are no numbers, where most are
    example: str = ""  # the first of them; of a number that is either a value that means two things, if there is one
    why: str = ""  # what a person should know of how it was told, where that does not go without saying


def read(column: pl.Series, how: How = How()) -> ColumnType:
    """Tell what the values of ``column`` are, or how they are what they are said to be."""
    kind = column.dtype
    if how.kind in ("image", "ignore"):
        return ColumnType(how.kind)  # type: ignore[arg-type]
    if column.null_count() == len(column):
        return ColumnType("empty")
    if how.kind == "text":
        return ColumnType("text")
    if how.kind:
        return _declared(column, how)
    if kind == pl.Boolean:
        return ColumnType("boolean")
    if kind.is_integer() and (found := _compact(column, how.dated)):
        return found
    if kind.is_numeric():
        number, bad = convert(column, Feature("", "number", "point"))
        return ColumnType("number" if number.count() else "empty", "point", int(bad.sum()), _first(column, bad))
    if kind in (pl.Date, pl.Datetime):
        return ColumnType("date", "ymd" + _clock(convert(column, Feature("", "date", "ymd"))[0]))
    if kind == pl.Time:
        return ColumnType("date", "clock")
    if kind not in (pl.String, pl.Categorical, pl.Enum):
        return ColumnType("unusable", str(kind))
    if len(column) > 2 * HEAD_ROWS:
        head = _read_text(stripped(column.drop_nulls().head(HEAD_ROWS)), how)
        if head.kind == "category" and not (head.bad or head.why):  # long texts are not looked at to their end
            return head
    return _read_text(stripped(column), how)


def _declared(column: pl.Series, how: How) -> ColumnType:
    """Return how values are the kind that they are said to be, whatever else they might be."""
    if how.kind == "category":
        return ColumnType("category")
    if how.kind == "boolean":
        return _counted(column, ColumnType("boolean"))
    if column.dtype != pl.String:
        plain = "point" if how.kind == "number" else "epoch"
        if how.kind == "date" and column.dtype in (pl.Date, pl.Datetime, pl.Time):
            return read(column)
        if how.kind == "date" and column.dtype.is_integer() and (found := _compact(column, True)):
            return found
        return _counted(column, ColumnType(how.kind, plain))  # type: ignore[arg-type]
    present = _present(stripped(column)).drop_nulls()
    if how.kind == "number":
        number = _read_number(present, how, codes=True)
        lasting = numbers.values(present, "duration").null_count()
        return ColumnType("number", "duration", lasting) if lasting < number.bad else number
    date = _read_date(present, replace(how, dated=True))
    epoch = dates.wall(present, "epoch").null_count()
    if date is None or epoch < date.bad:
        return ColumnType("date", "epoch time", epoch, _first(present, dates.wall(present, "epoch").is_null()))
    return date


def _counted(column: pl.Series, found: ColumnType) -> ColumnType:
    values, bad = convert(column, Feature("", found.kind, found.format))  # type: ignore[arg-type]
    form = found.format + _clock(values) if found.kind == "date" else found.format
    return replace(found, format=form, bad=int(bad.sum()), example=_first(column, bad))


def _compact(column: pl.Series, dated: bool) -> ColumnType | None:
    """Return the date that whole numbers are, all of which are days as 20260131; more than a few where nothing else says so."""
    present = column.drop_nulls()
    if not (dated or dates.are_compact(present.head(HEAD_ROWS).cast(pl.String))):
        return None
    good = dates.wall(present, "compact")
    return ColumnType("date", "compact", why="" if dated else COMPACT) if len(good) and not good.null_count() else None


def _read_text(text: pl.Series, how: How) -> ColumnType:
    present = _present(text).drop_nulls()
    if not len(present):
        return ColumnType("empty") if not text.count() else ColumnType("category")
    if not how.kind and (found := _compact(present, False)):
        return replace(found, why="") if how.dated else found
    number = _read_number(present, how)
    if number.kind == "category":
        return number
    if number.bad <= _allowed(present) and not (how.dated and bool(present.head(HEAD_ROWS).str.contains(r"^[0-9]{8}$").all())):
        return number
    values = set(present.head(HEAD_ROWS).str.to_lowercase().unique())
    if any(values <= {*words, "0", "1"} for words in TRUTHS):
        values = set(present.str.to_lowercase().unique())
        if any(values <= {*words, "0", "1"} and {*words} & values and len(values) > 1 for words in TRUTHS):
            return _either_truth(present)
    date = _read_date(present, how)
    if (date is None or date.bad) and (lasting := _read_lasting(present)):
        return lasting
    if date is not None and date.bad <= _allowed(present):
        return date
    if number.bad <= _allowed(present):
        return number
    mostly = number.bad < len(present) / 2
    why = ("" if mostly else dates.why_none(present.head(HEAD_ROWS))) or number.why
    return ColumnType("category", "", number.bad, number.example, why) if mostly else ColumnType("category", why=why)


def _either_truth(present: pl.Series) -> ColumnType:
    """Return yes or no for words that say both; a category where they say the same in several words."""
    return ColumnType("boolean") if _booleans(present).n_unique() == 2 else ColumnType("category")


def _allowed(present: pl.Series) -> int:
    """Return how many bad values a column may have: one where the share says little."""
    return max(len(present) // MOST_BAD, int(len(present) >= MOST_BAD // 5))


def _read_number(present: pl.Series, how: How, codes: bool = False) -> ColumnType:
    """Return the number that values are; a category where they are codes, unless ``codes`` are numbers all the same."""
    found = numbers.look(present, how.decimal)
    bad = int(found.bad.sum())
    if not codes and bad <= _allowed(present) and (why := _is_code(present)):
        return ColumnType("category", why=why)
    why = ""
    if len(found.units) > 1:
        why = f"numbers in several units ({', '.join(found.units)}) are not one quantity"
    elif bad and (marks := numbers.both_marks(present)):
        why = f"numbers with a decimal point and with a decimal comma, such as {' and '.join(map(repr, marks))}"
    elif not bad and (same := numbers.same_twice(present)):
        why = f"{' and '.join(map(repr, same))} are the same number; if they are versions or codes, write columns.NAME=category"
    example = _first(present, found.bad)
    if not bad and found.mark == "either":
        example = _first(present, present.str.contains(r"[0-9][.,][0-9]{3}(?:[^0-9]|$)"))
    return ColumnType("number", found.format, bad, example, why)


def _is_code(present: pl.Series) -> str:
    """Return why digits are a code and no number, or an empty string: some begin with a zero."""
    zero = present.str.contains(numbers.CODE)
    if not zero.any() or (int(zero.sum()) <= _allowed(present) and present.str.len_chars().n_unique() > 1):
        return ""
    return f"digits with a leading zero, such as '{_first(present, zero)}', are a code"


def _read_date(present: pl.Series, how: How) -> ColumnType | None:
    head = present.head(HEAD_ROWS)
    orders = dates.likely(head, how.dates, how.dated)
    if not orders:
        return None
    found = {order: dates.wall(present, order) for order in orders}
    order = min(found, key=lambda each: found[each].null_count())
    moments = found[order]
    why = ""
    if order in dates.ORDERS and bool(head.str.contains(dates.SHORT_YEAR).any()):
        why = f"of years with two digits {dates.PIVOT} to 99 are of the last century"
    form = order if order == "clock" else order + _clock(moments)
    reading = ColumnType("date", form, moments.null_count(), _first(present, moments.is_null()), why)
    rivals = [each for each in orders if found[each].null_count() == moments.null_count() and not found[each].equals(moments)]
    if not rivals:
        return reading
    points = bool(head.str.contains(r"^[0-9]+\.[0-9]+\.").all())  # nobody writes points with the month first
    form = "dmy" + _clock(found["dmy"]) if points and "dmy" in found else UNCLEAR + _clock(moments)
    return replace(reading, format=form)


def _read_lasting(present: pl.Series) -> ColumnType | None:
    """Return the number that spans such as 36:15:00 are, where all values are such and not all of them times of a day."""
    if not bool(present.head(HEAD_ROWS).str.contains(":", literal=True).all()):
        return None
    if numbers.values(present, "duration").null_count():
        return None
    return ColumnType("number", "duration", why="hours, minutes and seconds, some beyond a day: taken as seconds")


def _clock(moments: pl.Series) -> str:
    return " time" if dates.has_hours(moments) else ""


def _first(column: pl.Series, where: pl.Series) -> str:
    found = column.filter(where)
    return str(found[0]) if len(found) else ""


# ---- turning a column into what it is


def number_feature(column: pl.Series, decimal: str = "") -> Feature:
    """Return how a column is read as numbers, whatever else it might be, with the ``decimal`` mark as given or told."""
    return Feature(column.name, "number", read(column, How("number", decimal)).format.replace("either", "point") or "point")


def stripped(column: pl.Series) -> pl.Series:
    """Return text without blanks around it; null where nothing is left."""
    text = as_text(column).str.strip_chars()
    return text.set(text == "", None)


def convert(column: pl.Series, feature: Feature) -> tuple[pl.Series, pl.Series]:
    """Return the values as Float64, Boolean, Datetime or String, null where missing, and where one is bad (Boolean)."""
    if feature.kind in ("category", "text"):
        text = stripped(column)
        return text, text.is_null() & False
    if isinstance(column.dtype, (pl.List, pl.Categorical, pl.Enum, pl.Null)):
        column = as_text(column)
    values = _values(column, feature.kind, feature.format)
    rest = values.is_null() & column.is_not_null()
    if column.dtype.is_float():
        return values, rest & ~column.is_nan()
    if column.dtype != pl.String or not rest.any():
        return values, rest
    places = rest.arg_true()  # few: blanks around a value, words for a missing one, bad ones
    text = _present(stripped(column.gather(places)))
    again = _values(text, feature.kind, feature.format)
    return values.scatter(places, again), rest.scatter(places, again.is_null() & text.is_not_null())


def _values(column: pl.Series, kind: str, form: str) -> pl.Series:
    """Return the values that can be read as they are written; null for the others."""
    if kind == "number":
        return _numbers(column, form)
    return _booleans(column) if kind == "boolean" else dates.wall(column, form.removesuffix(" time"))


def _present(text: pl.Series) -> pl.Series:
    """Return text with null for the words that say that nothing is there."""
    return text.set(text.is_in(_MISSING), None)


def _numbers(column: pl.Series, form: str) -> pl.Series:
    """Return Float64; null for what is no finite number."""
    if column.dtype == pl.String:
        return numbers.values(column, form)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return pl.repeat(None, len(column), dtype=pl.Float64, eager=True)
    values = column.cast(pl.Float64)
    return values.set(~(values.abs() <= LARGEST), None)  # NaN counts as beyond everything


def _booleans(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    if column.dtype.is_numeric():
        return column.replace_strict({0: False, 1: True}, default=None, return_dtype=pl.Boolean)
    if column.dtype != pl.String:
        return pl.repeat(None, len(column), dtype=pl.Boolean, eager=True)
    words = {"1": True, "0": False, "1.0": True, "0.0": False} | {word: word == pair[0] for pair in PAIRS for word in pair}
    return column.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
