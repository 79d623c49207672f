"""Dates and times as people write them: as the clock on the wall shows them, and as instants that can be compared.

A format is the order of the parts (``ymd``, ``dmy``, ``mdy``; ``yymd`` where the year has two digits and comes first, ``my``
without a day), ``compact`` for 20260131, ``clock`` for a time of day alone, ``epoch`` for seconds (or thousandths or
millionths) since 1970. A month may be its English name. Of years with two digits 69 to 99 are of the last century.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import polars as pl

ORDERS = ("ymd", "dmy", "mdy")
PIVOT = 69
LONGEST = 60  # characters of a date, on average
LEAST_COMPACT = 5  # different days of eight digits; chance makes one of a hundred numbers a day
_THREE = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: str(place) for place, name in enumerate(_THREE, start=1)}
MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_NAME = rf"[-/., ]*(?P<n>{MONTH})[-/., ]*"
_WEEKDAY = r"(?i)^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+)?"
_DAY = r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<y>[0-9]{4}|[0-9]{2})"
_CLOCK = (
    r"(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)? *(?P<p>[ap]\.?m\.?)?"
    r" *(?P<z>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?|[ECMP][SD]T|CES?T)?"
)
_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2}
_TIME = rf"(?:(?:[T ,:]+| at ){_CLOCK})?$"
_CJK_YEAR, _CJK_MONTH, _CJK_DAY = r"[\x{5e74}\x{b144}] ?", r"[\x{6708}\x{c6d4}] ?", r"[\x{65e5}\x{c77c}]"
PATTERNS: Mapping[str, str] = {
    "ymd": rf"{_WEEKDAY}(?P<y>[0-9]{{4}})(?:(?:[-/.]|{_CJK_YEAR})(?P<m>[0-9]{{1,2}})|{_NAME})"
    rf"(?:(?:[-/., ]|{_CJK_MONTH})*{_DAY}{_CJK_DAY}?)?(?:{_CJK_MONTH})?{_TIME}",
    "dmy": rf"{_WEEKDAY}{_DAY}(?:[-/.](?P<m>[0-9]{{1,2}})[-/.]|{_NAME.replace('(?P<n>', '(?:of )?(?P<n>')}){_YEAR}{_TIME}",
    "mdy": rf"{_WEEKDAY}(?:(?P<m>[0-9]{{1,2}})[-/.]|{_NAME}){_DAY}[-/., ]+{_YEAR}{_TIME}",
    "yymd": rf"^(?P<y>[0-9]{{2}})[-/.](?P<m>[0-9]{{1,2}})[-/.](?P<d>[0-9]{{1,2}}){_TIME}",
    "my": rf"(?i)^(?:{_NAME}[' ]?(?P<y>[0-9]{{4}})|(?P<m>[0-9]{{1,2}})[-/.](?P<u>[0-9]{{4}}))$",
    "compact": rf"^(?P<y>(?:19|20)[0-9]{{2}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}}){_TIME}",
    "clock": rf"(?i)^{_CLOCK}$",
}
SHORT_YEAR = r"^[0-9]{1,2}(?:[-/. ]+[0-9]{1,2}|[-/. ]*\p{L}+)[-/., ]+[0-9]{2}(?:[T ,]|$)"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
FOREIGN = r"^[0-9]{1,2}\.?(?: de)?[-/ ][^\W\d_]{3,}\.?(?: de)?[-/ .,]+[0-9]{2,4}\b"  # with a month in some other language
_UNITS = ((1e14, 1), (1e11, 1_000), (0.0, 1_000_000))  # of an epoch, by its size: millionths, thousandths, seconds


def wall(column: pl.Series, form: str) -> pl.Series:
    """Return what the clock on the wall showed, Datetime in microseconds, zones dropped; null for what is no such date.

    A time of day is one of 1970-01-01. Fractions of a second that are written out are dropped.
    """
    if column.dtype == pl.Datetime:
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us"))
    if column.dtype == pl.Time:
        return (column.cast(pl.Int64) // 1000).cast(pl.Datetime("us"))
    return _parsed(column, form)["wall"]


def instants(column: pl.Series, form: str) -> pl.Series:
    """Return the same as microseconds since 1970 in UTC, Int64; what names no zone is taken to be in UTC."""
    if column.dtype == pl.Datetime:
        return column.dt.epoch("us")  # a zone is only how it is shown
    if column.dtype in (pl.Date, pl.Time):
        return wall(column, form).dt.epoch("us")
    found = _parsed(column, form)
    return found["wall"].dt.epoch("us") + found["beside"]


def _parsed(column: pl.Series, form: str) -> pl.DataFrame:
    """Return ``wall``, and what is ``beside`` it: the fraction of a second less the zone's offset, in microseconds."""
    nothing = pl.DataFrame({"wall": pl.Series([None] * len(column), dtype=pl.Datetime("us")), "beside": 0})
    if form == "epoch":
        numbers = column.cast(pl.Float64, strict=False) if column.dtype == pl.String or column.dtype.is_numeric() else None
        if numbers is None:
            return nothing
        largest = float(numbers.abs().max() or 0)  # type: ignore[arg-type]
        unit = next(unit for least, unit in _UNITS if largest >= least)
        good = numbers.set(~(numbers.abs() * unit < 4e18), None)
        return nothing.with_columns(wall=(good * unit).cast(pl.Int64).cast(pl.Datetime("us")))
    if column.dtype.is_integer() and form == "compact":
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        return nothing
    if form == "ymd" and len(iso := column.str.contains(_ISO).fill_null(False).arg_true()):  # the usual way is a fast one
        days = column.gather(iso).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
        others = (~column.str.contains(_ISO)).fill_null(False).arg_true()
        rest = _grouped(column.gather(others), form) if len(others) else nothing.clear()
        walls = nothing["wall"].scatter(iso, days).scatter(others, rest["wall"])
        return pl.DataFrame([walls, nothing["beside"].cast(pl.Int64).scatter(others, rest["beside"])])
    return _grouped(column, form)


def _grouped(column: pl.Series, form: str) -> pl.DataFrame:
    """Return the same of cells whose parts a pattern takes apart."""
    parts = column.str.extract_groups(PATTERNS[form]).struct.unnest()
    absent = [pl.lit(None, pl.String).alias(name) for name in "ymdnuHMSfpz" if name not in parts.columns]
    return parts.with_columns(absent).select(_wall(form).alias("wall"), (_fraction() - _offset()).alias("beside"))


def _wall(form: str) -> pl.Expr:
    year = pl.coalesce("y", "u")
    two = pl.when(year.cast(pl.Int32) >= PIVOT).then(pl.lit("19")).otherwise(pl.lit("20")) + year
    year = pl.when(year.str.len_bytes() == 2).then(two).otherwise(year)
    if form == "clock":
        year = pl.when(pl.col("H").is_not_null()).then(pl.lit("1970"))
    named = pl.col("n").str.to_lowercase().str.slice(0, 3).replace_strict(_MONTHS, default=None, return_dtype=pl.String)
    month = pl.coalesce("m", named) if form != "clock" else pl.lit("1")
    hour, late = pl.col("H").cast(pl.Int32), pl.col("p").str.to_lowercase().str.starts_with("p")
    twelve = pl.when(hour.is_between(1, 12)).then(hour % 12 + 12 * late.cast(pl.Int32))
    shown = pl.when(pl.col("p").is_null()).then(hour.fill_null(0)).otherwise(twelve).cast(pl.String)
    clock = pl.concat_str(shown, pl.col("M").fill_null("0"), pl.col("S").fill_null("0"), separator=":")
    day = pl.concat_str(year, month, pl.col("d").fill_null("1"), separator="-")
    written = pl.concat_str(day, clock, separator=" ")
    return written.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")


def _fraction() -> pl.Expr:
    return pl.col("f").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0)


def _offset() -> pl.Expr:
    """Return how far the clock on the wall is ahead of UTC, in microseconds."""
    digits = pl.col("z").str.replace_all(r"[^0-9]", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60
    minutes += digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(pl.col("z").str.starts_with("-")).then(-1).otherwise(1)
    named = pl.col("z").str.to_uppercase().replace_strict(_ZONES, default=None, return_dtype=pl.Int64) * 60
    return (pl.coalesce(minutes * sign, named) * 60_000_000).fill_null(0)


def likely(head: pl.Series, dates: str, dated: bool) -> list[str]:
    """Return the orders that most of the first values could be written in.

    ``dates`` is the order that is given, if any; ``dated``: the column is one of dates, by its name or as declared.
    """
    least = (0.5 if dated else 0.9) * len(head)
    if not int(head.str.contains("[0-9]").sum()) > least:
        return []
    orders = [order for order in PATTERNS if int(head.str.contains(PATTERNS[order]).sum()) > least]
    if not dated and "compact" in orders:
        orders.remove("compact")
    numeric = not bool(head.str.contains(rf"(?i){MONTH}").all())
    if dates and numeric:
        wanted = ("ymd", "yymd") if dates == "ymd" else (dates,)
        return [order for order in orders if order not in ("ymd", "dmy", "mdy", "yymd") or order in (*wanted, "ymd")]
    if "yymd" in orders and not bool(head.str.contains(r"^[0-9]{2}-").any()):
        orders.remove("yymd")  # nobody begins with two digits of a year but before hyphens
    return orders


def are_compact(head: pl.Series) -> bool:
    """Return whether the first values are all days written as 20260131, and too many different ones to be so by chance."""
    eight = len(head) > 0 and bool(head.str.contains(r"^(?:19|20)[0-9]{6}$").all())
    return eight and head.n_unique() >= LEAST_COMPACT and not wall(head, "compact").null_count()


def why_none(head: pl.Series) -> str:
    """Return why values that look like dates are not read as such, or an empty string."""
    if head.str.len_chars().mean() > LONGEST or not int(head.str.contains("[0-9]").sum()) > 0.5 * len(head):  # type: ignore[operator]
        return ""
    read = pl.DataFrame([wall(head, form).is_not_null().alias(form) for form in PATTERNS if form not in ("compact", "clock")])
    usual = max(read, key=lambda form: int(form.sum()))
    dated = read.select(pl.any_horizontal(pl.all())).to_series()
    if dated.all():
        return f"dates in several forms, such as '{head.filter(usual)[0]}' and '{head.filter(~usual)[0]}'; write them alike"
    if int(dated.sum()) > 0.5 * len(head):
        return f"dates but for some, such as '{head.filter(~dated)[0]}'; columns.NAME=date leaves rows with these out"
    if int(head.str.contains(FOREIGN).sum()) > 0.9 * len(head):
        return f"'{head[0]}' looks like a date whose month is no English word; write 2026-01-31"
    return ""


def has_hours(moments: pl.Series) -> bool:
    """Return whether any moment is not midnight."""
    return bool((moments.dt.time() != datetime.time(0)).any())
