"""From whatever holds pictures to the pictures: labelled ones for training and measuring, others to be predicted.

Named sets, folders, image files, IDX and NumPy files, arrays, tables of file names.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files.content import require
from trainwright.data.files.folders import printable
from trainwright.data.images.arrays import to_pixels
from trainwright.data.images.decode import decode_one
from trainwright.data.images.headers import SUFFIXES, Unusable, image_format
from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.data.images.storage import Files, Inputs, decode, fit_in_memory, store
from trainwright.data.read import archive_sets, builtin, idx, image_folders, images
from trainwright.data.read.catalog_entries import ArchiveLayout, IdxLayout
from trainwright.data.read.image_places import cell_names, cell_places
from trainwright.data.read.options import ReadOptions
from trainwright.data.read.source import Source
from trainwright.data.read.table_files import find_tables
from trainwright.data.read.tables import read_table
from trainwright.data.tables.column_choice import declare, declared_target
from trainwright.data.tables.dtypes import convert, number_feature
from trainwright.data.tables.fingerprint import of_hex
from trainwright.data.tables.label_form import LabelForm, Target, form_of
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.split import NAMES, content_keys
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.data.tables.text_columns import choose_columns
from trainwright.errors import error, help_of, nearest
from trainwright.tasks.base import need_columns
from trainwright.tasks.cutting import split_column
from trainwright.tasks.splitting import Part
from trainwright.tasks.supervised import FileRows

Parts = dict[str, Pictures]
ImageColumns = dict[str, Any]  # ``image`` of a table, what ``LabelForm`` keeps, and how it was read; empty for anything else
NO_TEXT = "images in folders and arrays are no text"
Unit = tuple[Pictures, pl.DataFrame | None]  # pictures to be asked about, and the rows of the table that names them


def read(source: Source, settings: Settings) -> tuple[Parts, ImageColumns, dict[str, Table]]:
    """Return the pictures of each split, training first; the columns of a table; and the tables of the pictures.

    Raise SourceError for what cannot be read or holds no pictures, DataError E201 to E205, E213 and E272 for columns.
    """
    if isinstance(source.held.get("train"), Pictures):
        table = source.held["train"].table
        return source.held, {}, {} if table is None else {"train": table}
    tables = _tables(source)
    if not tables:
        for key in ("image", "label", "sample_weight"):
            if value := getattr(settings, key):
                raise error("E272", key=key, value=value, path=source.name)
        if settings.target not in (None, "class"):
            raise error("E329", key=f"target={settings.target}", why="images in folders and arrays have a class each")
        source.options.has_no_use_for(source.path or source.name, NO_TEXT)
        parts, columns = _without_table(source), ImageColumns()
    else:
        train = tables["train"] = declare(tables["train"], settings.columns, settings.decimal, settings.dates)
        image = _image_column(train, settings.image or next(iter(train.declared_as("image")), ""))
        chosen = choose_columns(train.without(settings.sample_weight), (image,), settings.label, target=settings.target)
        form, said = form_of(train, chosen.labels, declared_target(train, str(chosen.label), settings.target))
        columns = {"image": image, **form.to_values()}
        parts = {name: _listed(table, columns, form) for name, table in tables.items()}
        parts["train"].notes += [*chosen.notes, *said]
        for name, path in source.given.items():
            if name not in tables:
                parts[name] = read_labelled(path, columns, form.target, name, source.options)
    further_columns(settings, parts["train"], tables.get("train"))  # before anything is decoded
    return {name: parts[name] for name in NAMES if name in parts}, columns, tables


def read_labelled(
    path: Path | Table, columns: ImageColumns, target: Target, part: str = "test", options: ReadOptions | None = None
) -> Pictures:
    """Return the labelled pictures of a path that was named for one split; of one that holds several, those of ``part``.

    A table is read by the ``options``, or as training kept it. ``columns`` are those of the training table, ``target`` is what
    is predicted. Raise E213 for a table without the label, SourceError for what is unreadable.
    """
    if isinstance(path, Path) and (path.is_dir() or images.holds_images(path)):
        return images.of_split(images.read_pictures(path), part)
    table = read_table(path, options or ReadOptions.of_bundle(columns))
    image, form = columns.get("image", ""), LabelForm.from_values(columns, target)
    for label in form.columns:
        if label not in table.columns:
            raise error("E213", column=label, file=table.file, hint=nearest(label, table.columns))
    image = image if image in table.columns else ""
    return image_folders.read_listed(table, image, form if form.columns else None)


def _image_column(table: Table, image: str) -> str:
    """Return the column of image files: as named, else by what is in it. Raise SourceError E149 and DataError E201."""
    column, _ = image_folders.image_column(table, image)
    if not column:
        raise error("E149", path=table.file, why="no column holds names of image files")
    return column


def _listed(table: Table, columns: ImageColumns, form: LabelForm) -> Pictures:
    """Return the pictures that a table names. Raise E213 where it lacks one of the columns."""
    for name in (columns["image"], *form.columns):
        if name not in table.columns:
            raise error("E213", column=name, file=table.file, hint=nearest(name, table.columns))
    return image_folders.read_listed(table, columns["image"], form)


def groups_of(pictures: Pictures, table: Table | None, column: str) -> dict[str, pl.Series]:
    """Return the group of each picture, null where there is none; nothing for a table without the column."""
    there = table is not None and column in table.columns
    return {"group": tidy(_column_of(column, pictures, table))} if there else {}


def further_columns(settings: Settings, train: Pictures, table: Table | None) -> dict[str, pl.Series]:
    """Return what decides the split of each picture, and what it counts in training, where columns say so. Raise E213."""
    found = {}
    if column := split_column(settings):
        found["key"] = _column_of(column, train, table)
    if settings.sample_weight:
        weight = _column_of(settings.sample_weight, train, table)
        found["weight"] = convert(weight, number_feature(weight, settings.decimal or ""))[0]
    return found


def _column_of(column: str, train: Pictures, table: Table | None) -> pl.Series:
    """Return the values of a further column of the table, one a picture. Raise E213."""
    if table is None or column not in table.columns:
        known = table.columns if table is not None else []
        raise error("E213", column=column, file=train.file, hint=nearest(column, known))
    rows = pl.DataFrame({ROW: train.rows})
    return rows.join(table.frame.select(ROW, column), on=ROW, how="left", maintain_order="left")[column]


def part_of(pictures: Pictures, more: dict[str, pl.Series]) -> Part:
    """Return the rows as ``assign_splits`` takes them, with ``more`` columns; ``place`` says where among them the pixels of
    each are."""
    frame = pl.DataFrame(
        {
            **content_keys(pictures.keys),
            "fingerprint": of_hex(pictures.keys),
            "label": pictures.labels,
            "row": pictures.rows,
            "name": [""] * len(pictures) if pictures.by_row else pictures.names,
            "place": np.arange(len(pictures), dtype=np.int64),
            **more,
        }
    )
    return Part(frame, pictures.file, pictures.rejected)


def _tables(source: Source) -> dict[str, Table]:
    """Return the tables of the splits that are tables, where the training split is one."""
    if not source.files:
        return {} if source.name == "digits" else dict(source.tables)
    if source.dataset is not None or (not source.parts and images.holds_images(source.path or source.files["train"])):
        return {}
    pictured = [name for name, path in source.given.items() if images.holds_images(path)]
    return (
        {name: source.open(name).whole() for name in source.files if name not in pictured} if pictured else dict(source.tables)
    )


def _without_table(source: Source) -> Parts:
    if not source.files:
        return builtin.digits()
    path = source.path or source.files.get("train", Path())
    parts = images.read_pictures(path) if source.dataset is None else _named(source)
    if "train" not in parts:
        raise error("E144", path=path, missing="training images", name="train-images-idx3-ubyte")
    given = {name: each for name, each in source.files.items() if name in ("valid", "test") and each != source.path}
    return parts | {name: read_labelled(each, {}, "class", name) for name, each in given.items()}


def _named(source: Source) -> Parts:
    """Return the pictures of a data set of the catalogue. Raise E181 for one that holds none."""
    dataset, files = source.dataset, source.files
    assert dataset is not None
    if isinstance(dataset.layout, IdxLayout):
        names = {str(number): name for number, name in enumerate(dataset.layout.classes)}
        pairs = {part: idx.read_pair(files[f"{part}_images"], files[f"{part}_labels"]) for part in ("train", "test")}
        return {part: replace(each, labels=each.labels.replace(names)) for part, each in pairs.items()}
    if isinstance(dataset.layout, ArchiveLayout) and dataset.layout.kind != "wikitext":
        file, found = str(files["archive"]), archive_sets.read_cifar(files["archive"], dataset.layout.kind)
        return {part: from_pixels(file, pl.Series(labels, dtype=pl.String), each) for part, (each, labels) in found.items()}
    raise error("E181", name=source.name, task=dataset.task)


def labelled(path: Path | Table, columns: ImageColumns, target: Target, size: tuple[int, int], channels: int) -> FileRows:
    """Return pictures with their labels, read as in training; of a source with several splits, those of the test split.

    Raise SourceError for what cannot be read, DataError E213 for a table without the label column.
    """
    options = ReadOptions.of_bundle(columns)
    table = None if isinstance(path, Path) and _has_no_table(path, columns) else read_table(path, options)
    if table is None:
        options.has_no_use_for(path, NO_TEXT)
    pictures = read_labelled(path if table is None else table, columns, target)
    pictures, inputs = _stored(pictures, size, channels, fit_in_memory([pictures], size, channels))
    frame = pl.DataFrame({ROW: pictures.rows})
    group = groups_of(pictures, table, columns.get("group", "")).get("group")
    left = _left_out(pictures.rejected)
    return FileRows(frame, inputs, pictures.labels, len(pictures.rejected), left, content=pictures.keys, group=group)


def _has_no_table(path: Path, columns: ImageColumns) -> bool:
    """Return whether pictures are labelled by where they lie; a model of a table looks for one beside them too."""
    if path.is_dir():
        return not columns.get("image") or find_tables(path) is None
    return images.holds_images(path)


def unlabelled(paths: Sequence[Path], columns: ImageColumns, size: tuple[int, int], channels: int) -> FileRows:
    """Return pictures without labels, in the order of the paths. What cannot be used is named in the notes.

    Raise SourceError (E140 for a single image file that cannot be used, E142 where none can; E101, E149 and others for what
    holds no pictures), and DataError E274 for a folder without images.
    """
    for path in paths:
        require(path)
        if path.is_dir() or is_image(path) or images.holds_images(path):
            ReadOptions.of_bundle(columns).has_no_use_for(path, NO_TEXT)
    if len(paths) == 1 and paths[0].is_file() and is_image(paths[0]):
        names, pixels = [printable(str(paths[0]))], decode_one(paths[0], size, channels)[None]
        return FileRows(pl.DataFrame({"image": names, ROW: [1]}), pixels, None, 0, [], names)
    units = _units(paths, columns)
    in_memory = fit_in_memory([each for each, _ in units], size, channels) or any(each.paths is None for each, _ in units)
    names, frames, inputs, rejected = [], [], [], []
    for found, table in units:
        pictures, given = _stored(found, size, channels, in_memory)
        if table is None:
            frames.append(pl.DataFrame({"image": pictures.names, ROW: pictures.rows}))
        else:
            frames.append(table.filter(pl.col(ROW).is_in(pl.Series(pictures.rows).implode())))
        inputs.append(given)
        rejected += pictures.rejected
        names += pictures.names
    frame = pl.concat(frames, how="diagonal_relaxed")
    return FileRows(frame, _joined(inputs), None, len(rejected), _left_out(rejected), names)


def _units(paths: Sequence[Path], columns: ImageColumns) -> list[Unit]:
    """Return what the paths hold; image files that follow each other are one unit, so that they are decoded side by side."""
    units: list[Unit] = []
    for in_files, group in groupby(paths, lambda path: path.is_dir() or is_image(path)):
        if in_files:
            files = [file for path in group for file in _image_files(path)]
            names = [printable(str(file)) for file in files]
            units.append((_pictures(names[0] if len(names) == 1 else str(files[0].parent), names, list(files), None), None))
        else:
            units += [_of_array(path) if images.holds_images(path) else _of_table(path, columns) for path in group]
    return units


def _image_files(path: Path) -> list[Path]:
    """Return the file itself, or the image files in a folder. Raise E274 where it has none."""
    found = image_folders.images_below(path) if path.is_dir() else [path]
    if not found:
        raise error("E274", path=path, suffixes=sorted(SUFFIXES))
    return found


def is_image(path: Path) -> bool:
    """Return whether it is called an image or begins like one."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with suppress(OSError, Unusable), path.open("rb") as file:
        image_format(file)
        return True
    return False


def _of_array(path: Path) -> Unit:
    """Return the pictures of an IDX or NumPy file; its labels are not looked for."""
    pixels = to_pixels(images.read_array(path), str(path))
    names = [f"{printable(str(path))}:{row}" for row in range(1, len(pixels) + 1)]
    return _pictures(str(path), names, None, pixels), None


def _of_table(path: Path, columns: ImageColumns) -> Unit:
    """Return the rows of a table that name an image, by the column that training used where the file has it. Raise E149."""
    table = read_table(path, ReadOptions.of_bundle(columns))
    known = columns.get("image", "")
    column = _image_column(table, known if known in table.columns else "")
    cells, rows = cell_names(table, column).fill_null(""), table.frame[ROW]
    rejected = [Rejected(table.file, row, "no name of an image") for row in rows.filter(cells == "").to_list()]
    good = pl.DataFrame({"image": cells, ROW: rows}).filter(cells != "")
    pictures = _pictures(table.file, good["image"].to_list(), cell_places(table, column, good)[0], None)
    pictures = replace(pictures, rows=good[ROW].to_numpy(), rejected=[*table.rejected, *rejected], by_row=True)
    return pictures, table.frame.select(pl.exclude(pl.Binary))


def images_of(table: Table, columns: ImageColumns) -> list[Path | bytes]:
    """Return where the image of each row of a table in memory lies, or what its cell holds. Raise E437, E149, and E320."""
    known = columns.get("image", "")
    need_columns(table, [known] if known else [], "image")
    column = known or _image_column(table, "")
    cells = pl.DataFrame({"image": cell_names(table, column), ROW: table.frame[ROW]})
    if empty := cells.filter(pl.col("image").fill_null("") == "")[ROW].to_list():
        problem = f"row {empty[0]:,} names no image"
        raise error("E320", name=column, value=None, problem=problem, help=help_of("predict"))
    return cell_places(table, column, cells)[0]


def _pictures(file: str, names: list[str], paths: list[Path | bytes] | None, pixels: np.ndarray | None) -> Pictures:
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
