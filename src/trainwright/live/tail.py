"""Files of a run as they grow: whole lines from where the last look ended, and curves that keep a bounded number of points.

Promises: nothing is locked, written or waited for; a link, a pipe or a device is never opened as a file; one look reads a
bounded number of bytes, and what is kept does not grow with the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from trainwright.plain_files import regular

PART = 4 << 20  # bytes of one look at a file; a longer line is passed over
_MARK = 256  # bytes before the place that tell whether the file is still the one that was read


def modified(path: Path) -> float:
    """Return when a file was written to, in seconds; 0 where there is none."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def signature(path: Path) -> tuple[int, ...]:
    """Return what changes with a file's content; empty where there is none."""
    try:
        state = path.lstat()
    except OSError:
        return ()
    return state.st_ino, state.st_size, state.st_mtime_ns


class News(NamedTuple):
    """Lines that came since the last look; ``anew`` where they begin at the start, as the file is another than before."""

    anew: bool
    lines: list[bytes]


class Lines:
    """The lines of a file that is appended to, and cut back when a run is gone on with; a torn last line waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._begin()

    def _begin(self) -> None:
        self._place, self._mark, self._skipping = 0, b"", False

    def read(self) -> News:
        """Return what is new, at most ``PART`` bytes of it: the rest at the next look."""
        seen = signature(self._path)
        if seen == self._seen:
            return News(False, [])
        try:
            with regular(self._path) as (descriptor, state):
                anew = self._begin_anew(descriptor, state.st_size)
                data = os.pread(descriptor, PART, self._place)
        except OSError:
            gone = self._place > 0
            self._begin()
            return News(gone, [])
        if len(data) < PART:
            self._seen = seen  # as it was before the file was read: what is written meanwhile is news
        return News(anew, self._take(data))

    def _begin_anew(self, descriptor: int, size: int) -> bool:
        start = self._place - len(self._mark)
        if size >= self._place and os.pread(descriptor, len(self._mark), start) == self._mark:
            return False
        self._begin()
        return True

    def _take(self, data: bytes) -> list[bytes]:
        """Return the whole lines of ``data`` and go on behind them."""
        end = data.rfind(b"\n") + 1
        if not end and len(data) == PART:
            end, self._skipping = len(data), True
            self._mark, self._place = data[-_MARK:], self._place + end
            return []
        lines = data[:end].split(b"\n")[:-1]
        self._mark, self._place = (self._mark + data[:end])[-_MARK:], self._place + end
        if lines and self._skipping:
            self._skipping = False
            return lines[1:]
        return lines


class Curve:
    """Points in the order of their place, at most ``most``: when there are more, every other one goes, and so on from there.

    The last one is always there. A point whose place is not beyond the last takes what follows it back, as a resumed run does.
    """

    def __init__(self, most: int) -> None:
        self._most, self._every, self._since = most, 1, 0
        self._points: list[tuple[float, Any]] = []
        self._last: tuple[float, Any] | None = None

    def add(self, place: float, value: Any) -> None:
        """Add a point."""
        if self._last and place <= self._last[0]:
            self.cut(place)
        self._last = (place, value)
        self._since += 1
        if self._since >= self._every or not self._points:
            self._points.append(self._last)
            self._since = 0
        if len(self._points) >= self._most:
            del self._points[1::2]
            self._every *= 2

    def cut(self, place: float) -> None:
        """Take back all points from ``place`` on."""
        while self._points and self._points[-1][0] >= place:
            self._points.pop()
        if self._last and self._last[0] >= place:
            self._last = self._points[-1] if self._points else None

    @property
    def points(self) -> list[tuple[float, Any]]:
        """Return the points, the last one among them."""
        behind = self._last and (not self._points or self._points[-1][0] < self._last[0])
        return [*self._points, self._last] if behind and self._last else list(self._points)
