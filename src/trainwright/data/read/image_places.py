"""Where the images are that a table lists: in its cells, or in files that they name by a path, a name or an id.

Paths count from the folder of the table, whatever marks stand between their parts. Where none of them is there, the images are
looked for in the folders beside the table, and by names without their endings, and what is found is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from trainwright.data.files.folders import entries
from trainwright.data.files.virtual import as_path
from trainwright.data.images.headers import SUFFIXES
from trainwright.data.tables.table import NUMBER, ROW, SHARD, Table, files_of
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

LOOKED_FOR = 20  # names, to tell where all are


def cell_names(table: Table, column: str) -> pl.Series:
    """Return the names of the images of a column, or where its cells hold them their places; null where a cell is empty."""
    cells = table.frame[column]
    if cells.dtype != pl.Binary:
        return cells.cast(pl.String).str.strip_chars()
    numbers = (table.frame[ROW] & NUMBER).cast(pl.String)
    return pl.select(pl.when(cells.is_not_null()).then("image of row " + numbers)).to_series()


def cell_places(table: Table, column: str, rows: pl.DataFrame) -> tuple[list[Path | bytes], list[Note]]:
    """Return where the images of ``rows`` (``image``, ``ROW``) lie, or what the cells hold; and what a person should know."""
    if table.frame[column].dtype == pl.Binary:
        return rows.join(table.frame.select(ROW, cell=column), on=ROW, how="left", maintain_order="left")["cell"].to_list(), []
    folders = [as_path(file).parent for file in files_of(table.file)]
    names, bases = rows["image"].to_list(), [folders[row >> SHARD] for row in rows[ROW]]
    places: list[Path | bytes] = [_place(base, name) for base, name in zip(bases, names, strict=True)]
    if not names or any(_place(base, name).exists() for base, name in _first(bases, names)):
        return places, []
    for folder in _beside(bases[0]):
        if (found := _in(folder, names)) is not None:
            where = "the folder of the table" if folder == bases[0] else f"{folder.name}/, beside the table"
            return [*found], [Note("images", where, "none is where the column says, and there they are, by their names")]
    return places, []


def by_ids(table: Table, names: Sequence[str]) -> str:
    """Return the first of the columns ``names`` whose values are images without their endings; an empty string for none."""
    with suppress(TrainwrightError):
        folders = _beside(as_path(files_of(table.file)[0]).parent)
        for column in names:
            cells = table.frame[column].head(LOOKED_FOR).cast(pl.String).drop_nulls().to_list()
            if cells and any(_in(folder, cells, ids=True) is not None for folder in folders):
                return column
    return ""


def are_there(table: Table, column: str) -> bool:
    """Return whether the images that a column names are found."""
    if table.frame[column].dtype == pl.Binary:
        return True
    rows = pl.DataFrame({"image": cell_names(table, column), ROW: table.frame[ROW]}).drop_nulls().head(LOOKED_FOR)
    return any(isinstance(place, Path) and place.is_file() for place in cell_places(table, column, rows)[0])


def _place(base: Path, name: str) -> Path:
    place = base / name
    return base / name.replace("\\", "/") if "\\" in name and not place.exists() else place


def _first(bases: list[Path], names: list[str]) -> list[tuple[Path, str]]:
    return list(zip(bases, names, strict=True))[:LOOKED_FOR]


def _beside(base: Path) -> list[Path]:
    """Return the folder of a table, and those in it."""
    return [base, *(entry for entry in entries(base) if entry.is_dir())]


def _in(folder: Path, names: Sequence[str], ids: bool = False) -> list[Path] | None:
    """Return the images of these names in a folder, with their endings or without; None where it does not have the first."""
    tried = [name.replace("\\", "/") for name in names[:LOOKED_FOR]]
    if not ids and any((folder / name).is_file() for name in tried):
        return [folder / name.replace("\\", "/") for name in names]
    if not any((folder / f"{name}{suffix}").is_file() for name in tried for suffix in SUFFIXES):
        return None
    stems = {entry.stem: entry for entry in entries(folder) if entry.suffix.lower() in SUFFIXES}
    return [stems.get(name, folder / name) for name in names]
