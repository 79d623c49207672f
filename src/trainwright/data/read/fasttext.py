"""fastText lines: ``__label__`` and the label, or several of them, then the text.

Labels are String; List(String) where a line of the first part of the file has several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import polars as pl

from trainwright.data.files.content import FileContent
from trainwright.data.files.encoding import text_fault
from trainwright.data.read.formats import OpenedParts, Part, Sample, Sniffed, parse_lines, recognized
from trainwright.data.tables.table import ROW

FASTTEXT = "__label__"
_LABEL = re.compile(rf"(?:^|(?<=\s)){FASTTEXT}\S")


def sniff(sample: Sample) -> Sniffed | None:
    """Return the format where half of the first lines have a label."""
    labelled = sum(line.startswith(FASTTEXT) for line in sample.lines)
    if not labelled or labelled * 2 < len(sample.lines):
        return None
    return recognized("fasttext", f"{labelled} of its first {len(sample.lines)} lines start with {FASTTEXT}", has_header=False)


def open_parts(content: FileContent, sniffed: Sniffed) -> OpenedParts:
    return partial(_parts, content)


def _parts(content: FileContent) -> Iterator[Part]:
    several: bool | None = None
    for before, lines in content.lines():
        rows, numbers, bad = parse_lines(lines, before + 1, _row)
        if several is None:
            several = any(len(labels) > 1 for labels, _ in rows)
        kept = [place for place, (labels, _) in enumerate(rows) if several or len(labels) == 1]
        many = [(numbers[place], len(labels)) for place, (labels, _) in enumerate(rows) if not several and len(labels) > 1]
        bad += [(number, f"more than one label ({count} of them), which no line before it has") for number, count in many]
        told: list[Any] = [rows[place][0] if several else rows[place][0][0] for place in kept]
        label = pl.Series("label", told, dtype=pl.List(pl.String) if several else pl.String)
        text = pl.Series("text", [rows[place][1] for place in kept], dtype=pl.String)
        yield pl.DataFrame([label, text, pl.Series(ROW, [numbers[place] for place in kept], dtype=pl.Int64)]), sorted(bad)


def _row(line: str) -> tuple[list[str], str | None] | str:
    """Return labels and text, or what is wrong with the line."""
    if not _LABEL.match(line):
        return f"no {FASTTEXT} at the start of the line"
    if fault := text_fault(line):
        return fault
    labels, text = [], line
    while _LABEL.match(behind := text.lstrip()):
        label, _, text = behind.removeprefix(FASTTEXT).replace("\t", " ", 1).partition(" ")
        labels.append(label)
    if FASTTEXT in text and _LABEL.search(text):
        return f"a {FASTTEXT} behind the text"
    return labels, text or None
