"""One image file to one array: the only user of Pillow.

Promises: a picture is judged by its first bytes and its header before memory is taken for it; what cannot be used is
refused with the reason and no other effect; equal bytes give equal pixels. What a format leaves open is settled so:
transparency lies over white, as on paper and in a browser; an EXIF orientation is applied; of an animation the first
frame is taken; 16 bits become 8 by their range (65,535 becomes 255), never by cutting; colour profiles are ignored.
"""

from __future__ import annotations

import functools
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from trainwright.data.arrays import to_pixels
from trainwright.data.load import binary_kind
from trainwright.errors import error

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
MAX_BYTES = 256 << 20  # of one file
MAX_PIXELS = 1 << 27  # of one picture: 512 MiB when it is decoded, beyond any camera's
SMALL_PIXELS = 1 << 22  # so many are harmless, whatever the file's size
MAX_PIXELS_PER_BYTE = 4096  # beyond what the compression of a photograph, a drawing or a black page reaches
MAX_PNG_CHUNKS = 100_000

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_FRONT = (b"IHDR", b"PLTE", b"tRNS", b"eXIf")
_GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")
_OVER_SMALL = 2.0  # a JPEG is decoded at a fraction of its size that is at least this many times what is asked for
_KEEP, _TURNED = 1, (5, 6, 7, 8)  # EXIF orientations: as it is; those that exchange width and height


class Unusable(Exception):
    """A picture that is left out; the text is the reason, to stand after the file's name."""


@dataclass(frozen=True)
class Header:
    """What a file's header says: size as it is shown (orientation applied), channels 1 (grey) or 3."""

    width: int
    height: int
    channels: int


def read_header(source: Path | bytes) -> Header:
    """The header of a picture; no pixel is decoded.

    Raises:
        Unusable: no picture, or one that is damaged or too large.
    """
    with _opened(source, pixels=False) as image:
        width, height = image.size
        if _orientation(image) in _TURNED:
            width, height = height, width
        return Header(width, height, 1 if _is_grey(image) else 3)


def decode_one(source: Path | bytes | np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """One picture at a size of (height, width): uint8, shape (channels, height, width).

    An array has shape (height, width), (height, width, channels) or (channels, height, width) and what ``to_pixels``
    takes as values.

    Raises:
        SourceError: E140, the picture cannot be used; E147, the array is none.
    """
    if isinstance(source, np.ndarray):
        return reshape(to_pixels(source[None], "the picture")[0], size, channels)
    try:
        return decode_file(source, size, channels)
    except Unusable as problem:
        raise error("E140", path=source if isinstance(source, Path) else "the picture", why=problem) from problem


def decode_file(source: Path | bytes, size: tuple[int, int], channels: int) -> np.ndarray:
    """``decode_one`` for a file, raising ``Unusable`` with the bare reason."""
    with _opened(source, pixels=True) as image:
        orientation = _orientation(image)
        wanted = size[::-1] if orientation in _TURNED else size
        image.draft(None, (round(wanted[1] * _OVER_SMALL), round(wanted[0] * _OVER_SMALL)))
        return _to_array(_shaped(_turned(_flat(image), orientation), size, channels))


def reshape(pixels: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """Pixels, uint8 of shape (1 or 3, height, width), at another size and with other channels; as they are if equal."""
    return pixels if pixels.shape == (channels, *size) else _to_array(_shaped(_from_array(pixels), size, channels))


# ---- opening


_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_filters: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of Pillow's is shown or raised. Filters belong to the whole process, so threads share one change of them:
    the first that enters makes it, the last that leaves takes it back."""
    global _quiet_depth, _quiet_filters
    with _quiet_lock:
        _quiet_depth += 1
        if _quiet_depth == 1:
            _quiet_filters = warnings.catch_warnings()
            _quiet_filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0 and _quiet_filters is not None:
                _quiet_filters.__exit__(None, None, None)


@contextmanager
def _opened(source: Path | bytes, pixels: bool) -> Iterator[ImageFile]:
    """The picture, its header read and found reasonable. Whatever goes wrong inside is ``Unusable``."""
    try:
        with quiet(), io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            yield _identified(file, pixels)
    except Unusable:
        raise
    except Exception as problem:  # damaged files make Pillow raise nearly anything
        raise Unusable(_reason(problem)) from problem


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return f"it cannot be read: {problem.strerror}"
    return f"it cannot be decoded: {str(problem) or type(problem).__name__}"


def _identified(file: IO[bytes], pixels: bool) -> ImageFile:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(64)
    if not head:
        raise Unusable("the file is empty")
    if size > MAX_BYTES:
        raise Unusable(f"it has {size >> 20:,} MiB; the most that is read is {MAX_BYTES >> 20}")
    make = next((make for magic, make in _formats() if head.startswith(magic)), None)
    if make is None or (head.startswith(b"RIFF") and head[8:12] != b"WEBP"):
        raise Unusable(_what_it_is(head))
    if head.startswith(_PNG):
        file = _still_png(file, size, pixels)
    elif head.startswith(b"RIFF"):
        _refuse_bomb(*_webp_size(head), size)  # opening takes memory for the canvas
    file.seek(0)
    image = make(file)
    _refuse_bomb(*image.size, size)
    return image


@functools.cache
def _formats() -> tuple[tuple[bytes, Callable[[IO[bytes]], ImageFile]], ...]:
    """First bytes and reader of each format. Pillow's own ``open`` would try every format it knows, of which some start
    other programs or were never meant for files of strangers, and stop at a number of pixels that is a global variable."""
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

    tiff = TiffImagePlugin.TiffImageFile
    return (
        (_PNG, PngImagePlugin.PngImageFile),
        (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
        (b"RIFF", WebPImagePlugin.WebPImageFile),
        (b"GIF87a", GifImagePlugin.GifImageFile),
        (b"GIF89a", GifImagePlugin.GifImageFile),
        (b"BM", BmpImagePlugin.BmpImageFile),
        (b"II*\0", tiff),
        (b"MM\0*", tiff),
        (b"II+\0", tiff),
        (b"MM\0+", tiff),
    )


def _what_it_is(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "it is a HEIC, AVIF or video file, which is not read; convert it to JPEG or PNG"
    return f"it is no image: it looks like {binary_kind(head) or 'text'}"


def _refuse_bomb(width: int, height: int, size: int) -> None:
    """A header that asks for more memory than the limit, or than so few bytes can mean."""
    if width * height > MAX_PIXELS:
        raise Unusable(f"its header declares {width:,} x {height:,} pixels; the most that is decoded is {MAX_PIXELS:,}")
    if width * height > max(SMALL_PIXELS, MAX_PIXELS_PER_BYTE * size):
        raise Unusable(f"its header declares {width:,} x {height:,} pixels, which its {size:,} bytes cannot hold")


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height as the first chunk of a WebP file gives them (RFC 9649); (0, 0) where it does not."""
    kind, number = head[12:16], int.from_bytes
    if kind == b"VP8X":
        return number(head[24:27], "little") + 1, number(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = number(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return number(head[26:28], "little") & 0x3FFF, number(head[28:30], "little") & 0x3FFF


def _still_png(file: IO[bytes], size: int, pixels: bool) -> IO[bytes]:
    """The chunks that make the picture and nothing else: texts and profiles, which may be decompression bombs, and the
    further frames of an animation are not even looked at. Without ``pixels`` only the header is kept."""
    front, data, place = [_PNG], [b"\0\0\0\0IDAT"], file.seek(len(_PNG))
    if pixels:
        data.clear()
    found = False
    for _ in range(MAX_PNG_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND":
            break
        place += 12 + length
        if place > size:
            raise Unusable(f"it is truncated: {place - size:,} bytes are missing from its {kind!r} chunk")
        found = found or kind == b"IDAT"
        if kind in _PNG_FRONT and length < 1 << 16:
            front.append(head + file.read(length + 4))
        elif kind == b"IDAT" and pixels:
            data.append(head + file.read(length + 4))
        else:
            file.seek(place)
    if not found:
        raise Unusable("it is truncated: it has no pixels")
    return io.BytesIO(b"".join(front + data))


# ---- from Pillow's modes to grey or colour


def _is_grey(image: Image) -> bool:
    if image.mode != "P" or image.palette is None or image.palette.rawmode != "RGB":
        return image.mode in _GREY
    colours = np.frombuffer(bytes(image.palette.palette), np.uint8)
    colours = colours[: len(colours) // 3 * 3].reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _flat(image: ImageFile) -> Image:
    """The picture in mode L or RGB, transparency over white."""
    from PIL import Image

    grey = _is_grey(image)
    image.load()
    if image.mode.startswith("I;16"):
        return _from_16_bits(np.asarray(image), image.info.get("transparency"))
    if image.mode in ("I", "F"):
        raise Unusable("its 32-bit values have no known range; save it with 8 or 16 bits")
    if image.has_transparency_data:
        over = Image.new("RGBA", image.size, "white")
        over.alpha_composite(image.convert("RGBA"))
        return over.convert("L" if grey else "RGB")
    return image.convert("L" if grey else "RGB")


def _from_16_bits(values: np.ndarray, transparent: object) -> Image:
    """0..65,535 to 0..255, to the nearest; a value that is declared transparent becomes white."""
    from PIL import Image

    scaled = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if isinstance(transparent, int):
        scaled[values == transparent] = 255
    return Image.fromarray(scaled)


def _orientation(image: ImageFile) -> int:
    """The EXIF orientation, 1 to 8. Damaged EXIF data says nothing; Pillow turns a TIFF itself."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return _KEEP
    try:
        return int(image.getexif().get(0x0112, _KEEP))
    except Exception:
        return _KEEP


def _turned(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    ways = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(ways[orientation]) if orientation in ways else image


# ---- size


def _shaped(image: Image, size: tuple[int, int], channels: int) -> Image:
    """Grey or colour, the largest centred part of the wanted proportions, resized to ``size`` = (height, width)."""
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
