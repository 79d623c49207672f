"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from trainwright.data.files import content as files
from trainwright.data.read.formats import OpenedParts, Part, Sample, Sniffed, by_suffix, parse_lines, recognized
from trainwright.data.read.json_records import (
    Object,
    json_schema,
    kind_of,
    require_storable,
    short,
    to_frame,
)


def sniff(sample: Sample) -> Sniffed | None:
    """Return the format where half of the first lines are objects, or the file's name and its first character say so."""
    named, mostly = by_suffix(sample.suffix), sum(map(_is_object, sample.lines)) * 2 >= len(sample.lines)
    if sample.start.startswith("{"):
        if named == "jsonl":
            return recognized("jsonl", "by its extension, and it starts with {")
        if mostly and (len(sample.lines) > 1 or named != "json"):
            return recognized("jsonl", "every line is a JSON object")
    elif named == "jsonl" and mostly and not sample.start.startswith("["):
        return recognized("jsonl", "by its extension, and most lines are JSON objects")
    return None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    """Return a function that goes through the lines. What a column holds is told from all of it, so a large file is gone
    through twice."""
    if content.size <= files.HEAD_BYTES:
        seen = None
    else:
        seen = json_schema(parse_lines(lines, 1, _parse_line)[0] for _, lines in content.lines())

    def parts() -> Iterator[Part]:
        for before, lines in content.lines():
            objects, numbers, bad = parse_lines(lines, before + 1, _parse_line)
            yield to_frame(objects, numbers, content.path, seen or json_schema([objects])), bad

    return parts


def _parse_line(line: str) -> Object | str:
    """Return the object, or what the line holds instead."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict):
            return f"{kind_of(value)} where a JSON object is expected"
        require_storable(line, value)
    except UnicodeEncodeError:
        return "half a surrogate pair or a damaged byte, which no text can hold"
    except RecursionError:
        return "nested too deeply"
    except ValueError as problem:
        return f"not valid JSON: {short(problem)}"
    return value
