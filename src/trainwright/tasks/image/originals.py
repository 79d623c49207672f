"""The pictures of rows as a person knows them, small enough to lie in a page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files.folders import absolute
from trainwright.data.files.virtual import as_path
from trainwright.data.images.decode import decode_file, read_header
from trainwright.data.images.headers import Unusable
from trainwright.data.read.source import Source
from trainwright.data.tables import table
from trainwright.data.tables.label_form import kind_of
from trainwright.tasks.image import reading

SIDE = 112  # pixels of the longer side


def originals(source: Source, columns: reading.ImageColumns, places: pl.DataFrame) -> list[str | None]:
    """Return the picture at each place (``file``, ``row``) as a URI of PNG; None for one that is not there any more.

    Raise SourceError where the source cannot be read.
    """
    numbered = places["row"].is_not_null()
    found: dict[tuple[str, int], Path | bytes | np.ndarray] = {}
    if numbered.any():
        target = kind_of(columns)
        chosen = Settings(task="image", image=columns.get("image", ""), label=columns.get("label", ""), target=target)
        for pictures in reading.read(source, chosen)[0].values():
            held = pictures.pixels if pictures.pixels is not None else pictures.paths
            assert held is not None
            spots = pl.DataFrame(table.places(pictures.file, pictures.rows)).iter_rows()
            found |= {(absolute(file), row): held[place] for place, (file, row) in enumerate(spots)}
    return [
        _uri(as_path(file) if row is None else found.get((absolute(file), row)))
        for file, row in places["file", "row"].iter_rows()
    ]


def _uri(picture: Path | bytes | np.ndarray | None) -> str | None:
    if picture is None:
        return None
    if isinstance(picture, np.ndarray):
        return as_uri(picture)
    try:
        header = read_header(picture)
        scale = min(SIDE / max(header.width, header.height), 1)
        size = (max(round(header.height * scale), 1), max(round(header.width * scale), 1))
        return as_uri(decode_file(picture, size, header.channels))
    except (Unusable, OSError):
        return None


def as_uri(pixels: np.ndarray) -> str:
    """Return pixels, uint8 of shape (channels, height, width), as the URI of a PNG file; at most ``SIDE`` pixels a side."""
    from PIL import Image

    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
