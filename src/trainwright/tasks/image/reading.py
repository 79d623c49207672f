"""From a source of any kind to the pictures of its splits: named sets, folders, IDX and NumPy files, tables of file names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.data.read import archive_sets, builtin, idx, image_folders, images
from trainwright.data.read.catalog_entries import ArchiveLayout, IdxLayout
from trainwright.data.read.source import Source
from trainwright.data.read.tables import read_table as table_of
from trainwright.data.tables.split import NAMES, content_keys
from trainwright.data.tables.table import ROW, Table
from trainwright.data.tables.text_columns import choose_columns
from trainwright.errors import error, nearest
from trainwright.tasks.splitting import Part

Parts = dict[str, Pictures]
ImageColumns = dict[str, str]  # ``image`` and ``label`` of a table; empty for anything else


def read(source: Source, settings: Settings) -> tuple[Parts, ImageColumns, Table | None]:
    """Return the pictures of each split, training first; the columns of a table; and the table of the training pictures.

    Raise SourceError for what cannot be read or holds no pictures, DataError E201 to E205, E213 and E272 for columns.
    """
    if source.held:
        return source.held, {}, None
    tables = _tables(source)
    if not tables:
        for key in ("image", "label"):
            if value := getattr(settings, key):
                raise error("E272", key=key, value=value, path=source.name)
        parts, columns = _without_table(source), ImageColumns()
    else:
        columns = columns_of(tables["train"], settings.image, settings.label)
        parts = {name: read_table(table, columns) for name, table in tables.items()}
        for name, path in source.given.items():
            if name not in tables:
                parts[name] = read_labelled(path, columns, name)
    split_key(settings, parts["train"], tables.get("train"))  # before anything is decoded
    return {name: parts[name] for name in NAMES if name in parts}, columns, tables.get("train")


def read_labelled(path: Path, columns: ImageColumns, part: str = "test") -> Pictures:
    """Return the labelled pictures of a path that was named for one split; of one that holds several, those of ``part``.

    ``columns`` are those of the training table. Raise E213 for a table without the label, SourceError for what is unreadable.
    """
    if path.is_dir() or images.holds_images(path):
        return images.of_split(images.read_pictures(path), part)
    table, image, label = table_of(path), columns.get("image", ""), columns.get("label", "")
    if label and label not in table.columns:
        raise error("E213", column=label, file=table.file, hint=nearest(label, table.columns))
    return image_folders.read_listed(table, image if image in table.columns else "", label)


def columns_of(table: Table, image: str, label: str) -> ImageColumns:
    """Return the columns of image files and labels. Raise SourceError E149 and DataError E201 to E205."""
    column, _ = image_folders.image_column(table, image)
    if not column:
        raise error("E149", path=table.file, why="no column holds names of image files")
    chosen = choose_columns(table, (column,), label)
    return {"image": column, "label": str(chosen.label)}


def read_table(table: Table, columns: ImageColumns) -> Pictures:
    """Return the pictures that a table names. Raise E213 where it lacks one of the columns."""
    for name in columns.values():
        if name not in table.columns:
            raise error("E213", column=name, file=table.file, hint=nearest(name, table.columns))
    return image_folders.read_listed(table, columns["image"], columns["label"])


def split_key(settings: Settings, train: Pictures, table: Table | None) -> pl.Series | None:
    """Return the values of the column that decides the split of these pictures, where one does. Raise E213."""
    column = settings.split.partition(":")[2]
    if not column:
        return None
    if table is None or column not in table.columns:
        known = table.columns if table is not None else []
        raise error("E213", column=column, file=train.file, hint=nearest(column, known))
    rows = pl.DataFrame({ROW: train.rows})
    return rows.join(table.frame.select(ROW, column), on=ROW, how="left", maintain_order="left")[column]


def part_of(pictures: Pictures, origin: int, key: pl.Series | None) -> Part:
    """Return the rows as ``assign_splits`` takes them; ``origin`` and ``place`` say where the pixels of each are."""
    frame = pl.DataFrame(
        {
            **content_keys(pictures.keys),
            "label": pictures.labels,
            "row": pictures.rows,
            "name": [""] * len(pictures) if pictures.by_row else pictures.names,
            "origin": np.full(len(pictures), origin, np.uint8),
            "place": np.arange(len(pictures), dtype=np.int64),
            **({} if key is None else {"key": key}),
        }
    )
    return Part(frame, pictures.file, pictures.rejected)


def _tables(source: Source) -> dict[str, Table]:
    """Return the tables of the splits that are tables, where the training split is one."""
    if not source.files:
        return {} if source.name == "digits" else source.tables
    if source.dataset is not None or images.holds_images(source.path or source.files["train"]):
        return {}
    if not any(images.holds_images(path) for path in source.given.values()):
        return source.tables
    return {"train": table_of(source.files["train"])}


def _without_table(source: Source) -> Parts:
    if not source.files:
        return builtin.digits()
    path = source.path or source.files.get("train", Path())
    parts = images.read_pictures(path) if source.dataset is None else _named(source)
    if "train" not in parts:
        raise error("E144", path=path, missing="training images", name="train-images-idx3-ubyte")
    given = {name: each for name, each in source.files.items() if name in ("valid", "test") and each != source.path}
    return parts | {name: read_labelled(each, {}, name) for name, each in given.items()}


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
