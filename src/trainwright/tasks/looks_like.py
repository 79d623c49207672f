"""Which sources are of which kind: each function returns the reason why a source is of its kind, or "" where it is not."""

from __future__ import annotations

from trainwright.data.read.infer_task import Evidence


def text(seen: Evidence) -> str:
    return "one folder of texts a class" if seen.source.form == "folder" else seen.table_of("text")


def image(seen: Evidence) -> str:
    return "it holds images" if seen.source.form == "images" else seen.table_of("image")


def language(seen: Evidence) -> str:
    return "running text, without labels" if seen.source.form == "running text" else ""


def table(seen: Evidence) -> str:
    return seen.table_of("table")
