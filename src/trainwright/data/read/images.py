"""From a path to labelled pictures, whatever holds them: folders, a table of file names, IDX files, NumPy's files."""

from __future__ import annotations

from pathlib import Path

from trainwright.data.files.content import require
from trainwright.data.images.pictures import Pictures
from trainwright.data.read import idx, image_folders, npy
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import Table


def holds_images(path: Path) -> bool:
    """Whether ``path`` is a folder of images, of IDX files, or a file of IDX or NumPy. Reads names and a few bytes only.

    A table that names image files is found by ``imagefolders.image_column``. Raises SourceError E101 or E102.
    """
    require(path)
    if path.is_dir():
        return bool(idx.idx_names(path)) or image_folders.holds_classes(path)
    return npy.is_arrays(path) or idx.is_idx(path)


def read_pictures(path: Path, table: Table | None = None, image: str = "", label: str = "") -> dict[str, Pictures]:
    """The pictures by split: ``train``, and ``valid`` and ``test`` where the source has them. Files are not decoded.

    A folder of IDX files may lack those of ``train``.

    ``image`` and ``label`` name columns of a table; ``table`` is that of ``path``, when it was read already.

    Raises:
        SourceError: E101 to E120 for what cannot be read, E141 to E149 for what holds no usable pictures.
        DataError: E201 to E205 for columns.
    """
    if table is not None:
        return {"train": image_folders.read_listed(table, image, label)}
    require(path)
    if not path.is_dir():
        if npy.is_arrays(path):
            return npy.read_arrays(path)
        if idx.is_idx(path):
            return {"train": idx.read_pair(*idx.beside(path))}
        return {"train": image_folders.read_listed(read_table(path), image, label)}
    if pairs := idx.idx_pairs(path):
        return _ordered({part: idx.read_pair(*pair) for part, pair in pairs.items()})
    return _ordered({part: image_folders.read_folder(folder) for part, folder in image_folders.split_of(path).items()})


def of_split(parts: dict[str, Pictures], part: str) -> Pictures:
    """Those of ``part``; where there are none, those to train on, or the only ones."""
    return parts[next((name for name in (part, "train") if name in parts), next(iter(parts)))]


def _ordered(parts: dict[str, Pictures]) -> dict[str, Pictures]:
    return {part: parts[part] for part in ("train", "valid", "test") if part in parts}
