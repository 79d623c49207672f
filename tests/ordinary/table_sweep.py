"""Made tables read and compared with what they mean: ``python tests/ordinary/table_sweep.py 2000``.

Prints how many columns were read right, how many with a doubt that was said, and the share of those that were misread in
silence, which must be 0; and fails where settings that say everything do not lead to what is meant.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from ordinary_tables import Column, Made, made

from trainwright.data.read.options import ReadOptions
from trainwright.data.read.tables import read_table
from trainwright.data.tables.cast import cast_columns
from trainwright.data.tables.column_choice import declare
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.spelling import unify
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

PLAIN = (
    "their values are numbers",
    "two words for true and false",
    "words that recur",
    "become years,",
    "numbers are taken as",
)


def judge(path: Path, table: Made, settings: dict[str, Any]) -> dict[str, str]:
    """What became of each column: right, said (and how), or silent (and the difference); a refusal is said of all."""
    options = ReadOptions(settings.get("delimiter", ""), settings.get("encoding", ""), "yes" if settings else "auto")
    try:
        read = declare(read_table(path, options), settings.get("columns", {}), settings.get("decimal"), settings.get("dates"))
        chosen = choose_features(read, (), "y", "number" if table.columns["y"].kind == "number" else "class")
        frame, rejected = cast_columns(read.frame, chosen, str(path))
    except TrainwrightError as refused:
        return dict.fromkeys(table.columns, f"said: {refused.code} {refused.what[:150]}")
    rejected = [*read.rejected, *rejected]
    notes = [note for note in (*read.notes, *chosen.notes) if not note.why.startswith(PLAIN)]
    lost = len(next(iter(table.columns.values())).values) - frame.height
    if lost > 0 and len(rejected) >= lost:
        return dict.fromkeys(table.columns, f"said: {lost} rows left out, {rejected[0].reason[:120]}")
    found = {feature.name: feature.kind for feature in chosen.features} | {"y": table.columns["y"].kind}
    return {name: _of_column(name, column, frame, found, notes) for name, column in table.columns.items()}


def _of_column(name: str, column: Column, frame: pl.DataFrame, found: dict[str, str], notes: list[Note]) -> str:
    wrong = _difference(name, column, frame, found)
    if not wrong:
        return "right"
    for note in notes:
        if name in str(note.value).split(", ") or name + ":" in str(note.value) or (name != "y" and name in str(note.value)):
            return f"said: {note.what} {note.value}: {note.why}"[:250]
        if note.what == "encoding" and not "".join([name, *column.cells]).isascii() and "encoding=" in note.why:
            return f"said: {note.why}"[:250]
    return f"silent: {wrong}"


def _difference(name: str, column: Column, frame: pl.DataFrame, found: dict[str, str]) -> str:
    """How a column differs from what is meant; empty where it does not."""
    if name not in found:
        return "it is not there"
    if found[name] != column.kind:
        return f"it is taken for {found[name]}, such as {column.cells[0]!r}"
    got = frame[name].to_list()
    if len(got) != len(column.values):
        return f"{len(got)} rows of {len(column.values)}"
    if name == "y" and column.kind == "category":
        return "" if _classes(got) == _classes(column.values) else f"classes {sorted(set(got))} of {sorted(set(column.values))}"
    for one, other, cell in zip(got, column.values, column.cells, strict=True):
        same = math.isclose(one, other, rel_tol=1e-9) if isinstance(one, float) and isinstance(other, float) else one == other
        if not same:
            return f"{cell!r} is {one!r} and not {other!r}"
    return ""


def _classes(values: list[Any]) -> list[int]:
    """The classes of rows, as the places where each was first seen: two spellings of a class have one."""
    same, _ = unify(Counter(values), merge=False)
    one = [same.get(value, value) for value in values]
    return [one.index(value) for value in one]


def sweep(numbers: range) -> tuple[Counter[str], list[str]]:
    """Counts of columns by what became of them, and what is wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for number in numbers:
            table = made(number)
            path.write_bytes(table.content)
            for given in ({}, table.settings):
                for name, outcome in judge(path, table, given).items():
                    how = outcome.partition(":")[0]
                    counts[f"{'with settings' if given else 'as told'}: {how}"] += 1
                    if how == "silent" or (given and how != "right"):
                        wrong.append(
                            f"{number} {'(with settings) ' if given else ''}{name}: {outcome} | {' | '.join(table.styles)}"
                        )
    return counts, wrong


if __name__ == "__main__":
    counts, wrong = sweep(range(int((sys.argv[1:] or ["2000"])[0])))
    print("\n".join(wrong[:200]))
    for what, count in sorted(counts.items()):
        print(f"{what:24} {count:7,}")
    told = sum(count for what, count in counts.items() if what.startswith("as told"))
    print(f"misread in silence: {counts['as told: silent'] / max(told, 1):.4%} of {told:,} columns")
    sys.exit(bool(wrong))
