"""Where the console's lines go: a pipe or file (plain lines), a terminal (lines and a bar), a notebook, or nowhere.

A screen that has gone away (closed pipe, lost connection) is given up without a word: looking at a run must not end it.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, TextIO

from trainwright.watch import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text


class Line(NamedTuple):
    """One line to print; ``style`` is a rich style (``bold``, ``dim`` ...) that plain screens leave out.

    ``cells`` are the columns of ``text`` where it is a row of a table, for a screen that has tables of its own; ``table`` tells
    one table from another. A line that goes on with the row before it has cells that are empty.
    """

    text: str
    style: str = ""
    cells: Sequence[str] = ()
    table: str = "epochs"


class Bar(NamedTuple):
    """How far something is: ``share`` in [0, 1], or None where it is not known; ``facts`` with the best first."""

    title: str
    share: float | None
    facts: Sequence[str]

    @property
    def text(self) -> str:
        """Return it as a line."""
        done = [] if self.share is None else [f"{100 * self.share:.0f} %"]
        return "  " + "   ".join([self.title, *done, *self.facts])


class Screen:
    """Shows nothing. ``interval``: seconds between two calls of ``bar``; ``width``: cells in a line.

    ``lost`` is why nothing can be shown any more, None as long as it can.
    """

    interval = math.inf
    width = 100
    lost: BaseException | None = None

    def lines(self, lines: Sequence[Line]) -> None:
        """Print ``lines``, above the bar where there is one."""

    def bar(self, bar: Bar) -> None:
        """Show how far it is."""

    def stop(self) -> None:
        """Take the bar away; the next one puts it back."""


class Plain(Screen):
    """Plain lines into a pipe or a file; instead of a bar, a line now and then so that a log shows life."""

    interval = 30.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def lines(self, lines: Sequence[Line]) -> None:
        if self.lost:
            return
        text = "".join(words.shown(line.text, self._stream.encoding).rstrip() + "\n" for line in lines)
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as problem:  # ValueError: the stream was closed
            self.lost = problem

    def bar(self, bar: Bar) -> None:
        self.lines([Line(bar.text)])


class Live(Screen):
    """A terminal: lines with a bar below them, drawn by rich and only when told."""

    interval = 0.2

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._encoding = stream.encoding
        self._console = Console(file=stream, force_terminal=True)
        self._window: int | None = None
        with suppress(OSError, AttributeError):  # a terminal that some editor only imitates
            self._window = stream.fileno()
        self._live = RichLive(
            console=self._console,
            auto_refresh=False,  # no thread of its own: nothing competes with training
            transient=True,
            # Only what goes to a terminal may be led past the bar; a redirected stdout keeps its data.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )

    @property
    def width(self) -> int:  # type: ignore[override]
        """Return the width of the window as it is now; rich by itself looks at stdin's window, not at the stream's."""
        if self._window is not None:
            with self._guard():
                self._console.width = os.get_terminal_size(self._window).columns or 80
        return self._console.width

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, SystemExit) as problem:  # SystemExit: rich's own answer to a broken pipe
            self.lost = problem

    def lines(self, lines: Sequence[Line]) -> None:
        if self.lost or not lines:
            return
        parts = [part for line in lines for part in ((line.text.rstrip(), line.style), ("\n", ""))]
        text = self._text(parts)
        with self._guard():
            self._console.print(text, soft_wrap=True, end="")

    def bar(self, bar: Bar) -> None:
        if self.lost:
            return
        with self._guard():
            self._live.start()
            self._live.update(self._text(_parts(bar, self.width)), refresh=True)

    def stop(self) -> None:
        with self._guard():
            self._live.stop()

    def _text(self, parts: Sequence[tuple[str, str]]) -> Text:
        """Return a rich Text, never markup: what people write in brackets stays as it is."""
        from rich.text import Text

        shown = [(words.shown(text, self._encoding), style) for text, style in parts]
        return Text.assemble(*shown, no_wrap=True, overflow="ellipsis")


def _parts(bar: Bar, width: int) -> list[tuple[str, str]]:
    """Return title, bar and facts with their styles; what does not fit is left out from the end."""
    done = [] if bar.share is None else [f"{100 * bar.share:3.0f} %"]
    facts = [*done, *bar.facts]
    least = 2 + len(bar.title) + 2 + (10 if done else 0)
    while facts and least + len("  ".join(facts)) + 3 > width:
        facts.pop()
    shown = "  ".join(facts)
    head = [("  ", ""), (bar.title, "bold"), ("  ", "")]
    if bar.share is None:
        return [*head, (shown, "")]
    cells = max(0, min(40, width - len(bar.title) - len(shown) - 8))
    full = round(cells * bar.share)
    return [*head, ("\u2501" * full, "cyan"), ("\u2500" * (cells - full), "dim"), ("  " + shown, "")]
