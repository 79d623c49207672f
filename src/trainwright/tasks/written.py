"""How files that a model is used on are written, where a person says that they are not as those of training were."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwright.data.read.options import KEYS, READING
from trainwright.errors import error, help_of

MARKS, ORDERS = ("point", "comma"), ("ymd", "dmy", "mdy")  # with which formats of numbers and of dates begin
CHANGED = {"decimal": MARKS, "dates": ORDERS}


def settings_of(given: Mapping[str, Any], task: str, verb: str, source: Any) -> dict[str, str]:
    """Return settings of how the file ``source`` is written, as ``train`` takes them: each by its type.

    Raise E320 for any other keyword, E302 for a value that cannot be, E321 for a setting that the task does not have, E354 for
    no file: None, or data in memory, which may have numbers as text all the same.
    """
    for name, value in given.items():
        if name not in READING:
            problem = f"of a run, {verb} takes only how a file is written: {', '.join(READING)}"
            raise error("E320", name=name, value=value, problem=problem, help=help_of(verb))
    from trainwright.config.resolve import resolve  # most predictions have no use for it

    typed = resolve(given, task=task)
    said = {name: str(getattr(typed, name)) for name in given}
    if not isinstance(source, Path):
        for name in said.keys() & (READING if source is None else KEYS):
            raise error("E354", word=f"{name}={given[name]}", verb=verb)
    return said


def useful(columns: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, str]:
    """Return what is said of numbers and dates, without that for which no column of a bundle has a use."""
    read = [columns.get("written"), *columns.get("features", ())]
    formats = [str(each["format"] if isinstance(each, Mapping) else each or "") for each in read]
    first = {each.partition(" ")[0] for each in formats}
    return {key: said[key] for key, words in CHANGED.items() if key in said and first.intersection(words)}


def as_written(columns: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a bundle as they are in files that are written as ``said``; what is not said, as in training.

    Raise E329 for a decimal mark, or an order of dates, that no column has a use for.
    """

    def form(written: str) -> str:
        """Return the format of a number or a date with what is said in the place of its first word."""
        first, blank, rest = written.partition(" ")
        key = next((key for key, words in CHANGED.items() if key in said and first in words), "")
        return said[key] + blank + rest if key else written

    def read(value: Any) -> Any:
        """Return how a column is read: a format, or a feature with one."""
        return {**value, "format": form(value["format"])} if isinstance(value, Mapping) else form(value) if value else value

    found = {**columns, "said": {key: said[key] for key in KEYS if key in said}}
    if "written" in columns:
        found["written"] = read(columns["written"])
    if "features" in columns:
        found["features"] = [read(feature) for feature in columns["features"]]
    for key in CHANGED.keys() & said.keys() - useful(columns, said).keys():
        what = "numbers" if key == "decimal" else "dates"
        raise error("E329", key=f"{key}={said[key]}", why=f"the model reads no column of {what}")
    return found
