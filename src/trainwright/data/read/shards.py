"""Several files that are read as one table, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from pathlib import Path

import polars as pl

from trainwright.data.files.content import HEAD_BYTES
from trainwright.data.tables.table import ROW, SHARD, Rejected, Shards, Table, TableStream
from trainwright.errors import TrainwrightError, error

PACKED = 4  # bytes that one of a file may stand for
EMPTY = ("E103", "E109")  # what is said of a file without rows; beside others it is none to stop for


def open_shards(path: Path, files: Sequence[Path], open_file: Callable[[Path], TableStream]) -> TableStream:
    """Return the records of all files as one table called ``path``.

    Small files at the beginning are one part, as the first alone may not have every class; of the others one is open at a time.
    Columns come in the order that the first file has. Files that may not be read are left out, and named. Raise E184 where a
    file has others, and what ``open_file`` raises.
    """
    closed = _closed(files)
    name = Shards(str(path), tuple(map(str, files)))
    sizes = accumulate(file.stat().st_size for file in files)
    small = sum(1 for _ in takewhile(lambda size: size <= HEAD_BYTES // PACKED, sizes))

    def opened(start: int, end: int) -> Iterator[tuple[int, TableStream]]:
        for place, file in enumerate(files[start:end], start):
            if file in closed and len(closed) < len(files):
                continue
            try:
                stream = open_file(file)
            except TrainwrightError as problem:
                if problem.code not in EMPTY:
                    raise
            else:
                yield place, stream

    begun = list(opened(0, small))
    large = not begun
    if large:
        begun = [next(opened(small, len(files)), None) or (0, open_file(files[0]))]  # where all are empty this raises
    (begin, first), end = begun[0], begun[-1][0] + 1
    kinds = {each: first.head.frame[each].dtype for each in first.head.columns}

    def numbered(table: Table, place: int) -> Table:
        if why := _differing(kinds, table):
            raise error("E184", path=path, file=files[place].name, why=why, first=files[begin].name, where=str(files[place]))
        columns = [table.frame[each] for each in kinds]  # by hand, as a name might be a pattern
        return replace(table, file=name, frame=pl.DataFrame([*columns, table.frame[ROW] + (place << SHARD)]))

    def rest() -> Iterator[Table]:
        if large:
            yield from (numbered(table, begin) for table in first.rest())
        for place, stream in opened(end, len(files)):
            yield from (numbered(table, place) for table in stream.tables())

    head = [numbered(stream.head if large else stream.whole(), place) for place, stream in begun]
    head[0].rejected = [*(Rejected(str(file), 0, why) for file, why in closed.items()), *head[0].rejected]
    return TableStream(TableStream(head[0], lambda: iter(head[1:])).whole(), rest)


def _closed(files: Sequence[Path]) -> dict[Path, str]:
    """Return the files that may not be read, with why."""
    found = {}
    for file in files:
        try:
            file.open("rb").close()
        except OSError as problem:
            found[file] = f"it cannot be read: {problem.strerror}"
    return found


def _differing(kinds: dict[str, pl.DataType], table: Table) -> str:
    """Return what keeps a table from standing below one with columns of these kinds; an empty string where nothing does."""
    lacking, more = [each for each in kinds if each not in table.columns], [each for each in table.columns if each not in kinds]
    if lacking or more:
        said = [f"{word} {', '.join(map(repr, names[:5]))}" for word, names in (("no", lacking), ("also", more)) if names]
        return f"it has {' and '.join(said)}"
    for name, kind in kinds.items():
        found = table.frame[name].dtype
        if found != kind and pl.Null not in (found, kind) and not (found.is_numeric() and kind.is_numeric()):
            return f"column {name!r} is {found} there, and {kind} in the first"
    return ""
