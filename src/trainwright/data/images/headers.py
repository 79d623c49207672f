"""Check the header of an image file before a decoder sees it: its format, its size, and whether that can be true.

Promises: nothing is decompressed, and no memory is taken for what a header declares.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from trainwright.data.files.content import binary_kind

MAX_BYTES = 256 << 20  # of one file
MAX_PIXELS = 1 << 27  # of one picture: 512 MiB when it is decoded, beyond any camera's
MAX_SIDE = 1 << 16
SMALL_MEMORY = 40 << 20  # bytes of pixels that are harmless in a file of any size; an empty page at 600 dots an inch has 33 MiB
MAX_EXPANSION = 4096  # bytes of pixels for each byte of the file: more than a picture of a single color has
MAX_PNG_CHUNKS = 100_000

PNG = b"\x89PNG\r\n\x1a\n"
_PNG_FRONT = (b"IHDR", b"PLTE", b"tRNS", b"eXIf")
_PNG_LARGEST_FRONT = 1 << 16  # EXIF data of a camera at most; a palette has 768 bytes


class Unusable(Exception):
    """A picture that is left out; the text is the reason, to stand after the file's name."""


def image_format(file: IO[bytes]) -> tuple[ImageFormat, int]:
    """Return the format by the first bytes, and the file's size; the file is left at its beginning. Raise Unusable."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    if not head:
        raise Unusable("the file is empty")
    if size > MAX_BYTES:
        raise Unusable(f"it has {size >> 20:,} MiB; the most that is read is {MAX_BYTES >> 20}")
    for each in FORMATS:
        if each.magic.match(head):
            return each, size
    if head[4:8] == b"ftyp":
        raise Unusable("it is a video, which is not read; save its frames as JPEG or PNG")
    raise Unusable(f"it is no image: it looks like {binary_kind(head) or 'text'}")


def refuse_bomb(width: int, height: int, depth: int, size: int) -> None:
    """Raise Unusable for more pixels (of ``depth`` bytes) than the limit, or than a file of ``size`` bytes can mean."""
    declared = f"its header declares {width:,} x {height:,} pixels"
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Unusable(f"{declared}; the most that is decoded is {MAX_PIXELS:,}, and {MAX_SIDE:,} on a side")
    if width * height * depth > max(SMALL_MEMORY, MAX_EXPANSION * size):
        raise Unusable(f"{declared}, which its {size:,} bytes cannot hold")


def _checked_webp(file: IO[bytes], size: int, pixels: bool) -> IO[bytes]:
    """Return the file once its canvas is found reasonable: opening it takes memory for that."""
    refuse_bomb(*_webp_size(file.read(64)), 4, size)
    file.seek(0)
    return file


def _still_png(file: IO[bytes], size: int, pixels: bool) -> IO[bytes]:
    """Return the chunks that make the picture and nothing else: texts and profiles, which may be decompression bombs, and the
    further frames of an animation are not even looked at. Without ``pixels`` only the header is kept. Raise Unusable for a file
    that is truncated, or has so many chunks that it is no picture.
    """
    front, data, found = [PNG], [], False
    place = file.seek(len(PNG))
    for _ in range(MAX_PNG_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND":
            break
        place += 12 + length
        if place > size:
            chunk = kind.decode("latin-1")
            raise Unusable(f"it is truncated: the last {place - size:,} bytes of its {chunk} chunk are missing")
        found = found or kind == b"IDAT"
        if kind in _PNG_FRONT and length < _PNG_LARGEST_FRONT:
            front.append(head + file.read(length + 4))
        elif kind == b"IDAT" and pixels:
            data.append(head + file.read(length + 4))
        else:
            file.seek(place)
    else:
        raise Unusable(f"it has more than {MAX_PNG_CHUNKS:,} chunks")
    if not found:
        raise Unusable("it is truncated: it has no pixels")
    return io.BytesIO(b"".join(front + (data or [b"\0\0\0\0IDAT"])))


def _webp_size(head: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk of a WebP file (RFC 9649)."""
    kind, number = head[12:16], int.from_bytes
    if kind == b"VP8X":
        return number(head[24:27], "little") + 1, number(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = number(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return number(head[26:28], "little") & 0x3FFF, number(head[28:30], "little") & 0x3FFF


@dataclass(frozen=True)
class ImageFormat:
    """A format of image files.

    ``prepare`` gets the file, its size, and whether pixels are wanted; it returns what Pillow is given, or raises Unusable.
    """

    name: str  # as the module of the decoder spells it
    suffixes: tuple[str, ...]  # of its files, in lower case
    magic: re.Pattern[bytes]  # what its first bytes match
    prepare: Callable[[IO[bytes], int, bool], IO[bytes]] = lambda file, size, pixels: file
    module: str = ""  # that has the decoder; empty = Pillow's own
    install: str = "--upgrade pillow"  # what gives the decoder where it is missing


FORMATS = [
    ImageFormat("Png", (".png",), re.compile(re.escape(PNG)), _still_png),
    ImageFormat("Jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), re.compile(b"\xff\xd8\xff")),
    ImageFormat("WebP", (".webp",), re.compile(b"RIFF.{4}WEBP", re.DOTALL), _checked_webp),
    ImageFormat("Gif", (".gif",), re.compile(b"GIF8[79]a")),
    ImageFormat("Bmp", (".bmp",), re.compile(b"BM")),
    ImageFormat("Tiff", (".tif", ".tiff"), re.compile(rb"II[*+]\0|MM\0[*+]")),
    # Both are boxes of one kind: a file says which among its first brands.
    ImageFormat("Avif", (".avif",), re.compile(rb".{4}ftyp(?:.{4})*?avi[fs]", re.DOTALL)),
    ImageFormat(
        "Heif",
        (".heic", ".heif", ".hif"),
        re.compile(rb".{4}ftyp(?:.{4})*?(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
        module="pillow_heif",
        install='"trainwright[heic]"',
    ),
]
SUFFIXES = frozenset(suffix for each in FORMATS for suffix in each.suffixes)
SUFFIX_PATTERN = "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES))
