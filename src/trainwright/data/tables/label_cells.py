"""The labels of cells that hold several: parted by a mark, lists, objects and columns of 0 and 1."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import polars as pl

from trainwright.data.tables.dtypes import Feature, convert, stripped
from trainwright.data.tables.spelling import tidy

LIST, OBJECT = r"(?s)^(\[.*\]|\{.*\}|\(.*\))$", r"(?s)^\{.*\}$"
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,\[\]'"]+)""")


def sets(lists: pl.Series) -> pl.Series:
    """Return lists of labels as sets: each label tidy, once, in order."""
    frame = lists.alias("label").to_frame()
    labels = pl.element().map_batches(tidy, return_dtype=pl.String)
    return frame.select(pl.col("label").list.eval(labels.drop_nulls().unique().sort())).to_series()


def split(column: pl.Series, mark: str) -> pl.Series:
    """Return the labels of cells, null for an empty one."""
    text = stripped(column.list.join(mark) if isinstance(column.dtype, pl.List) else column)
    return text.str.split(mark)


def lists(column: pl.Series) -> pl.Series:
    """Return the labels of lists, whether of the column's type or as JSON, Python or databases write them; null for others."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    found: list[list[str] | None] = [None if value is None else _listed(value) for value in column.cast(pl.String).to_list()]
    return pl.Series("label", found, dtype=pl.List(pl.String))


def _listed(value: str) -> list[str] | None:
    value = value.strip()
    if value[:1] + value[-1:] not in ("[]", "{}", "()"):
        return [value] if value else None
    if value[0] == "{" and ":" in value:  # an object
        return None
    try:
        given = json.loads(value)
    except ValueError:  # as Python, numpy or a database writes it: ['a', 'b'], {a,b}
        return [one or two or three for one, two, three in _QUOTED.findall(value[1:-1])]
    if any(isinstance(each, dict | list) for each in given):
        return None
    return [each if isinstance(each, str) else json.dumps(each) for each in given if each is not None]


def objects(column: pl.Series) -> pl.Series:
    """Return the keys of objects whose value is 1 or true: List(String), in order; null for what is no object of 0 and 1."""
    found = [None if value is None else _keys(value) for value in column.cast(pl.String).to_list()]
    return pl.Series("label", found, dtype=pl.List(pl.String))


def _keys(value: str) -> list[str] | None:
    try:
        given = json.loads(value if '"' in value else _as_json(value))
    except ValueError:
        return None
    if not isinstance(given, dict) or not all(isinstance(each, int | float) and each in (0, 1) for each in given.values()):
        return None
    return sorted(key for key, each in given.items() if each == 1)


def _as_json(value: str) -> str:
    """Return what Python writes of a dictionary of words as JSON writes it."""
    return re.sub(r"\b(True|False)\b", lambda word: word[0].lower(), value.replace("'", '"'))


def flag(column: pl.Series) -> pl.Series:
    """Return a column of 0 and 1, or of yes and no, as Boolean; null for anything else."""
    if column.dtype == pl.String:
        column = stripped(column).str.replace(r"^([01])\.0*$", "$1")
    return convert(column, Feature("label", "boolean"))[0]


def flags(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Return the names of the columns that are 1; null for a row of which one is neither 0 nor 1."""
    columns = [flag(frame[name]) for name in names]
    known = [column.is_not_null() for column in columns]
    order = sorted(range(len(names)), key=lambda place: names[place])
    both = pl.DataFrame([each.alias(str(place)) for place, each in enumerate(columns)])
    said = [pl.when(pl.col(str(place))).then(pl.lit(names[place], pl.String)) for place in order]
    found = (
        both.select(label=pl.concat_list(said).list.drop_nulls()).to_series()
        if len(frame)
        else pl.Series("label", [], pl.List(pl.String))
    )
    whole = known[0]
    for each in known[1:]:
        whole &= each
    return found.set(~whole, None) if not whole.all() else found
