"""Signals: the only module that handles them. The first one ends the run where nothing is lost, the second one at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(SystemExit):
    """SIGTERM or SIGHUP ended the run; the process leaves with what a shell calls it, 143 or 129."""


ENDED = (KeyboardInterrupt, Terminated)


def ended(number: int) -> KeyboardInterrupt | Terminated:
    """Return what a signal raises: Python leaves with 130 only after a KeyboardInterrupt that is no class of ours."""
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(128 + number)


class Signals:
    """While it is entered, a signal raises one of ``ENDED`` at once; within ``waiting`` it is only put down in ``received``.

    After the first signal a second one has the system's own effect. A signal that was ignored before stays ignored (nohup).
    Outside the main thread, where Python has no signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.received = 0
        self._waits = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in HANDLED:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def name(self) -> str:
        """Return the name of the signal that came."""
        return signal.Signals(self.received or signal.SIGINT).name

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)
        if not self._waits:
            raise ended(number)

    @contextmanager
    def waiting(self, waits: bool = True) -> Iterator[None]:
        """Put signals down for ``check`` to raise; with ``waits=False`` inside, they raise at once again."""
        before, self._waits = self._waits, waits
        try:
            if not waits:
                self.check()
            yield
        finally:
            self._waits = before

    def check(self) -> None:
        """Raise one of ``ENDED`` where a signal came."""
        if self.received:
            raise ended(self.received)
