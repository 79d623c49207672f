"""Every file of a run folder is read here: anybody may have written it, edited it, or put something else in its place.

What is no plain file is not opened, so that nothing waits for the other end of a pipe or reads a device without end, and no
link leads elsewhere. What is too large, or would take too much memory as values, is refused before it is read.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trainwright.errors import TrainwrightError, error, in_short

LARGEST = 64 << 20  # bytes of a file of words and numbers
ROOM = 240 << 20  # bytes that its values may take in memory, by estimate
SMALL = 1 << 20  # bytes that are never too many
LOG, LINE = 256 << 20, 4 << 20  # bytes of a file that grows with the run, which is read line by line, and of a line
SETTINGS = 8 << 20  # bytes of a file of settings
DOTS = 100  # in a key of TOML, whose reader takes the square of their number
_WORD = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MANY_WORDS = 1 << 18  # above, to take them out would itself take much memory
_LONG = re.compile(rb"\d{19}")  # a whole number of more digits is none that a run would write
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def regular(path: Path, flags: int = os.O_RDONLY) -> Iterator[tuple[int, os.stat_result]]:
    """Open a plain file and give its descriptor and state. Raise OSError for none, and for anything else."""
    descriptor = open_regular(path, flags)
    try:
        yield descriptor, os.fstat(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: Path, flags: int) -> int:
    """Return the descriptor of a plain file, opened without following a link or waiting for anybody. Raise OSError."""
    descriptor = os.open(path, flags | _OPEN, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no ordinary file", str(path))
    return descriptor


def content(path: Path, most: int = LARGEST) -> bytes:
    """Return what a plain file of at most ``most`` bytes holds. Raise OSError."""
    with regular(path) as (descriptor, state), os.fdopen(descriptor, "rb", closefd=False) as file:
        if state.st_size > most:
            raise OSError(0, f"it has {state.st_size:,} bytes, and {most:,} are the most that is read", str(path))
        return file.read(state.st_size)


def from_json(text: bytes, **how: Any) -> Any:
    """Return the value of JSON; ``how`` is for ``json.loads``. Raise ValueError for what is none, or takes too much memory."""
    _check_room(text)
    if _LONG.search(text):
        how.setdefault("parse_int", _whole)
    try:
        return json.loads(text, **how)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _check_room(text: bytes) -> None:
    """Raise ValueError where the values of JSON would take too much memory: lists and objects, words, numbers, and places.

    The numbers in a few long words, such as the history in a checkpoint, are none.
    """
    if len(text) > SMALL:
        needed = 2 * len(text) + _values(text)
        if needed > ROOM and text.count(b'"') < _MANY_WORDS:
            needed = 2 * len(text) + _values(_WORD.sub(b'""', text))
        if needed > ROOM:
            raise ValueError(f"its values would take {needed:,} bytes of memory, and {ROOM:,} are the most")


def _values(text: bytes) -> int:
    """Return about how many bytes the values of JSON take beside their characters."""
    each = {b"[": 72, b"{": 72, b'"': 28, b",": 8} | {str(digit).encode(): 10 for digit in range(10)}
    return sum(size * text.count(mark) for mark, size in each.items())


def _whole(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(f"it holds a whole number of {len(digits):,} digits")
    return int(digits)


def read_json(path: Path) -> Any:
    """Return the value in a file of JSON. Raise OSError and ValueError."""
    return from_json(content(path))


def read_object(path: Path) -> dict[str, Any]:
    """Return the object in a file of JSON. Raise OSError, and ValueError also for any other value."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError("it holds no JSON object")
    return found


def lines(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a plain file that grows with a run, up to one that is torn or too long. Raise OSError."""
    with regular(path) as (descriptor, state), os.fdopen(descriptor, "rb", closefd=False) as file:
        if state.st_size > LOG:
            raise OSError(0, f"it has {state.st_size:,} bytes, and {LOG:,} are the most that is read", str(path))
        while (line := file.readline(LINE)).endswith(b"\n"):
            yield line


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one in each line, up to the first line that is none or is torn. Raise OSError."""
    with suppress(ValueError):
        for line in lines(path):
            each = from_json(line)
            if not isinstance(each, dict):
                return
            yield each


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in a file of TOML. Raise OSError and ValueError."""
    import tomllib

    text = content(path, SETTINGS).decode()
    if any(line.partition("=")[0].count(".") > DOTS for line in text.splitlines()):
        raise ValueError(f"a key has more than {DOTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


@contextmanager
def made_sense_of(path: Path) -> Iterator[None]:
    """Raise E408 where nothing can be made of what a file, or the files of a folder, say: they may say anything; or E424.

    There is no end to what goes wrong when a number is a word, or a list is shorter than another. What the system refuses, and
    what is known to be wrong, is told as it is.
    """
    try:
        yield
    except (TrainwrightError, OSError):
        raise
    except MemoryError:
        raise error("E424", path=path, problem="there is too little memory") from None
    except Exception as problem:
        raise error("E408", path=path, problem=f"what it says does not fit together ({in_short(problem)})") from problem


def damaged(path: Path, problem: Exception) -> TrainwrightError:
    """Return what is said of a file that cannot be read, or holds what it should not: E408."""
    told = problem.strerror if isinstance(problem, OSError) else f"no {problem}" if isinstance(problem, KeyError) else problem
    return error("E408", path=path, problem=told or problem)
