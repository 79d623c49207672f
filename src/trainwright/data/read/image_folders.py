"""Image files on disk as labelled pictures: one folder a class, folders of splits, and tables that name files.

Promises: entries are taken in sorted order, hidden ones are passed over, and links to folders below a class are not
followed. No picture is decoded here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.files.folders import PARTS, by_part, entries, files_below, printable
from trainwright.data.images.headers import SUFFIX_PATTERN, SUFFIXES
from trainwright.data.images.pictures import Pictures, from_files
from trainwright.data.read.image_places import by_ids, cell_names, cell_places
from trainwright.data.tables.column_choice import column_of, refuse_unfit
from trainwright.data.tables.column_names import plain
from trainwright.data.tables.label_form import LabelForm
from trainwright.data.tables.profile import MOST
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.data.tables.text_columns import choose_columns
from trainwright.errors import error
from trainwright.watch.events import Note

IMAGE_NAMES = (
    "image", "img", "image_path", "img_path", "path", "file", "filename", "file_name", "filepath", "file_path",
    "image_file", "image_name", "picture", "photo",
)  # fmt: skip
ID_NAMES = (*IMAGE_NAMES, "id", "image_id", "img_id", "id_code", "imageid", "name", "file_id")
_IMAGE_FILE = rf"(?i)^[^:]*[^:/\\]({SUFFIX_PATTERN})\s*$"
SHOWN = 10  # files named in a note; data.json has them all
_ADDRESS = rf"(?i)^\s*[a-z][a-z0-9+.-]+://\S+({SUFFIX_PATTERN})(\?\S*)?\s*$"
LOOKED_FOR = 20  # images of a table, to see whether its paths count from another folder
BY_NAME = 0.5  # of the values of a column of a usual name, that end like image files


def holds(path: Path, head: bytes = b"") -> bool:
    """Return whether some folder in ``path`` holds an image file, at any depth, judged by names alone."""
    return any(map(_is_class, entries(path)))


def _is_class(entry: Path) -> bool:
    return entry.is_dir() and any(path.suffix.lower() in SUFFIXES for path in files_below(entry))


def read(path: Path) -> dict[str, Pictures]:
    """Return the pictures of each split: train, valid, test where there are such folders of classes, else all as train.

    A folder called train is a split when it holds folders of classes itself, and a class like any other when it does not.
    Raise what ``read_folder`` raises.
    """
    _refuse_boxes(path)
    found = by_part(path, holds)
    others = any(_is_class(entry) for entry in entries(path) if entry.name.lower() not in PARTS)
    folders = found if "train" in found and (len(found) > 1 or not others) else {"train": path}
    return {part: read_folder(folder) for part, folder in folders.items()}


def _refuse_boxes(path: Path) -> None:
    """Raise E284 for the layouts of detectors: images in one folder, and in another of text, XML or JSON where things are."""
    folders = {entry.name.lower(): entry for entry in entries(path) if entry.is_dir()}
    pictures = next((folders[name] for name in ("images", "jpegimages") if name in folders), None)
    labels = next((folders[name] for name in ("labels", "annotations") if name in folders), None)
    if pictures and labels and any(each.suffix.lower() in (".txt", ".xml", ".json") for each in files_below(labels)):
        raise error("E284", path=path, images=pictures.name, labels=labels.name)


def read_folder(folder: Path) -> Pictures:
    """Return the pictures of one folder of classes. Raise E102, E141 (none) or E142 (none that can be used)."""
    labels, names, paths = [], [], []
    others: list[str] = []
    for entry in entries(folder):
        for path in files_below(entry) if entry.is_dir() else [entry]:
            if path is entry or path.suffix.lower() not in SUFFIXES:
                others.append(printable(path.relative_to(folder).as_posix()))
                continue
            labels.append(printable(entry.name))
            names.append(printable(path.relative_to(folder).as_posix()))
            paths.append(path)
    if not paths:
        raise error("E141", path=folder)
    classes = list(dict.fromkeys(labels))
    pictures = from_files(str(folder), labels, names, paths, np.arange(1, len(paths) + 1, dtype=np.int64), by_row=False)
    why = f"one folder of images a class: {', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}"
    pictures.notes.append(Note("format", "image folder", why))
    beside = [name for name in others if Path(name).suffix.lower() in SUFFIXES]
    pictures.passed_over = others
    pictures.notes += _passed_over([name for name in others if name not in beside], "is no image", "are no images")
    pictures.notes += _passed_over(beside, "lies in no folder of a class", "lie in no folder of a class")
    return pictures


def _passed_over(names: list[str], one: str, several: str) -> list[Note]:
    """Return a note on files that were passed over, with the names of the first."""
    if not names:
        return []
    count = f"1 file {one}" if len(names) == 1 else f"{len(names):,} files {several}"
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return [Note("passed over", count, shown)]


def images_in(folder: Path) -> list[Path]:
    """Return the image files right in ``folder``. Raise E102."""
    return [entry for entry in entries(folder) if entry.suffix.lower() in SUFFIXES]


def images_below(folder: Path) -> list[Path]:
    """Return the image files in ``folder`` at any depth, by their names, sorted folder by folder. Raise E102."""
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]


def image_column(table: Table, image: str = "") -> tuple[str, str]:
    """Return the column that names image files, and why; two empty strings where there is none.

    Raise E201 where the column given is not there, E243 where it holds lists, E149 where several fit equally well.
    """
    if image:
        found = column_of(table, image)
        refuse_unfit(table, found, "an image", "image=NAME", images=True)
        return found, "as given"
    shares = {name: profile.share(_IMAGE_FILE) for name, profile in table.profiles.items()}
    usual = [name for name in table.columns if plain(name) in IMAGE_NAMES and shares[name] >= BY_NAME]
    if usual:
        return min(usual, key=lambda name: IMAGE_NAMES.index(plain(name))), "a usual name for it, above names of image files"
    likely = [name for name, share in shares.items() if share >= MOST]
    if len(likely) > 1:
        raise error("E149", path=table.file, why=f"{', '.join(map(repr, likely))} fit equally well")
    if not likely:
        _refuse_addresses(table)
    if likely:
        return likely[0], "its values are names of image files"
    ids = by_ids(table, [name for name in table.columns if plain(name) in ID_NAMES])
    return ids, "its values are names of image files, without their endings" if ids else ""


def _refuse_addresses(table: Table) -> None:
    """Raise E281 for a column of addresses of images."""
    for name, profile in table.profiles.items():
        if profile.share(_ADDRESS) >= MOST:
            raise error("E281", name=name, path=table.file, value=profile.head[0])


def read_listed(table: Table, image: str = "", form: LabelForm | None = None) -> Pictures:
    """Return the pictures that a table names, relative to its folder. Rows without picture or label are left out.

    ``form`` says how labels are written; without one they are classes. Raise E149 where no column names image files, E142 where
    no picture can be used, E201 to E205 as ``choose_columns`` does.
    """
    column, why = image_column(table, image)
    if not column:
        raise error("E149", path=table.file, why="no column holds names of image files")
    notes: list[Note] = []
    if form is None:
        chosen = choose_columns(table, (column,))
        form, notes = LabelForm(chosen.labels), chosen.notes
    called = cell_names(table, column).fill_null("").alias("image")
    texts = pl.DataFrame([called, form.read(table.frame), table.frame[ROW]])
    filled = (pl.col("image") != "") & pl.col("label").is_not_null()
    good = texts.filter(filled)
    rejected = list(table.rejected)
    for value, row in texts.filter(~filled).select("image", ROW).iter_rows():
        rejected.append(Rejected(table.file, row, "no label" if value else "no name of an image"))
    names = good["image"].to_list()
    places, found = cell_places(table, column, good)
    pictures = from_files(table.file, good["label"], names, places, good[ROW].to_numpy(), by_row=True)
    pictures.rejected = sorted(rejected + pictures.rejected, key=lambda each: each.row)
    pictures.notes = [*table.notes, Note("image", column, why), *found, *notes]
    return pictures
