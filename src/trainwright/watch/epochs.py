"""The table of epochs: which scores get a column, and which ones give way where there is no room for all.

Promises: a score that no epoch has gets no column; a row is at most as wide as it may be, unless even the epoch and its
loss do not fit; names of a person's own metrics are cleaned and cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trainwright.watch import measures, words
from trainwright.watch.events import Epoch, Scores
from trainwright.watch.screen import Line

BEST = f"{words.STAR} best"
_CELL = 9
_EPOCH, _SECONDS = ("", "epoch"), ("", "seconds")

ColumnHead = tuple[str, str]
"""Part (train, valid or none) and measure."""


class EpochColumns(NamedTuple):
    """The columns that are shown, and the spaces between them."""

    columns: Sequence[ColumnHead] = ()
    gap: int = 3


def cells(event: Epoch) -> dict[ColumnHead, str]:
    """What an epoch has to show, in the order of the columns; a score that has no meaning here has no cell."""
    found = {_EPOCH: words.count(event.epoch)}
    for part, scores in (("train", event.train), ("valid", event.valid)):
        found |= {(part, name): measures.write(name, value) for name, value in _scores(scores)}
    return {**found, _SECONDS: f"{event.seconds:.2f}"}


def _scores(scores: Scores | None) -> Iterable[tuple[str, float]]:
    if scores is None:
        return []
    accuracy = [] if scores.accuracy is None else [("accuracy", scores.accuracy)]
    more = [(name, value) for name, value in scores.metrics.items() if value is not None]
    return [("loss", scores.loss), *accuracy, *more]


def choose(columns: Iterable[ColumnHead], width: int) -> EpochColumns:
    """The layout of ``columns`` in ``width`` cells: closer together where that is enough, else without the least."""
    kept = sorted(columns, key=_place)
    while True:
        for gap in (3, 2):
            layout = EpochColumns(kept, gap)
            if len(kept) <= 2 or words.width(heading(layout).text) <= width:
                return layout
        kept.remove(max(kept, key=lambda column: _rank(column, kept)))


def _place(column: ColumnHead) -> int:
    """The epoch first, then train, valid, and the seconds last; within a part the order in which the scores came."""
    return -1 if column == _EPOCH else ("train", "valid", "").index(column[0])


def _rank(column: ColumnHead, columns: Sequence[ColumnHead]) -> tuple[int, int]:
    """How early a column is given up: the greatest first."""
    part, name = column
    if column == _EPOCH:
        return -1, 0
    if column == _SECONDS:
        return 5, 0
    kind = 0 if name == "loss" else 1 if name in measures.LEADING else 2
    order = measures.LEADING.index(name) if kind == 1 else columns.index(column)
    return ((0, 1, 3) if part == "valid" else (2, 4, 6))[kind], order


def heading(layout: EpochColumns) -> Line:
    """The names of the columns."""
    titles = [_title(column) for column in layout.columns]
    return Line(f"{_row(titles, layout)}{' ' * layout.gap}{BEST}", "bold", (*titles, BEST))


def row(values: Mapping[ColumnHead, str], layout: EpochColumns, best: bool) -> Line:
    """One epoch."""
    shown, mark = [values.get(column, "-") for column in layout.columns], words.STAR if best else ""
    text = _row(shown, layout) + (" " * layout.gap + mark if mark else "")
    return Line(text, "green" if best else "", (*shown, mark))


def _title(column: ColumnHead) -> str:
    part, name = column
    return f"{part} {measures.short(name)}".strip()


def _row(texts: Sequence[str], layout: EpochColumns) -> str:
    shown = [
        words.pad(text, -max(words.width(_title(column)), 5 if column == _EPOCH else 8 if column == _SECONDS else _CELL))
        for text, column in zip(texts, layout.columns, strict=True)
    ]
    return "  " + (" " * layout.gap).join(shown)
