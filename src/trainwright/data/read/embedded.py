"""Small data sets that come with scikit-learn, so that a table or pictures can be learned from on any machine.

``diabetes`` (442 rows): the disease's progression one year after ten measurements, in their own units (Efron et al. 2004,
Least Angle Regression). ``wine`` (178 rows): which of three cultivars an analysis of thirteen constituents belongs to
(Forina et al., UCI Machine Learning Repository). ``digits``: 1,797 handwritten digits, 8 x 8, with 17 shades of grey
(Alpaydin and Kaynak 1998, UCI). The files are read where they lie; scikit-learn, which is slow to import, is not imported.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import error
from trainwright.watch.events import Note

DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
WINE = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
)  # fmt: skip
_SIDE, _SHADES = 8, 16  # of a digit


def diabetes() -> Table:
    """Return ten measurements and ``progression``, all Float64. Raise E248."""
    files = {"diabetes_data_raw.csv.gz": DIABETES, "diabetes_target.csv.gz": ("progression",)}
    parts = [_read(gzip.decompress(_content("diabetes", file)), " ", columns) for file, columns in files.items()]
    return _table("diabetes", parts[0].hstack(parts[1]))


def wine() -> Table:
    """Return thirteen constituents, Float64, and ``class``: class_0, class_1 or class_2. Raise E248."""
    header, _, rows = _content("wine", "wine_data.csv").partition(b"\n")
    names = header.decode().strip().split(",")[2:]
    frame = _read(rows, ",", (*WINE, "class"))
    return _table("wine", frame.with_columns(pl.col("class").cast(pl.Int64).replace_strict(dict(enumerate(names)))))


def digits() -> dict[str, Pictures]:
    """Return the digits as ``train``; a value v of 0..16 becomes 255 v / 16, to the nearest. Raise E150."""
    file = _place("digits.csv.gz")
    try:
        values = pl.read_csv(gzip.decompress(file.read_bytes()), has_header=False).cast(pl.Int64).to_numpy()
    except (OSError, EOFError, ValueError, pl.exceptions.PolarsError) as problem:
        raise error("E150", name="digits", why=problem, where=str(file)) from problem
    if values.shape[1] != _SIDE * _SIDE + 1 or values[:, :-1].min() < 0 or values[:, :-1].max() > _SHADES:
        why = f"it has shape {values.shape} or other values than 0 to {_SHADES}"
        raise error("E150", name="digits", why=why, where=str(file))
    pixels = ((values[:, :-1] * 255 + _SHADES // 2) // _SHADES).astype(np.uint8).reshape(-1, 1, _SIDE, _SIDE)
    pictures = from_pixels("digits", pl.Series(values[:, -1]).cast(pl.String), pixels)
    pictures.notes.append(Note("source", "scikit-learn", "its file of handwritten digits is on every machine that runs this"))
    return {"train": pictures}


def _read(data: bytes, separator: str, columns: tuple[str, ...]) -> pl.DataFrame:
    schema = dict.fromkeys(columns, pl.Float64)
    return pl.read_csv(io.BytesIO(data), has_header=False, separator=separator, schema=schema)


def _place(file: str) -> Path:
    found = importlib.util.find_spec("sklearn")
    return (Path(found.origin or "").parent if found else Path("sklearn")) / "datasets" / "data" / file


def _content(name: str, file: str) -> bytes:
    place = _place(file)
    try:
        return place.read_bytes()
    except OSError as problem:
        raise error("E248", name=name, file=place) from problem


def _table(name: str, frame: pl.DataFrame) -> Table:
    numbered = frame.with_columns(pl.int_range(1, frame.height + 1, dtype=pl.Int64).alias(ROW))
    return Table(numbered, name, notes=[Note("source", "scikit-learn's copy", "its files are on every machine that runs this")])
