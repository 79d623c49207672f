"""fastText lines: ``__label__`` and the label, then the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import polars as pl

from trainwright.data.files.content import FileContent
from trainwright.data.files.encoding import text_fault
from trainwright.data.read.formats import OpenedParts, Part, Sample, Sniffed, parse_lines, recognized
from trainwright.data.tables.table import ROW

FASTTEXT = "__label__"
_LABEL = re.compile(rf"(?:^|\s){FASTTEXT}\S")


def sniff(sample: Sample) -> Sniffed | None:
    """Return the format where half of the first lines have a label."""
    labelled = sum(line.startswith(FASTTEXT) for line in sample.lines)
    if not labelled or labelled * 2 < len(sample.lines):
        return None
    return recognized("fasttext", f"{labelled} of its first {len(sample.lines)} lines start with {FASTTEXT}", has_header=False)


def open_parts(content: FileContent, sniffed: Sniffed) -> OpenedParts:
    return partial(_parts, content)


def _parts(content: FileContent) -> Iterator[Part]:
    schema = {"label": pl.String, "text": pl.String, ROW: pl.Int64}
    for before, lines in content.lines():
        rows, numbers, bad = parse_lines(lines, before + 1, _row)
        columns = {"label": [label for label, _ in rows], "text": [text for _, text in rows], ROW: numbers}
        yield pl.DataFrame(columns, schema=schema), bad


def _row(line: str) -> tuple[str, str | None] | str:
    """Return label and text, or what is wrong with the line."""
    labels = len(_LABEL.findall(line)) if FASTTEXT in line[1:] else line.startswith(FASTTEXT)
    if labels > 1:
        return f"more than one label ({labels} of them)"
    if not labels or not line.startswith(FASTTEXT):
        return f"no {FASTTEXT} at the start of the line"
    if fault := text_fault(line):
        return fault
    label, _, text = line.removeprefix(FASTTEXT).replace("\t", " ", 1).partition(" ")
    return label, text or None
