"""Objects of JSON to columns, wherever they come from.

Promises: objects with differing keys are united (a missing key is null); a column whose values are all numbers, all
truth values or all text keeps that type; in a mixed column, and for a nested list or object, a value that is not text
is written as JSON text. Keys keep the order in which they first appear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from trainwright.data.tables.table import MOST_COLUMNS, ROW
from trainwright.errors import error

Object = dict[str, Any]
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # may be half of a pair; only then is a closer look worth it
MANY_CELLS = 1 << 20  # below, empty ones are harmless
MOST_EMPTY = 200  # cells for one that is filled
DEEPEST = 100  # levels; how many more Python could write depends on who calls
_INT64 = range(-(2**63), 2**63)
WIDE, HUGE = "wide", "huge"


def require_storable(source: str, value: object) -> None:
    """Raise UnicodeEncodeError for half a surrogate pair, RecursionError for lists and objects nested beyond ``DEEPEST``."""
    source.encode()
    if _SURROGATE.search(source):
        json.dumps(value, ensure_ascii=False).encode()
    if source.count("[") + source.count("{") <= DEEPEST:
        return
    level = [value]
    for _ in range(DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = list(chain.from_iterable(inside))
        if not level:
            return
    raise RecursionError


@dataclass
class JsonSchema:
    """The keys of all objects and the types of their values, how many objects there are, and their filled cells.

    Beside ``int`` stands ``WIDE`` where a float would not hold a number, and ``HUGE`` where 64 bits would not.
    """

    keys: dict[str, set[type | str]] = field(default_factory=dict)
    objects: int = 0
    cells: int = 0


def json_schema(parts: Iterable[list[Object]]) -> JsonSchema:
    """Survey all objects; the types of more columns than a table can hold are not looked at."""
    found = JsonSchema()
    for objects in parts:
        found.objects += len(objects)
        found.cells += sum(map(len, objects))
        names = dict.fromkeys(name for value in objects for name in value)
        found.keys |= {name: set() for name in names if name not in found.keys}
        if len(found.keys) > MOST_COLUMNS:
            continue
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for value in objects:  # cell by cell: a part may be nearly empty where the whole is not
            for name, each in value.items():
                columns[name].append(each)
        for name, values in columns.items():
            found.keys[name] |= {type(value) for value in values if value is not None}
            whole = [value for value in values if type(value) is int]
            if any(abs(value) > 2**53 for value in whole):
                found.keys[name].add(WIDE if all(value in _INT64 for value in whole) else HUGE)
    return found


def to_frame(objects: list[Object], numbers: list[int], path: Path, found: JsonSchema) -> pl.DataFrame:
    """Return the objects as columns, with ``ROW`` last; ``found`` is the survey of these and of all that belong to them.

    Raise E116 for a key called ``__row__``, E170 for more than ``MOST_COLUMNS`` keys, E171 where most cells would be empty.
    """
    if ROW in found.keys:
        raise error("E116", path=path, name=ROW)
    if len(found.keys) > MOST_COLUMNS:
        raise error("E170", path=path, limit=f"{MOST_COLUMNS:,}")
    if len(found.keys) * found.objects > max(MANY_CELLS, MOST_EMPTY * found.cells):
        raise error("E171", path=path, objects=f"{found.objects:,}", keys=f"{len(found.keys):,}")
    columns = [_column(name, [value.get(name) for value in objects], types) for name, types in found.keys.items()]
    return pl.DataFrame([*columns, pl.Series(ROW, numbers, dtype=pl.Int64)])


def _column(name: str, values: list[Any], types: set[type | str]) -> pl.Series:
    if types == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if int in types and types <= {int, WIDE}:
        return pl.Series(name, values, dtype=pl.Int64)
    if float in types and types <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    texts = [json.dumps(each, ensure_ascii=False) if not isinstance(each, str | None) else each for each in values]
    return pl.Series(name, texts, dtype=pl.String)


def kind_of(value: object) -> str:
    kinds = {list: "a list", dict: "an object", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def short(problem: ValueError) -> str:
    if isinstance(problem, json.JSONDecodeError):
        return f"{problem.msg} at column {problem.colno}"
    return "a number with too many digits"
