"""fastText lines: ``__label__`` and the label, then the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from sys import intern

import polars as pl

from trainwright.data.files.content import FileContent
from trainwright.data.files.encoding import text_fault
from trainwright.data.read.formats import OpenedParts, Part, Sample, Sniffed, recognized
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
        labels: list[str] = []
        texts: list[str | None] = []
        numbers: list[int] = []
        bad: list[tuple[int, str]] = []
        for number, line in enumerate(lines, start=before + 1):
            if fault := line.strip() and _fault(line):
                bad.append((number, intern(fault)))  # millions may have the same
            elif line.strip():
                label, _, text = line.removeprefix(FASTTEXT).replace("\t", " ", 1).partition(" ")
                labels.append(label)
                texts.append(text or None)
                numbers.append(number)
        yield pl.DataFrame({"label": labels, "text": texts, ROW: numbers}, schema=schema), bad


def _fault(line: str) -> str:
    labels = len(_LABEL.findall(line)) if FASTTEXT in line[1:] else line.startswith(FASTTEXT)
    if labels > 1:
        return f"more than one label ({labels} of them)"
    if not labels or not line.startswith(FASTTEXT):
        return f"no {FASTTEXT} at the start of the line"
    return text_fault(line)
