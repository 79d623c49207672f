"""The table of epochs: which scores get a column, and which ones give way where there is no room for all.

A score that no epoch has gets no column; names of a person's own metrics are cleaned and cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trainwright.watch import metrics, words
from trainwright.watch.events import Epoch
from trainwright.watch.terminal.screen import Line

BEST = f"{words.STAR} best"
_CELL = 9
_EPOCH, _SECONDS = ("", "epoch"), ("", "seconds")

ColumnHead = tuple[str, str]  # part (train, valid or none) and measure


class EpochColumns(NamedTuple):
    """The columns that are shown, and the spaces between them."""

    columns: Sequence[ColumnHead] = ()
    gap: int = 3


def cells(event: Epoch) -> dict[ColumnHead, str]:
    """Return what an epoch has to show, in the order of the columns; a score that has no meaning here has no cell."""
    found = {_EPOCH: words.count(event.epoch)}
    for part, scores in (("train", event.train), ("valid", event.valid)):
        if scores is not None:
            found |= {(part, name): metrics.find(name).write(value) for name, value in scores.values().items()}
    return {**found, _SECONDS: f"{event.seconds:.2f}"}


def choose(columns: Iterable[ColumnHead], width: int) -> EpochColumns:
    """Lay out ``columns`` in ``width`` cells: closer together where that is enough, else without the least."""
    kept = sorted(columns, key=_place)
    while True:
        for gap in (3, 2):
            layout = EpochColumns(kept, gap)
            if len(kept) <= 2 or words.width(heading(layout).text) <= width:
                return layout
        kept.remove(max(kept, key=lambda column: _rank(column, kept)))


def _place(column: ColumnHead) -> int:
    """Return where a column stands: the epoch first, then train, valid, and the seconds last; within a part as they came."""
    return -1 if column == _EPOCH else ("train", "valid", "").index(column[0])


def _rank(column: ColumnHead, columns: Sequence[ColumnHead]) -> tuple[int, int]:
    """Return how early a column is given up: the greatest first."""
    part, name = column
    if column == _EPOCH:
        return -1, 0
    if column == _SECONDS:
        return 5, 0
    kind = 0 if name == "loss" else 1 if name in metrics.LEADING else 2
    order = metrics.LEADING.index(name) if kind == 1 else columns.index(column)
    return ((0, 1, 3) if part == "valid" else (2, 4, 6))[kind], order


def heading(layout: EpochColumns) -> Line:
    """Return the line with the names of the columns."""
    titles = [_title(column) for column in layout.columns]
    return Line(f"{_row(titles, layout)}{' ' * layout.gap}{BEST}", "bold", (*titles, BEST))


def row(values: Mapping[ColumnHead, str], layout: EpochColumns, best: bool) -> Line:
    """Return the line of one epoch."""
    shown, mark = [values.get(column, "-") for column in layout.columns], words.STAR if best else ""
    text = _row(shown, layout) + (" " * layout.gap + mark if mark else "")
    return Line(text, "green" if best else "", (*shown, mark))


def _title(column: ColumnHead) -> str:
    part, name = column
    return f"{part} {metrics.find(name).short}".strip()


def _row(texts: Sequence[str], layout: EpochColumns) -> str:
    shown = [
        words.pad(text, -max(words.width(_title(column)), 5 if column == _EPOCH else 8 if column == _SECONDS else _CELL))
        for text, column in zip(texts, layout.columns, strict=True)
    ]
    return "  " + (" " * layout.gap).join(shown)
