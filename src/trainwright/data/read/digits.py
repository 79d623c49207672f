"""Pictures that need no download: the 1,797 handwritten digits that come with scikit-learn.

They are 8 x 8, with 17 shades of grey, from the test set of the UCI data set "Optical Recognition of Handwritten Digits"
(Alpaydin and Kaynak 1998). Their file is read as text; scikit-learn itself, which is slow to import, is not.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.errors import error
from trainwright.watch.events import Note

NAME = "digits"
_SIDE, _SHADES = 8, 16


def embedded_digits() -> dict[str, Pictures]:
    """The digits as ``train``; a value v of 0..16 becomes 255 v / 16, to the nearest.

    Raises:
        SourceError: E150, this installation of scikit-learn came without the file, or with another one.
    """
    spec = importlib.util.find_spec("sklearn")
    package = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    file = package / "datasets" / "data" / "digits.csv.gz"
    try:
        values = pl.read_csv(gzip.decompress(file.read_bytes()), has_header=False).cast(pl.Int64).to_numpy()
    except (OSError, EOFError, ValueError, pl.exceptions.PolarsError) as problem:
        raise error("E150", name=NAME, why=problem, where=str(file)) from problem
    if values.shape[1] != _SIDE * _SIDE + 1 or values[:, :-1].min() < 0 or values[:, :-1].max() > _SHADES:
        raise error("E150", name=NAME, why=f"it has shape {values.shape} or other values than 0 to {_SHADES}", where=str(file))
    pixels = ((values[:, :-1] * 255 + _SHADES // 2) // _SHADES).astype(np.uint8).reshape(-1, 1, _SIDE, _SIDE)
    pictures = from_pixels(NAME, pl.Series(values[:, -1]).cast(pl.String), pixels)
    pictures.notes.append(Note("source", "scikit-learn", "its file of handwritten digits is on every machine that runs this"))
    return {"train": pictures}
