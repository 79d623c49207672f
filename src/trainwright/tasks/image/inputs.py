"""The pictures of whatever a person points a trained model at: image files, folders of them, arrays, tables of file names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.files.content import require
from trainwright.data.files.folders import printable
from trainwright.data.images.arrays import to_pixels
from trainwright.data.images.decode import decode_one
from trainwright.data.images.headers import SUFFIXES, Unusable, image_format
from trainwright.data.images.pictures import Pictures
from trainwright.data.images.storage import Files, Inputs, decode, fit_in_memory, store
from trainwright.data.read import image_folders
from trainwright.data.read import images as imagesource
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Rejected
from trainwright.errors import error
from trainwright.tasks.image.reading import ImageColumns, read_labelled
from trainwright.tasks.supervised import FileRows

NAME = "__name__"  # reserved column: what a picture is called in answers
Unit = tuple[pl.DataFrame, Pictures]  # rows with ROW and NAME, and the pictures that some of them have


def labelled(path: Path, columns: ImageColumns, size: tuple[int, int], channels: int) -> FileRows:
    """Return pictures with their labels, read as in training; of a source with several splits, those of the test split.

    Raise SourceError for what cannot be read, DataError E213 for a table without the label column.
    """
    pictures = read_labelled(path, columns)
    pictures, inputs = _stored(pictures, size, channels, fit_in_memory([pictures], size, channels))
    frame = pl.DataFrame({ROW: pictures.rows})
    return FileRows(frame, inputs, pictures.labels, len(pictures.rejected), _left_out(pictures.rejected))


def unlabelled(paths: Sequence[Path], columns: ImageColumns, size: tuple[int, int], channels: int) -> FileRows:
    """Return pictures without labels, in the order of the paths. What cannot be used is named in the notes.

    Raise SourceError (E140 for a single image file that cannot be used, E142 where none can; E101, E149 and others for what
    holds no pictures), and DataError E274 for a folder without images.
    """
    for path in paths:
        require(path)
    if len(paths) == 1 and paths[0].is_file() and _is_image(paths[0]):
        return _file_rows(_named([printable(str(paths[0]))]), decode_one(paths[0], size, channels)[None], [])
    units = _units(paths, columns)
    in_memory = fit_in_memory([each for _, each in units], size, channels) or any(each.paths is None for _, each in units)
    frames, inputs, rejected = [], [], []
    for frame, found in units:
        pictures, given = _stored(found, size, channels, in_memory)
        frames.append(frame.filter(pl.col(ROW).is_in(pl.Series(pictures.rows).implode())))
        inputs.append(given)
        rejected += pictures.rejected
    return _file_rows(pl.concat(frames, how="diagonal_relaxed"), _joined(inputs), rejected)


def _file_rows(frame: pl.DataFrame, inputs: Inputs, rejected: list[Rejected]) -> FileRows:
    return FileRows(frame.drop(NAME), inputs, None, len(rejected), _left_out(rejected), frame[NAME].to_list())


def _units(paths: Sequence[Path], columns: ImageColumns) -> list[Unit]:
    """Return what the paths hold; image files that follow each other are one unit, so that they are decoded side by side."""
    units: list[Unit] = []
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            if not (found := image_folders.images_below(path)):
                raise error("E274", path=path, suffixes=", ".join(sorted(SUFFIXES)))
            files += found
        elif _is_image(path):
            files.append(path)
        else:
            units += [_of_files(files)] if files else []
            files = []
            units.append(_of_array(path) if imagesource.holds_images(path) else _of_table(path, columns))
    return units + ([_of_files(files)] if files else [])


def _is_image(path: Path) -> bool:
    """Return whether it is called an image or begins like one."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with suppress(OSError, Unusable), path.open("rb") as file:
        image_format(file)
        return True
    return False


def _of_files(paths: list[Path]) -> Unit:
    names = [printable(str(path)) for path in paths]
    return _named(names), _pictures(names[0] if len(names) == 1 else str(paths[0].parent), names, paths, None)


def _of_array(path: Path) -> Unit:
    """Return the pictures of an IDX or NumPy file; its labels are not looked for."""
    pixels = to_pixels(imagesource.read_array(path), str(path))
    names = [f"{printable(str(path))}:{row}" for row in range(1, len(pixels) + 1)]
    return _named(names), _pictures(str(path), names, None, pixels)


def _of_table(path: Path, columns: ImageColumns) -> Unit:
    """Return the rows of a table that name an image, by the column that training used where the file has it. Raise E149."""
    table = read_table(path)
    known = columns.get("image", "")
    column, _ = image_folders.image_column(table, known if known in table.columns else "")
    if not column:
        raise error("E149", path=path, why="no column holds names of image files")
    names = table.frame[column].cast(pl.String).str.strip_chars().fill_null("")
    frame = table.frame.with_columns(names.alias(NAME))
    rejected = list(table.rejected) + [
        Rejected(table.file, row, "no name of an image") for row in frame.filter(pl.col(NAME) == "")[ROW].to_list()
    ]
    frame = frame.filter(pl.col(NAME) != "")
    names = frame[NAME]
    pictures = _pictures(table.file, names.to_list(), [path.parent / name for name in names.to_list()], None)
    return frame, replace(pictures, rows=frame[ROW].to_numpy(), rejected=rejected, by_row=True)


def _named(names: list[str]) -> pl.DataFrame:
    rows = pl.int_range(1, len(names) + 1, dtype=pl.Int64, eager=True)
    return pl.DataFrame({"image": names, ROW: rows, NAME: names})


def _pictures(file: str, names: list[str], paths: list[Path] | None, pixels: np.ndarray | None) -> Pictures:
    nothing = pl.Series([""] * len(names), dtype=pl.String)
    return Pictures(file, nothing, np.arange(1, len(names) + 1, dtype=np.int64), names, paths, pixels, nothing)


def _stored(pictures: Pictures, size: tuple[int, int], channels: int, in_memory: bool) -> tuple[Pictures, Inputs]:
    if in_memory:
        decoded = decode(pictures, size, channels)
        assert decoded.pixels is not None
        return decoded, decoded.pixels
    stored = store(pictures, size, channels, in_memory=False)
    return stored.pictures, stored.inputs


def _joined(inputs: list[Inputs]) -> Inputs:
    if len(inputs) == 1:
        return inputs[0]
    if isinstance(first := inputs[0], Files):
        return Files([path for each in inputs if isinstance(each, Files) for path in each.paths], first.size, first.channels)
    return np.concatenate(inputs)  # type: ignore[arg-type]  # all are in memory, or none is


def _left_out(rejected: list[Rejected]) -> list[str]:
    if not rejected:
        return []
    named = [f"{each.file}{f', row {each.row}' if each.row else ''}: {each.reason}" for each in rejected[:20]]
    more = [f"... and {len(rejected) - 20:,} more"] if len(rejected) > 20 else []
    return [f"left out: {line}" for line in [*named, *more]]
