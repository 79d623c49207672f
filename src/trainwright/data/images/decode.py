"""Decode one image file to one array: the only user of Pillow.

A picture is judged by its first bytes and its header before memory is taken for it; equal bytes give equal pixels. What
formats leave open: transparency lies over white, as on paper and in a browser; an EXIF orientation is applied; of an animation
the first frame is taken; 16 bits become 8 by their range (65,535 becomes 255), never by cutting; color profiles are ignored.
"""

from __future__ import annotations

import functools
import importlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from trainwright.data.images.arrays import to_pixels
from trainwright.data.images.headers import ImageFormat, Unusable, image_format, refuse_bomb
from trainwright.errors import error

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}  # bytes that Pillow takes for a pixel; for others 4
_GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")
_OVERSAMPLING = 2.0  # a JPEG is decoded at a fraction of its size, at least this many times the wanted size
_UPRIGHT, _SWAPPING = 1, (5, 6, 7, 8)  # EXIF orientations: unrotated; those that swap width and height
# By EXIF orientation, what Pillow has to do.
_TRANSPOSITIONS = dict(enumerate(
    ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"), start=2
))  # fmt: skip


class Header(NamedTuple):
    """What a file's header says: size as displayed (orientation applied), channels 1 (grey) or 3."""

    width: int
    height: int
    channels: int


def read_header(source: Path | bytes) -> Header:
    """Read the header of a picture; decode no pixel. Raise Unusable for no picture, or one that is damaged or too large."""
    with _open(source, pixels=False) as image:
        width, height = image.size
        if _orientation(image) in _SWAPPING:
            width, height = height, width
        return Header(width, height, 1 if _is_grey(image) else 3)


def decode_one(source: Path | bytes | np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return one picture at a size of (height, width): uint8, shape (channels, height, width).

    An array has shape (height, width), (height, width, channels) or (channels, height, width) and what ``to_pixels``
    takes as values. Raise E140 for a picture that cannot be used, E147 for an array that is none.
    """
    if isinstance(source, np.ndarray):
        return reshape(to_pixels(source[None], "the picture")[0], size, channels)
    try:
        return decode_file(source, size, channels)
    except Unusable as problem:
        raise error("E140", path=source if isinstance(source, Path) else "the picture", why=problem) from problem


def decode_file(source: Path | bytes, size: tuple[int, int], channels: int) -> np.ndarray:
    """Decode a file as ``decode_one`` does, but raise ``Unusable`` with the bare reason."""
    with _open(source, pixels=True) as image:
        orientation = _orientation(image)
        wanted = size[::-1] if orientation in _SWAPPING else size
        image.draft(None, (round(wanted[1] * _OVERSAMPLING), round(wanted[0] * _OVERSAMPLING)))
        upright = _to_grey_or_rgb(image)
        if orientation in _TRANSPOSITIONS:
            from PIL.Image import Transpose

            upright = upright.transpose(Transpose[_TRANSPOSITIONS[orientation]])
        return _to_array(_crop_and_resize(upright, size, channels))


def reshape(pixels: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return pixels (uint8, (1 or 3, height, width)) with another size and number of channels; unchanged if both are equal."""
    return pixels if pixels.shape == (channels, *size) else _to_array(_crop_and_resize(_from_array(pixels), size, channels))


# ---- opening


_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_filters = ExitStack()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings of Pillow.

    Warning filters belong to the whole process, so threads share one change of them: the first that enters makes it, the last
    that leaves reverts it.
    """
    global _quiet_depth
    with _quiet_lock:
        _quiet_depth += 1
        if _quiet_depth == 1:
            _quiet_filters.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                _quiet_filters.close()


@contextmanager
def _open(source: Path | bytes, pixels: bool) -> Iterator[ImageFile]:
    """Open a picture and check its header. Whatever goes wrong inside is raised as ``Unusable``."""
    try:
        with quiet(), io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            found, size = image_format(file)
            image = _reader(found)(found.prepare(file, size, pixels))
            refuse_bomb(*image.size, _BYTES_A_PIXEL.get(image.mode, 4), size)
            yield image
    except Unusable:
        raise
    except Exception as problem:  # damaged files make Pillow raise nearly anything
        if isinstance(problem, OSError) and problem.strerror:
            raise Unusable(f"it cannot be read: {problem.strerror}") from problem
        raise Unusable(f"it cannot be decoded: {str(problem) or type(problem).__name__}") from problem


@functools.cache
def _reader(found: ImageFormat) -> Callable[[IO[bytes]], ImageFile]:
    """Return Pillow's class for a format, or that of its plug-in. Raise Unusable where it is not installed.

    Pillow's own ``open`` would try every format it knows, of which some start other programs or were never meant for files of
    strangers, and stop at a number of pixels that is a global variable.
    """
    try:
        module = importlib.import_module(found.module or f"PIL.{found.name}ImagePlugin")
    except ImportError:
        kind = found.suffixes[0].removeprefix(".").upper()
        raise Unusable(f"it is of the kind {kind}, whose decoder is not installed: pip install {found.install}") from None
    return getattr(module, f"{found.name}ImageFile")  # type: ignore[no-any-return]


# ---- from Pillow's modes to grey or color


def _is_grey(image: Image) -> bool:
    if image.mode != "P" or image.palette is None:
        return image.mode in _GREY
    kind, data = image.palette.getdata()
    colors = np.frombuffer(data[: len(data) // 3 * 3], np.uint8).reshape(-1, 3)
    return kind == "RGB" and bool((colors == colors[:, :1]).all())


def _to_grey_or_rgb(image: ImageFile) -> Image:
    """Convert a picture to mode L or RGB, transparency over white."""
    from PIL import Image

    grey = _is_grey(image)
    image.load()
    if image.mode.startswith("I;16"):
        return _from_16_bits(np.asarray(image), image.info.get("transparency"))
    if image.mode in ("I", "F"):
        raise Unusable("its 32-bit values have no known range; save it with 8 or 16 bits")
    opaque: Image.Image = image
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
    return opaque.convert("L" if grey else "RGB")


def _from_16_bits(values: np.ndarray, transparent: object) -> Image:
    """Scale 0..65,535 to 0..255, to the nearest; a value that is declared transparent becomes white."""
    from PIL import Image

    scaled = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if isinstance(transparent, int):
        scaled[values == transparent] = 255
    return Image.fromarray(scaled)


def _orientation(image: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where the EXIF data are damaged, and for TIFF, which Pillow rotates itself."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return _UPRIGHT
    try:
        return int(image.getexif().get(0x0112, _UPRIGHT))
    except Exception:
        return _UPRIGHT


# ---- size


def _crop_and_resize(image: Image, size: tuple[int, int], channels: int) -> Image:
    """Convert to grey or color, crop to the largest centered part of the wanted proportions, resize to (height, width)."""
    from PIL.Image import Resampling

    image = image.convert("L" if channels == 1 else "RGB")
    height, width = size
    if image.size == (width, height):
        return image
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    box = (max(left, 0), max(top, 0), min(image.width - left, image.width), min(image.height - top, image.height))
    return image.resize((width, height), Resampling.BICUBIC, box)


def _to_array(image: Image) -> np.ndarray:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _from_array(pixels: np.ndarray) -> Image:
    from PIL import Image

    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
