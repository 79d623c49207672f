"""Running text or a table? Told from the first megabytes of a file, for those that may be either (``.txt``)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from trainwright.data.files.content import load
from trainwright.data.files.encoding import LOOKED_AT_BYTES, utf16_side
from trainwright.data.read.sniff import SAMPLE, sniff_loaded
from trainwright.data.tables.column_names import KNOWN, plain
from trainwright.errors import TrainwrightError

TEXT_SUFFIXES = (".txt", ".text", ".md", ".tokens", ".raw")  # the last two as WikiText has them
TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
PUNCTUATION = ",;:"  # in prose white space follows these; in a table a value does


def is_text_name(path: Path) -> bool:
    """Whether the name is that of a text: one of ``TEXT_SUFFIXES``, compressed or not."""
    return path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith(TEXT_SUFFIXES)


def is_prose(path: Path) -> bool:
    """Whether the file is readable text in which no table is recognised."""
    try:
        loaded = load(path, records=False, at_least=4 * SAMPLE + 1)  # more than the sniffer looks at, so it knows of the rest
        if loaded.parquet or loaded.suffix in TABLE_SUFFIXES:
            return False
        loaded = replace(loaded, data=_whole_characters(loaded.data))
        found = sniff_loaded(loaded)
    except TrainwrightError as problem:
        return problem.code == "E108"
    if found.format != "csv":
        return False
    text = loaded.data[: 4 * SAMPLE].decode(found.encoding, "replace").lstrip("\ufeff\r\n")
    return loaded.suffix == ".md" or _only_punctuation(text, found.delimiter)


def _only_punctuation(text: str, delimiter: str) -> bool:
    """Whether what was taken for a delimiter is a mark of prose, under no line of column names."""
    names = [plain(name.strip("\"'")) for name in text.partition("\n")[0].split(delimiter)]
    if len(names) == 1:
        return True
    if delimiter not in PUNCTUATION or sum(name in KNOWN for name in names) > 1:
        return False
    return len(re.findall(re.escape(delimiter) + r"\s", text)) > 0.8 * text.count(delimiter)


def _whole_characters(data: bytes) -> bytes:
    """Without the up to three bytes of a UTF-8 character that the sample's end cut."""
    if utf16_side(data[:LOOKED_AT_BYTES]):
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return data[: problem.start] if problem.reason == "unexpected end of data" else data
    return data
