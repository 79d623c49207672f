"""JSON to columns: one object a line, or one document.

Promises: objects with differing keys are united (a missing key is null); a column whose values are all numbers, all
truth values or all text keeps that type; in a mixed column, and for a nested list or object, a value that is not text
is written as JSON text. Keys keep the order in which they first appear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from sys import intern
from typing import Any

import polars as pl

from trainwright.data.table import MOST_COLUMNS, ROW
from trainwright.errors import error

Object = dict[str, Any]
Bad = tuple[int, str]
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # may be half of a pair; only then is a closer look worth it
MANY_CELLS = 1 << 20  # below, empty ones are harmless
MOST_EMPTY = 200  # cells for one that is filled
DEEPEST = 100  # levels; how many more Python could write depends on who calls
_INT64 = range(-(2**63), 2**63)


def parse_lines(lines: Sequence[str]) -> tuple[list[Object], list[int], list[Bad]]:
    """The objects, their line numbers, and (line number, reason) for each line that holds none."""
    objects: list[Object] = []
    numbers: list[int] = []
    rejected: list[Bad] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        value = _parse_line(line)
        if isinstance(value, str):
            rejected.append((number, intern(value)))  # millions may have the same
        else:
            objects.append(value)
            numbers.append(number)
    return objects, numbers, rejected


def _parse_line(line: str) -> Object | str:
    """The object, or what the line holds instead."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict):
            return f"{_kind(value)} where a JSON object is expected"
        _require_text(line, value)
        _require_shallow(line, value)
    except UnicodeEncodeError:
        return "half a surrogate pair or a damaged byte, which no text can hold"
    except RecursionError:
        return "nested too deeply"
    except ValueError as problem:
        return f"not valid JSON: {_short(problem)}"
    return value


def _require_text(source: str, value: object) -> None:
    """Raise UnicodeEncodeError for half a surrogate pair, which JSON can spell and a column cannot hold."""
    source.encode()
    if _SURROGATE.search(source):
        json.dumps(value, ensure_ascii=False).encode()


def _require_shallow(source: str, value: object) -> None:
    """Raise RecursionError for more than ``DEEPEST`` lists and objects inside each other."""
    if source.count("[") + source.count("{") <= DEEPEST:
        return
    level = [value]
    for _ in range(DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = list(chain.from_iterable(inside))
        if not level:
            return
    raise RecursionError


def parse_document(text: str, path: Path) -> tuple[list[Object], list[int], list[Bad]]:
    """The same for a list of objects, or an object of equally long lists; numbers count from 1.

    Raises:
        SourceError: text that is not JSON (E113) or JSON of another shape (E114).
    """
    try:
        document = json.loads(text)
        _require_text(text, document)
        _require_shallow(text, document)
    except UnicodeEncodeError as problem:
        raise error("E113", path=path, why="half a surrogate pair or a damaged byte in it") from problem
    except RecursionError as problem:
        raise error("E113", path=path, why="nested too deeply") from problem
    except ValueError as problem:
        line = getattr(problem, "lineno", 0)
        where = f"{path}, line {line}" if line else str(path)
        raise error("E113", path=path, why=_short(problem), where=where) from problem
    values = _rows_of(document, path)
    objects = [(number, value) for number, value in enumerate(values, start=1) if isinstance(value, dict)]
    rejected = [
        (number, f"{_kind(value)} where a JSON object is expected")
        for number, value in enumerate(values, start=1)
        if not isinstance(value, dict)
    ]
    return [value for _, value in objects], [number for number, _ in objects], rejected


def _rows_of(document: object, path: Path) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise error("E114", path=path, found=_kind(document))
    if not document or not all(isinstance(column, list) for column in document.values()):
        raise error("E114", path=path, found="an object whose values are not all lists")
    lengths = {len(column) for column in document.values()}
    if len(lengths) > 1:
        raise error("E114", path=path, found=f"lists of differing length ({', '.join(map(str, sorted(lengths)))})")
    return [dict(zip(document, values, strict=True)) for values in zip(*document.values(), strict=True)]


def to_frame(objects: list[Object], numbers: list[int], path: Path) -> pl.DataFrame:
    """The objects as columns, with ``ROW`` last.

    Raises:
        SourceError: a key called ``__row__`` (E116), more than ``MOST_COLUMNS`` keys (E170), or keys so different that
            next to every cell would be empty (E171).
    """
    names = list(dict.fromkeys(name for value in objects for name in value))
    if ROW in names:
        raise error("E116", path=path, name=ROW)
    if len(names) > MOST_COLUMNS:
        raise error("E170", path=path, limit=f"{MOST_COLUMNS:,}")
    cells = len(names) * len(objects)
    if cells > max(MANY_CELLS, MOST_EMPTY * sum(map(len, objects))):
        raise error("E171", path=path, objects=f"{len(objects):,}", keys=f"{len(names):,}")
    columns = [_column(name, [value.get(name) for value in objects]) for name in names]
    return pl.DataFrame([*columns, pl.Series(ROW, numbers, dtype=pl.Int64)])


def _column(name: str, values: list[Any]) -> pl.Series:
    types = {type(value) for value in values if value is not None}
    if types <= {str}:
        return pl.Series(name, values, dtype=pl.String)
    if types == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if types == {int} and all(value is None or value in _INT64 for value in values):
        return pl.Series(name, values, dtype=pl.Int64)
    if types == {float} or (types == {int, float} and _exact(values)):
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    return pl.Series(name, [_as_text(value) for value in values], dtype=pl.String)


def _exact(values: Iterable[Any]) -> bool:
    """Whether the whole numbers among them can be floats without changing."""
    return all(not isinstance(value, int) or abs(value) <= 2**53 for value in values)


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(value: object) -> str:
    kinds = {list: "a list", dict: "an object", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _short(problem: ValueError) -> str:
    if isinstance(problem, json.JSONDecodeError):
        return f"{problem.msg} at column {problem.colno}"
    return "a number with too many digits"
