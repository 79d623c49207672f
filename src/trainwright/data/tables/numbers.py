"""Numbers as people write them: thousands and decimal marks, currencies, percent, units, negatives in brackets.

A format is the decimal mark, ``point`` or ``comma``, and the unit behind a blank where there is one (``point $``), or
``duration`` for hours, minutes and seconds as 1:23:45, which become seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from trainwright.watch.events import Note

LARGEST = 3.4e38  # float32 holds no more
_GAP = "[' \u00a0\u202f\u2009\u2019"  # may stand between thousands, as may the mark that is not the decimal one, but not both
_BY_GAP = rf"(?:{_GAP}][0-9]{{3}})+"
_GROUPS = rf"(?:(?:,[0-9]{{3}})+|{_BY_GAP}|(?:,[0-9]{{2}})+,[0-9]{{3}})"  # also 12,34,567
GROUPED = rf"^[+-]?[1-9][0-9]{{0,2}}{_GROUPS}(?:\.[0-9]*)?$"
_WHOLE = rf"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:(?:\.[0-9]{{3}})+|{_BY_GAP}))"
COMMA = rf"^[+-]?(?:{_WHOLE}(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"
CODE = r"^0[0-9]+$"
LONGER = r"^[0-9]{1,3}\.[0-9]*[1-9]0+$"  # with zeros at the end of a fraction that is not all zeros
_SIGNS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20aa\u0e3f\u20ab\u20b4\u20a6\u20b1\u20b8\u20a1"
_NAMES = (
    "USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|RUB|UAH|BRL|MXN|ZAR|KRW|SGD|HKD|TRY|ILS|THB"
    r"|kr\.?|Kr\.?|Rs\.?|Fr\.?|RM"
)
_BEFORE = rf"(?:[A-Z]{{0,2}}[{_SIGNS}]|{_NAMES})"
_WORD = r"[\p{L}\u00b0\u00b5]{1,12}[23\u00b2\u00b3]?"
_BEHIND = rf"(?:[%\u2030{_SIGNS}]|{_WORD}(?:/[0-9]*{_WORD})?(?: \p{{L}}{{1,12}})?\.?)"
_SPACE = r"[ \u00a0\u202f]*"
_WRITTEN = (
    rf"^(?P<o>\()?{_SPACE}(?P<s>[-+])?{_SPACE}(?P<a>{_BEFORE})?{_SPACE}(?P<t>[-+])?{_SPACE}"
    rf"(?P<n>[0-9](?:(?:[0-9.,]|{_GAP}][0-9])*[0-9])?(?:[eE][+-]?[0-9]+)?|[.,][0-9]+){_SPACE}"
    rf"(?P<b>{_BEHIND})?{_SPACE}(?P<c>\))?(?P<e>-)?$"
)
# The last of a number before a unit is a digit: 12.png is the name of a file.
_SAME = {"EUR": "\u20ac", "GBP": "\u00a3"}
_DURATION = r"^([+-])?(?:([0-9]+):)?([0-9]+):([0-5]?[0-9](?:\.[0-9]+)?)$"


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written; ``mark`` is ``either`` where both decimal marks fit."""

    mark: str
    unit: str
    bad: pl.Series  # which of the values are not so written
    units: tuple[str, ...] = ()  # the units that stand side by side, where they are several

    @property
    def format(self) -> str:
        return f"{self.mark} {self.unit}".strip()


def values(text: pl.Series, form: str) -> pl.Series:
    """Return the numbers of a column of text, Float64; null for what is none, or has another unit."""
    if form == "duration":
        return _seconds(text)
    mark, _, unit = form.partition(" ")
    found = _plain(text, mark)
    rest = found.is_null() & text.is_not_null()
    if not rest.any():
        return found
    places = rest.arg_true()
    parts = _parts(text.gather(places))
    bare = pl.Series([unit], dtype=pl.String) if unit else pl.Series([""])
    good = parts["unit"].is_in(["", *bare])
    again = _plain(parts["number"], mark) * parts["sign"]
    return found.scatter(places, again.set(~good, None))


def look(present: pl.Series, decimal: str) -> NumberForm:
    """Tell how values, none of which is missing, are written as numbers: by all of them, or with ``decimal`` as given."""
    plain = _marks(present, decimal)
    if not int(plain.bad.sum()):
        return plain
    head = present.head(1000).str.replace_all("\u2212", "-", literal=True)
    if not int(head.str.contains(_WRITTEN).sum()) > 0.9 * len(head) and int(plain.bad.sum()) > len(present) / 2:
        return plain
    parts = _parts(present)
    counts = parts["unit"].drop_nulls().value_counts(sort=True)
    named = counts.filter(counts["unit"] != "").sort(["count", "unit"], descending=[True, False])
    unit = named["unit"][0] if len(named) else ""
    fits = parts["unit"].is_in([unit] if unit == "%" else [unit, ""])
    marked = _marks(parts["number"].fill_null("x"), decimal)
    bad = marked.bad | ~fits.fill_null(False)
    units = tuple(named["unit"].to_list()[:5]) if len(named) > 1 else ()
    if unit == "%" and bool((parts["unit"] == "").any()):
        units = ("%", "none")
    if int(bad.sum()) >= int(plain.bad.sum()):
        return NumberForm(plain.mark, "", plain.bad, units)
    return NumberForm(marked.mark, unit, bad, units)


def doubt(name: str, example: str) -> list[Note]:
    """Return a note on both things that a number with three digits behind a single mark may mean; none without such one."""
    digits = "".join(letter for letter in example if letter.isdigit() or letter in ",.")
    if "," in digits:
        why = "nothing in the file says that the comma is a decimal mark, so it parts thousands"
        other = f"{digits.replace(',', '.')} with decimal=comma"
        return [Note("thousands", f"{name}: {example} = {digits.replace(',', '')}", f"{why}; {other}")]
    if digits and not digits.startswith("0"):
        why = f"nothing in the file says that the point parts thousands; {digits.replace('.', '')} with decimal=comma"
        return [Note("decimal point", f"{name}: {example} = {digits}", why)]
    return []


def both_marks(present: pl.Series) -> tuple[str, ...]:
    """Return the first number with a decimal point and the first with a decimal comma, where nearly all values are either."""
    plain = [present.filter(present.str.contains(rf"^[+-]?[0-9]+{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}})$")) for mark in (r"\.", ",")]
    return tuple(each[0] for each in plain) if all(map(len, plain)) and sum(map(len, plain)) > 0.9 * len(present) else ()


def same_twice(present: pl.Series) -> tuple[str, ...]:
    """Return two values that are the same number but for zeros at the end of a fraction that is not all zeros: 1.1 and 1.10."""
    written = present.head(1000).unique()
    longer = written.filter(written.str.contains(LONGER))
    shorter = longer.str.strip_chars_end("0")
    both = shorter.is_in(written.implode())
    return (shorter.filter(both).sort()[0], longer.filter(both).sort()[0]) if both.any() else ()


def _marks(present: pl.Series, decimal: str) -> NumberForm:
    point = _plain(present, "point").is_null()
    if decimal == "point":
        return NumberForm("point", "", point)
    comma = ~present.str.contains(COMMA)
    if decimal == "comma":
        return NumberForm("comma", "", comma)
    comma |= point & ~present.str.contains("[.,]")
    if point.sum() == comma.sum():
        return NumberForm("either", "", point)
    return NumberForm("point", "", point) if point.sum() < comma.sum() else NumberForm("comma", "", comma)


def _plain(text: pl.Series, mark: str) -> pl.Series:
    """Return the numbers that have no unit; null for the others, and for what is not finite."""
    if mark == "comma":
        written = text.set(~text.str.contains(COMMA), None).str.replace_all(rf"{_GAP}.]", "")
        found = written.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        return found.set(~(found.abs() <= LARGEST), None)
    found = text.cast(pl.Float64, strict=False)
    if found.null_count() > text.null_count():
        grouped = text.set(~text.str.contains(GROUPED), None)
        if grouped.null_count() < len(text):
            found = found.fill_null(grouped.str.replace_all(rf"{_GAP},]", "").cast(pl.Float64, strict=False))
    return found.set(~(found.abs() <= LARGEST), None)  # NaN counts as beyond everything


def _parts(text: pl.Series) -> pl.DataFrame:
    """Return ``number`` (text), ``sign`` and ``unit`` of each value; all null for one that is not so written."""
    parts = text.str.replace_all("\u2212", "-", literal=True).str.extract_groups(_WRITTEN).struct.unnest()
    signs = parts.select(pl.concat_list("s", "t", "e").list.drop_nulls())["s"]
    brackets = parts["o"].is_not_null()
    negative = brackets | signs.list.contains("-")
    odd = (brackets != parts["c"].is_not_null()) | (signs.list.len() + brackets.cast(pl.UInt32) > 1) | parts["n"].is_null()
    units = [f"{_unit(before)}{_unit(behind)}" for before, behind in parts.select("a", "b").iter_rows()]
    return pl.DataFrame(
        {
            "number": parts["n"].set(odd, None),
            "sign": pl.Series([1.0], dtype=pl.Float64).new_from_index(0, len(text)).set(negative, -1.0),
            "unit": pl.Series(units, dtype=pl.String).set(odd, None),
        }
    )


def _unit(word: str | None) -> str:
    """Return a unit as it is kept: without a dot at its end, blanks or the s of several."""
    if not word:
        return ""
    word = "_".join(word.rstrip(".").split())
    return _SAME.get(word, word[:-1] if len(word) > 3 and word.endswith("s") and word.islower() else word)


def _seconds(text: pl.Series) -> pl.Series:
    parts = text.str.extract_groups(_DURATION).struct.unnest()
    hours, minutes, seconds = (parts[name].cast(pl.Float64).fill_null(0.0) for name in parts.columns[1:])
    sign = (parts[parts.columns[0]] == "-").fill_null(False).cast(pl.Float64) * -2 + 1
    return ((hours * 60 + minutes) * 60 + seconds).set(parts[parts.columns[2]].is_null(), None) * sign
