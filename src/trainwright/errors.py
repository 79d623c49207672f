"""Every message a person can meet: a stable code, what happened, where, and how to mend it.

The table below is the single place where such messages are worded. Code raises ``error(code, ...)``; the command
line prints ``str(exception)`` and leaves with ``exception.exit_code``. Codes are never reused or renumbered.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class Message(NamedTuple):
    what: str
    mend: str


class TrainwrightError(ValueError):
    """A problem that the person can mend.

    Attributes:
        code: stable identifier such as ``E101``, documented in ``docs/errors.md``.
        what: one sentence that says what is wrong.
        where: file and row, setting, or run folder; empty where there is none.
        mend: how to mend it.
        exit_code: the command line's exit status; 2, or 3 when training itself had to be refused.
    """

    exit_code = 2

    def __init__(self, code: str, what: str, where: str, mend: str) -> None:
        super().__init__(code, what, where, mend)
        self.code, self.what, self.where, self.mend = code, what, where, mend

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.mend:
            lines.append(f"  mend:  {self.mend}")
        return "\n".join(lines)


class SourceError(TrainwrightError):
    """E1xx: a source that cannot be found, fetched or read."""


class DataError(TrainwrightError):
    """E2xx: the source was read, but its content cannot be trained on."""


class SettingError(TrainwrightError):
    """E3xx: a setting, recipe or command that is not understood."""


class RunError(TrainwrightError):
    """E4xx: a run folder or model bundle that cannot be written or read."""


class TrainingError(TrainwrightError):
    """E5xx: training was refused; the model is left as it was before the refused step."""

    exit_code = 3


class ModelError(TrainwrightError):
    """E6xx: a model or batch of the person's own that does not fit the loop."""


_CLASSES: dict[str, type[TrainwrightError]] = {
    "1": SourceError,
    "2": DataError,
    "3": SettingError,
    "4": RunError,
    "5": TrainingError,
    "6": ModelError,
}


def error(code: str, /, *, where: str = "", hint: str = "", **facts: object) -> TrainwrightError:
    """Make (not raise) the exception of ``code``; ``facts`` fill the placeholders of its message."""
    message = MESSAGES[code]
    mend = " ".join(part for part in (hint, message.mend.format(**facts)) if part)
    return _CLASSES[code[1]](code, message.what.format(**facts), where, mend)


def nearest(word: str, choices: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for the choice nearest to ``word``, or an empty string when none is near."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"Did you mean '{found[0]}'?" if found else ""


MESSAGES: dict[str, Message] = {
    # E101-E129: finding and reading a source
    "E101": Message("there is no file or folder '{path}'", "Check the path; it counts from the folder you are in."),
    "E102": Message("'{path}' cannot be read: {why}", "Make it readable for you, or copy it to a place that is."),
    "E103": Message("'{path}' is empty", "Check how it was written or downloaded."),
    "E104": Message(
        "'{path}' is not a table of text: it looks like {kind}",
        "Export the data as CSV, JSON lines or Parquet; a compressed file may end in .gz or .zst.",
    ),
    "E105": Message("the compressed file '{path}' is damaged: {why}", "Download or compress it again."),
    "E106": Message(
        "'{path}' grows beyond {limit} when it is decompressed",
        "No text shrinks that far. If you trust the file, decompress it first and give the plain file.",
    ),
    "E107": Message(
        "'{path}' has a line longer than {limit}, so it is not one record a line",
        "Write one record a line (CSV or JSON lines), or convert the file to Parquet.",
    ),
    "E108": Message(
        "no known format was recognised in '{path}'",
        "Known are CSV and TSV (any delimiter), JSON, JSON lines, Parquet, fastText lines (__label__x text) and a "
        "folder with one folder of .txt files a class. A table that is named .csv or .tsv is read as one.",
    ),
    "E109": Message("'{path}' has column names but no rows", "Check how it was written; at least one row is needed."),
    "E110": Message("the header of '{path}' names a column more than once: {names}", "Give every column its own name."),
    "E111": Message(
        "none of the {count} rows of '{path}' can be used; the first: {why}",
        "Mend the file, or check that its delimiter and quotes are those of a CSV file.",
    ),
    "E112": Message(
        "the folder '{path}' holds no classes",
        "Give a file, or a folder that holds one folder of .txt files for each class.",
    ),
    "E113": Message("'{path}' is not valid JSON: {why}", "Mend it there; a JSON tool names the same place."),
    "E114": Message(
        "'{path}' holds JSON, but not rows: {found}",
        "Expected is a list of objects, an object of equally long lists, or one object a line.",
    ),
    "E115": Message("'{path}' starts like a Parquet file but cannot be read", "Download or write it again."),
    "E116": Message("'{path}' has a column '{name}', a name that is used inside", "Rename the column."),
    "E117": Message("'{path}' cannot be read as {encoding}: {why}", "Save it as UTF-8."),
    "E118": Message("'{path}' is split into folders ({parts})", "Name the one to read, such as '{part}'."),
    "E119": Message("the header of '{path}' cannot be read: {why}", "Mend the first line of the file."),
    "E120": Message("'{path}' is not plain text: {why}", "Save it as UTF-8 text, or take it out of the folder."),
    # E201-E209: which column is what
    "E201": Message("there is no column '{name}' in '{path}'", "Its columns: {columns}."),
    "E202": Message("it cannot be told which column of '{path}' is the label: {why}", "Name it: label=NAME. {columns}"),
    "E203": Message("it cannot be told which column of '{path}' is the text: {why}", "Name it: text=NAME. {columns}"),
    "E204": Message("column '{name}' of '{path}' cannot be both text and label", "Name two: text=... label=..."),
    "E205": Message(
        "column '{name}' of '{path}' is not a label: {distinct} of its {count} values are different",
        "A label has few values that recur; this looks like free text or an id. Name another: label=NAME. {columns}",
    ),
    "E206": Message("the text column '{name}' is named twice", "Name each text column once."),
}
