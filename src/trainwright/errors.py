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
    "E130": Message(
        "there is no data set named '{name}'",
        "Known data sets: {known}.",
    ),
    "E131": Message(
        "data set '{name}' is not on this machine, and downloads are switched off",
        "Allow the download (no offline=True, no TRAINWRIGHT_OFFLINE), put the file (md5 {md5}) at {path} by hand, "
        "or train on 'python-docs', which needs no download.",
    ),
    "E132": Message(
        "data set '{name}' could not be downloaded: {reason}",
        "Check the connection and try again (what has arrived is kept), put the file (md5 {md5}) at {path} by hand, "
        "or train on 'python-docs', which needs no download.",
    ),
    "E133": Message(
        "a file of data set '{name}' has the wrong content: its md5 is {found}, expected {expected}",
        "Try again later, put the right file at {path} by hand, "
        "or train on 'python-docs', which needs no download.",
    ),
    "E134": Message(
        "the cache folder of data set '{name}' cannot be used: {reason}",
        "Make room or give permission there, or name another folder in TRAINWRIGHT_CACHE; "
        "'python-docs' needs no download and no cache.",
    ),
    "E135": Message(
        "'python-docs' is read from the source files of the standard library, and this Python has none",
        "Train on a file of your own, or use a Python that comes with its library as .py files.",
    ),
}
