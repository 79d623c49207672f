"""A JSON document: a list of objects, an object that holds one such list, or a frame as pandas writes it."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from trainwright.data.files.content import FileContent
from trainwright.data.files.encoding import decode
from trainwright.data.read.formats import OpenedParts, Sample, Sniffed, by_suffix, recognized
from trainwright.data.read.json_records import json_schema, kind_of, require_storable, short, to_frame
from trainwright.errors import error


def sniff(sample: Sample) -> Sniffed | None:
    """Return the format where the text begins like a document."""
    first = sample.start[:1]
    listed = first == "[" and (by_suffix(sample.suffix) in ("json", "jsonl") or re.match(r"\[\s*[{\]]", sample.start))
    return recognized("json", f"it starts with {first}") if first == "{" or listed else None


def open_parts(content: FileContent, sniffed: Sniffed) -> OpenedParts:
    """Return a function that yields the rows, which are one part and count from 1.

    Raise E113 for text that is not JSON, E114 for JSON of another shape.
    """
    path = content.path
    text = decode(b"".join(content), "utf-8", path).removeprefix("\ufeff")
    try:
        document = json.loads(text)
        require_storable(text, document)
    except UnicodeEncodeError as problem:
        raise error("E113", path=path, why="half a surrogate pair or a damaged byte in it") from problem
    except RecursionError as problem:
        raise error("E113", path=path, why="nested too deeply") from problem
    except ValueError as problem:
        line = getattr(problem, "lineno", 0)
        where = f"{path}, line {line}" if line else str(path)
        raise error("E113", path=path, why=short(problem), where=where) from problem
    objects, numbers, rejected = [], [], []
    for number, value in enumerate(_rows_of(document, path), start=1):
        if isinstance(value, dict):
            objects.append(value)
            numbers.append(number)
        else:
            rejected.append((number, f"{kind_of(value)} where a JSON object is expected"))
    return partial(iter, [(to_frame(objects, numbers, path, json_schema([objects])), rejected)])


def _rows_of(document: object, path: Path) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise error("E114", path=path, found=kind_of(document))
    values = list(document.values())
    if len(values) > 1 and all(isinstance(each, dict) for each in values):
        return _rows_of_objects(document)
    lists = {name: each for name, each in document.items() if isinstance(each, list)}
    records = [each for each in lists.values() if each and all(isinstance(one, dict) for one in each)]
    if len(records) == 1:
        return records[0]  # what stands beside it tells of the whole
    if {"columns", "data"} <= lists.keys() <= {"columns", "data", "index"}:  # to_json(orient="split")
        return [
            dict(zip(map(str, lists["columns"]), row, strict=False)) if isinstance(row, list) else row for row in lists["data"]
        ]
    if not values or len(lists) < len(values):
        raise error("E114", path=path, found="an object whose values are not all lists")
    lengths = {len(column) for column in values}
    if len(lengths) > 1:
        raise error("E114", path=path, found=f"lists of differing length ({', '.join(map(str, sorted(lengths)))})")
    return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]


def _rows_of_objects(document: dict[str, dict[str, Any]]) -> list[Any]:
    """Return the rows of an object of objects: each is one, or a column by the numbers of its rows, as pandas writes them."""
    first = next(iter(document.values()))
    if len(first) > len(document) and all(column.keys() == first.keys() for column in document.values()):
        return [{name: column[row] for name, column in document.items()} for row in first]
    return list(document.values())
