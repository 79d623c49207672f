"""Two small tables that come with scikit-learn, so that a table can be learned from on any machine.

``diabetes`` (442 rows): the disease's progression one year after ten measurements, in their own units (Efron et al. 2004,
Least Angle Regression). ``wine`` (178 rows): which of three cultivars an analysis of thirteen constituents belongs to
(Forina et al., UCI Machine Learning Repository). The files are read where they lie; scikit-learn is not imported, which
would take longer than the training.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
from pathlib import Path

import polars as pl

from trainwright.data.tables.table import ROW, Table
from trainwright.errors import error
from trainwright.watch.events import Note

DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
WINE = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
)  # fmt: skip


def diabetes() -> Table:
    """Ten measurements and ``progression``, all Float64. Raises E248."""
    return _table(
        "diabetes", _floats("diabetes_data_raw.csv.gz", DIABETES).hstack(_floats("diabetes_target.csv.gz", ("progression",)))
    )


def wine() -> Table:
    """Thirteen constituents, Float64, and ``class``: class_0, class_1 or class_2. Raises E248."""
    header, _, rows = _content("wine", "wine_data.csv").partition(b"\n")
    names = header.decode().strip().split(",")[2:]
    frame = _read(rows, ",", (*WINE, "class"))
    return _table("wine", frame.with_columns(pl.col("class").cast(pl.Int64).replace_strict(dict(enumerate(names)))))


def _floats(file: str, columns: tuple[str, ...]) -> pl.DataFrame:
    return _read(gzip.decompress(_content("diabetes", file)), " ", columns)


def _read(data: bytes, separator: str, columns: tuple[str, ...]) -> pl.DataFrame:
    schema = dict.fromkeys(columns, pl.Float64)
    return pl.read_csv(io.BytesIO(data), has_header=False, separator=separator, schema=schema)


def _content(name: str, file: str) -> bytes:
    found = importlib.util.find_spec("sklearn")
    place = Path(found.origin or "").parent / "datasets" / "data" / file if found else Path("sklearn", "datasets", "data", file)
    try:
        return place.read_bytes()
    except OSError as problem:
        raise error("E248", name=name, file=place) from problem


def _table(name: str, frame: pl.DataFrame) -> Table:
    numbered = frame.with_columns(pl.int_range(1, frame.height + 1, dtype=pl.Int64).alias(ROW))
    return Table(numbered, name, notes=[Note("source", "scikit-learn's copy", "its files are on every machine that runs this")])
