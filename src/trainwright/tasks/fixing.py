"""Labels that a person corrected, laid over those of the source as it is read: the result is that of an edited source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from trainwright.data.files.folders import absolute
from trainwright.data.read import fixes
from trainwright.data.tables.spelling import fold, tidy
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected, places
from trainwright.errors import error
from trainwright.watch import words
from trainwright.watch.events import Note

AT = "__at__"  # the place of a row among those of its part
NEW = "__new__"  # and its new label
FIXED = "fixed"  # the column that says of which rows the label was corrected
BETWEEN = "|"  # labels of a row
NEAR = 1e-5  # of their standard deviation: how exactly numbers are written


class Lines(NamedTuple):
    """The rows of one file or folder, as ``splitting.Part`` has them."""

    frame: pl.DataFrame
    file: str

    @property
    def files(self) -> pl.Series:
        """Return the file of each row; a picture may be one of its own."""
        where = places(self.file, self.frame["row"].to_numpy())["file"]
        return where + "/" + self.frame["name"] if self.alone else where  # type: ignore[no-any-return]

    @property
    def numbers(self) -> pl.Series:
        """Return the number of each row in its file; null where it is a file of its own."""
        rows = pl.Series(places(self.file, self.frame["row"].to_numpy())["row"], dtype=pl.Int64)
        return rows.clear(len(rows)) if self.alone else rows

    @property
    def alone(self) -> bool:
        """Return whether each row is a file of its own."""
        return "name" in self.frame.columns and bool((self.frame["name"] != "").all())


def fixed(path: Path, parts: Mapping[str, Lines]) -> dict[str, tuple[pl.DataFrame, list[Rejected]]]:
    """Return the rows of each part with the labels that the file at ``path`` says, and apart those that it leaves out.

    Raise E494 for a row with two labels, E495 for one that is not there, E496 where its label is not the one that was
    corrected, E497 for a label that is none, and as ``fixes.read``.
    """
    wanted = fixes.read(path).with_row_index("line")
    files = [part.files for part in parts.values()]
    full = {file: absolute(file) for each in files for file in each.unique().to_list()}
    wanted = wanted.with_columns(key=_known(wanted["file"], full.values()))
    twice = wanted.filter(wanted.select("key", "row").is_duplicated())
    if len(twice):
        raise error("E494", path=path, file=twice["file"][0], row=twice["row"][0])
    found, rest = {}, wanted
    for (name, part), each in zip(parts.items(), files, strict=True):
        here = pl.DataFrame({"key": each.replace_strict(full, return_dtype=pl.String), "row": part.numbers})
        here = here.with_row_index(AT).join(wanted, on=["key", "row"], nulls_equal=True, maintain_order="left")
        rest = rest.filter(~pl.col("line").is_in(here["line"].implode()))
        found[name] = _corrected(path, part, here)
    if len(rest):
        raise error("E495", path=path, file=rest["file"][0], row=rest["row"][0])
    return found


def _known(said: pl.Series, full: Iterable[str]) -> pl.Series:
    """Return the full path of each file, as seen from here; one that is not there may be known by its name alone."""
    there = {*full}
    names: dict[str, list[str]] = {}
    for file in there:
        names.setdefault(Path(file).name, []).append(file)

    def known(file: str) -> str:
        path, alike = absolute(file), names.get(Path(file).name, [])
        return alike[0] if path not in there and len(alike) == 1 else path

    words = said.unique().to_list()
    return said.replace_strict({word: known(word) for word in words}, return_dtype=pl.String)


def _corrected(path: Path, part: Lines, here: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejected]]:
    """Return the rows of one part with their new labels, and those that are left out.

    ``here``: of each row that is named its place, the label that it is given, and its new one.
    """
    old = part.frame["label"]
    old = tidy(old) if old.dtype == pl.String else old
    here = here.with_columns(
        was=old.gather(here[AT]), old=_typed(path, here["given"], old.dtype), **{NEW: _typed(path, here["label"], old.dtype)}
    )
    near = NEAR * float(old.std() or 0) if old.dtype == pl.Float64 else 0.0  # type: ignore[arg-type]
    edited = []
    for row in here.iter_rows(named=True):
        checked = row["given"] is not None
        if checked and not (_same(row["was"], row["old"], near) or _same(row["was"], row[NEW], near)):
            where = {"file": row["file"], "row": row["row"]}
            raise error("E496", path=path, **where, found=_said(row["was"]), given=_said(row["old"]))
        edited.append(row["given"] != row["label"] if checked else not _same(row["was"], row[NEW], near))
    changes = here.filter(pl.Series(edited, dtype=pl.Boolean)).select(AT, NEW, pl.lit(True).alias(FIXED))
    frame = part.frame.with_row_index(AT).join(changes, on=AT, how="left", maintain_order="left")
    frame = frame.with_columns(pl.col(FIXED).fill_null(False))
    frame = frame.with_columns(pl.when(FIXED).then(NEW).otherwise("label").alias("label"))
    gone = pl.col(FIXED) & pl.col(NEW).is_null()
    left = Lines(frame.filter(gone), part.file)
    rows = left.numbers.fill_null(0).to_list()
    rejected = [Rejected(file, row, _left_out(path)) for file, row in zip(left.files.to_list(), rows, strict=True)]
    return frame.filter(~gone).drop(AT, NEW), rejected


def _left_out(path: Path) -> str:
    return f"left out by {path.name}"


def _typed(path: Path, cells: pl.Series, kind: pl.DataType) -> pl.Series:
    """Return labels as those of the rows are: names, numbers, or sets. Raise E497 for one that cannot be."""
    cells = cells.cast(pl.String)
    if kind == pl.List:
        return pl.Series([None if cell is None else _set(cell) for cell in cells], dtype=pl.List(pl.String))
    if kind == pl.String:
        return cells
    numbers = cells.cast(pl.Float64, strict=False)
    bad = cells.filter((numbers.is_null() & cells.is_not_null()) | ~numbers.is_finite())
    if len(bad):
        raise error("E497", path=path, value=bad[0])
    return numbers


def _set(cell: str) -> list[str]:
    """Return the labels of a cell: ``a|b``, or a list of JSON; ``[]`` is none."""
    if cell.startswith("["):
        try:
            return sorted({str(each) for each in json.loads(cell)})
        except ValueError:
            pass
    return sorted({part.strip() for part in cell.split(BETWEEN)} - {""})


def _same(was: Any, said: Any, near: float) -> bool:
    """Return whether two labels are the same, but for how people type; numbers as ``near`` as a model can tell them apart."""
    if isinstance(was, str) and isinstance(said, str):
        return was == said or fold(was) == fold(said)
    if isinstance(was, float) and isinstance(said, float):
        return abs(was - said) <= near
    return bool(was == said)


def written(label: Any) -> str:
    """Return a label as a cell of such a file has it."""
    if not isinstance(label, list):
        return str(label)
    plain = label and not any(BETWEEN in each or each.startswith("[") for each in label)
    return BETWEEN.join(label) if plain else json.dumps(label)


def _said(label: Any) -> str:
    return "none" if label is None else written(label)


def told(path: Path | None, frame: pl.DataFrame, rejected: list[Rejected]) -> tuple[dict[str, Any], list[Note]]:
    """Return what ``data.json`` says of corrections, and a note; nothing where there is no file of them."""
    if path is None:
        return {}, []
    counts = dict(frame.filter(pl.col(FIXED).fill_null(False))["split"].value_counts().sort("split").iter_rows())
    out = sum(each.reason == _left_out(path) for each in rejected)
    by_split = {NAMES[number]: count for number, count in counts.items()}
    return {"fixed": {"file": path.name, "corrected": by_split, "left_out": out}}, [_note(path.name, by_split, out)]


def _note(name: str, corrected: Mapping[str, int], out: int) -> Note:
    rows = ", ".join(f"{count:,} of {split}" for split, count in corrected.items())
    why = f"by {name}" + (f": {rows}" if rows else "") + (f"; {words.counted(out, 'row')} left out" if out else "")
    return Note("corrected", words.counted(sum(corrected.values()), "label"), why)
