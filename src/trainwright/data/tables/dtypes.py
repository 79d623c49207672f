"""What the values of one column are (numbers, yes or no, dates, categories), and the column turned into that.

Promises: a cell that cannot be what its column is, is reported as bad and never taken for a missing one; whatever was
read in training is read the same way afterwards, since a ``Feature`` says how.

Missing are empty cells and, but for categories, the words of ``MISSING``. In a category "none" or "NA" may be a value.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

Kind = Literal["number", "boolean", "date", "category"]

MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "-", "?")
_MISSING = {spelled for word in MISSING for spelled in (word, word.upper(), word.capitalize())} | {"NaN"}
PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"))
UNCLEAR = "day or month first"  # a format of dates, as long as nothing settles it
HEAD_ROWS = 1000
MOST_BAD = 100  # one value in so many may be bad in a column of numbers or dates
LARGEST = 3.4e38  # float32 holds no more
SENSE = {"number": "a number", "boolean": "yes or no", "date": "a date", "category": "a word"}

_GAP = "[' \u00a0\u202f"  # what may stand between thousands, besides the mark that is not the decimal one
_GROUPED = rf"^[+-]?[1-9][0-9]{{0,2}}(?:{_GAP},][0-9]{{3}})+(?:\.[0-9]*)?$"
_COMMA = rf"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{_GAP}.][0-9]{{3}})+)(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_TIME = r"(?:[T ,]+(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:\.[0-9]+)?)? *(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
_DATES: Mapping[str, str] = {
    "ymd": r"^(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})(?:[-/.](?P<d>[0-9]{1,2}))?" + _TIME,
    "dmy": r"^(?P<d>[0-9]{1,2})[-/.](?P<m>[0-9]{1,2})[-/.](?P<y>[0-9]{4})" + _TIME,
    "mdy": r"^(?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})[-/.](?P<y>[0-9]{4})" + _TIME,
}


@dataclass(frozen=True)
class Feature:
    """A column that is learned from.

    ``format`` is ``point`` or ``comma`` for numbers (the decimal mark), ``ymd``, ``dmy`` or ``mdy`` for dates, with
    `` time`` after it where the hours matter, and empty for the others.
    """

    name: str
    kind: Kind
    format: str = ""


@dataclass(frozen=True)
class ColumnType:
    """What a column was found to be; unusable for a type that none of the kinds covers."""

    kind: Kind | Literal["empty", "unusable"]
    format: str = ""  # as in Feature; either where both decimal marks fit, UNCLEAR where both orders of a date do
    bad: int = 0  # how many values are not of the kind; of a category, how many are no numbers, where most are
    example: str = ""  # the first of them; of a number that is either a value that means two things, if there is one


def read(column: pl.Series) -> ColumnType:
    """Tell what the values of ``column`` are."""
    kind = column.dtype
    if column.null_count() == len(column):
        return ColumnType("empty")
    if kind == pl.Boolean:
        return ColumnType("boolean")
    if kind.is_numeric():
        number, bad = convert(column, Feature("", "number", "point"))
        return ColumnType("number" if number.count() else "empty", "point", int(bad.sum()), _first(column, bad))
    if kind in (pl.Date, pl.Datetime):
        return ColumnType("date", "ymd" + _clock(convert(column, Feature("", "date", "ymd"))[0]))
    if kind not in (pl.String, pl.Categorical, pl.Enum):
        return ColumnType("unusable", str(kind))
    if len(column) > 2 * HEAD_ROWS:
        head = _read_text(stripped(column.drop_nulls().head(HEAD_ROWS)))
        if head.kind == "category" and not head.bad:  # long texts are not looked at to their end
            return head
    return _read_text(stripped(column))


def _read_text(text: pl.Series) -> ColumnType:
    present = _present(text).drop_nulls()
    if not len(present):
        return ColumnType("empty") if not text.count() else ColumnType("category")
    number = _read_number(present)
    if number.bad <= _allowed(present):
        return number
    values = set(present.head(HEAD_ROWS).str.to_lowercase().unique())
    if any(values <= set(pair) for pair in PAIRS):
        values = set(present.str.to_lowercase().unique())
        if any(values == set(pair) for pair in PAIRS):
            return ColumnType("boolean")
    date = _read_date(present)
    if date is not None and date.bad <= _allowed(present):
        return date
    mostly = number.bad < len(present) / 2
    return ColumnType("category", "", number.bad, number.example) if mostly else ColumnType("category")


def _allowed(present: pl.Series) -> int:
    """Return how many bad values a column may have: one where the share says little."""
    return max(len(present) // MOST_BAD, int(len(present) >= MOST_BAD // 5))


def _read_number(present: pl.Series) -> ColumnType:
    point = _values(present, "number", "point").is_null()
    comma = ~present.str.contains(_COMMA) | (point & ~present.str.contains("[.,]"))
    bad, mark = min((int(point.sum()), "point"), (int(comma.sum()), "comma"))
    if point.sum() != comma.sum():
        return ColumnType("number", mark, bad, _first(present, point if mark == "point" else comma))
    return ColumnType("number", "either", bad, _first(present, point if bad else present.str.contains(_GROUPED) & ~comma))


def _read_date(present: pl.Series) -> ColumnType | None:
    head = present.head(HEAD_ROWS)
    orders = [order for order, pattern in _DATES.items() if int(head.str.contains(pattern).sum()) > 0.9 * len(head)]
    if not orders:
        return None
    found = {order: _values(present, "date", order) for order in orders}
    order = min(found, key=lambda each: found[each].null_count())
    moments = found[order]
    reading = ColumnType("date", order + _clock(moments), moments.null_count(), _first(present, moments.is_null()))
    if len(orders) == 1 or found["dmy"].null_count() != found["mdy"].null_count() or found["dmy"].equals(found["mdy"]):
        return reading
    points = bool(head.str.contains(r"^[0-9]+\.[0-9]+\.").all())  # nobody writes points with the month first
    return reading if points else replace(reading, format=UNCLEAR + _clock(moments))


def _clock(moments: pl.Series) -> str:
    return " time" if bool((moments.dt.time() != datetime.time(0)).any()) else ""


def _first(column: pl.Series, where: pl.Series) -> str:
    found = column.filter(where)
    return str(found[0]) if len(found) else ""


# ---- turning a column into what it is


def numbers_of(column: pl.Series) -> pl.Series:
    """Return a column as Float64, by the decimal mark that its values are written with; null for what is no number."""
    found = read(column)
    return convert(column, Feature("", "number", "comma" if found.format == "comma" else "point"))[0]


def stripped(column: pl.Series) -> pl.Series:
    """Return text without blanks around it; null where nothing is left."""
    if isinstance(column.dtype, pl.List):  # as ``ColumnProfile`` shows it
        column = column.cast(pl.List(pl.String)).list.join("|", ignore_nulls=True)
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def convert(column: pl.Series, feature: Feature) -> tuple[pl.Series, pl.Series]:
    """Return the values as Float64, Boolean, Datetime or String, null where missing, and where one is bad (Boolean)."""
    if feature.kind == "category":
        text = stripped(column)
        return text, text.is_null() & False
    if column.dtype in (pl.Categorical, pl.Enum, pl.Null):
        column = column.cast(pl.String)
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
    return _booleans(column) if kind == "boolean" else _moments(column, form.removesuffix(" time"))


def _present(text: pl.Series) -> pl.Series:
    """Return text with null for the words that say that nothing is there."""
    return text.set(text.is_in(_MISSING), None)


def _numbers(column: pl.Series, mark: str) -> pl.Series:
    """Return Float64; null for what is no finite number."""
    if column.dtype == pl.String:
        values = _text_numbers(column, mark)
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        values = column.cast(pl.Float64)
    else:
        return pl.repeat(None, len(column), dtype=pl.Float64, eager=True)
    return values.set(~(values.abs() <= LARGEST), None)  # NaN counts as beyond everything


def _text_numbers(text: pl.Series, mark: str) -> pl.Series:
    if mark == "comma":
        written = text.set(~text.str.contains(_COMMA), None).str.replace_all(rf"{_GAP}.]", "")
        return written.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    values = text.cast(pl.Float64, strict=False)
    if values.null_count() == text.null_count():
        return values
    grouped = text.set(~text.str.contains(_GROUPED), None)
    if grouped.null_count() == len(text):
        return values
    return values.fill_null(grouped.str.replace_all(rf"{_GAP},]", "").cast(pl.Float64, strict=False))


def _booleans(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    if column.dtype.is_numeric():
        return column.replace_strict({0: False, 1: True}, default=None, return_dtype=pl.Boolean)
    if column.dtype != pl.String:
        return pl.repeat(None, len(column), dtype=pl.Boolean, eager=True)
    words = {"1": True, "0": False} | {word: word == pair[0] for pair in PAIRS for word in pair}
    return column.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def _moments(column: pl.Series, order: str) -> pl.Series:
    """Return Datetime in microseconds; a time zone is dropped, so that the hour is the one on the wall."""
    if column.dtype == pl.Datetime:
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us"))
    if column.dtype != pl.String:
        return pl.repeat(None, len(column), dtype=pl.Datetime("us"), eager=True)
    parts = column.str.extract_groups(_DATES[order]).struct.unnest()
    day, clock = pl.col("d").fill_null("1"), [pl.col(part).fill_null("0") for part in "HMS"]
    written = pl.concat_str(pl.concat_str("y", "m", day, separator="-"), pl.concat_str(clock, separator=":"), separator=" ")
    return parts.select(written.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")).to_series()
