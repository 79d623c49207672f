"""A run below a notebook's cell: its lines, its table of epochs and a bar, in one display that is updated in place.

IPython is imported only where it already runs. A display holds a bounded number of lines, so that a long run does not send ever
longer pages; a front end that shows no HTML gets plain lines; a kernel that has gone away does not end the run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

from trainwright.watch.terminal.screen import Bar, Line, Screen

_MOST_LINES = 200
_PRE = '<pre style="margin:0;padding:0;background:none;line-height:1.35">'
_TABLE = '<table style="margin:0.4em 0;border-collapse:collapse;font-variant-numeric:tabular-nums">'
_CELL = "text-align:right;padding:0.1em 0.7em;white-space:nowrap"
_HEAD = "text-align:right;padding:0.1em 0.7em;max-width:6.5em;vertical-align:bottom"
_NOTE = "text-align:left;padding:0.1em 0.7em;vertical-align:top;overflow-wrap:anywhere"
_NOTE_WIDTHS = (";white-space:nowrap", ";max-width:16em", ";max-width:44em;opacity:0.75")
_STYLES = {"bold": "font-weight:bold", "dim": "opacity:0.7"}


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook: a shell of ipykernel, or one made from it, is at work."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get() if callable(get) else None
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


class Notebook(Screen):
    """Shows lines and a bar below the cell that runs."""

    interval = 0.25
    width = 1000  # no column of a table gives way: they are narrow, and what is too wide scrolls

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._head: Line | None = None
        self._bar: Bar | None = None
        self._display: Any = None

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if len(self._lines) >= _MOST_LINES:
                self._turn_over(line)
            if line.cells and line.style == "bold":
                self._head = line
            self._lines.append(line)
        if lines:
            self._show()

    def bar(self, bar: Bar) -> None:
        self._bar = bar
        self._show()

    def stop(self) -> None:
        if self._bar is not None:
            self._bar = None
            self._show()

    def _turn_over(self, line: Line) -> None:
        """End this display and begin another one; a table that goes on there gets its heading again."""
        bar, self._bar = self._bar, None
        self._show()
        self._display, self._bar = None, bar
        self._lines = [self._head] if line.cells and self._head and line.table == "epochs" and line.style != "bold" else []

    def _show(self) -> None:
        if self.lost:
            return
        plain = [*(line.text.rstrip() for line in self._lines), *([self._bar.text] if self._bar else [])]
        content = {"text/html": html(self._lines, self._bar), "text/plain": "\n".join(plain)}
        try:
            if self._display is None:
                from IPython.display import display

                self._display = display(content, raw=True, display_id=True)
            else:
                self._display.update(content, raw=True)
        except (ImportError, OSError, ValueError, RuntimeError) as problem:
            self.lost = problem


def html(lines: Sequence[Line], bar: Bar | None) -> str:
    """Return ``lines`` as they are, neighbouring rows of a table as one table, and the bar below."""
    parts = []
    for table, group in groupby(lines, lambda line: line.table if line.cells else ""):
        shown = list(group)
        if table == "notes":
            parts.append(_notes(shown))
        else:
            parts.append(_table(shown) if table else _PRE + "\n".join(map(_line, shown)) + "</pre>")
    return "\n".join([*parts, *([_bar(bar)] if bar else [])])


def _line(line: Line) -> str:
    style = _STYLES.get(line.style)
    text = escape(line.text.rstrip())
    return f'<span style="{style}">{text}</span>' if style else text


def _table(rows: Sequence[Line]) -> str:
    """Return a table of epochs, in which the last one that was the best stands out."""
    lines = []
    best = max((number for number, row in enumerate(rows) if row.style == "green"), default=-1)
    for number, row in enumerate(rows):
        tag, style = ("th", _HEAD) if row.style == "bold" else ("td", _CELL)
        style += f";{_STYLES['bold']}" if number == best else ""
        cells = "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in row.cells)
        lines.append(f"<tr>{cells}</tr>")
    return f'<div style="overflow-x:auto">{_TABLE}\n' + "\n".join(lines) + "\n</table></div>"


def _notes(rows: Sequence[Line]) -> str:
    """Return a table of what was derived or found, whose lines break where the page is narrow."""
    lines = []
    for row in rows:
        if any(row.cells):
            pairs = zip(row.cells, _NOTE_WIDTHS, strict=True)
            cells = "".join(f'<td style="{_NOTE}{width}">{escape(cell)}</td>' for cell, width in pairs)
            lines.append(f"<tr>{cells}</tr>")
    return _TABLE + "\n" + "\n".join(lines) + "\n</table>"


def _bar(bar: Bar) -> str:
    done = "" if bar.share is None else f'<progress max="1" value="{bar.share:.4f}"></progress> {100 * bar.share:.0f} % '
    facts = " &middot; ".join(map(escape, bar.facts))
    return f"<div><b>{escape(bar.title)}</b> {done}{facts}</div>"
