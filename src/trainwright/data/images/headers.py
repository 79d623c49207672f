"""Check the header of an image file before a decoder sees it: its format, its size, and whether that can be true.

Promises: nothing is decompressed, and no memory is taken for what a header declares.
"""

from __future__ import annotations

import io
from typing import IO

from trainwright.data.files.content import binary_kind

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
MAX_BYTES = 256 << 20  # of one file
MAX_PIXELS = 1 << 27  # of one picture: 512 MiB when it is decoded, beyond any camera's
MAX_SIDE = 1 << 16
SMALL_MEMORY = 40 << 20  # bytes of pixels that are harmless in a file of any size; an empty page at 600 dots an inch has 33 MiB
MAX_EXPANSION = 4096  # bytes of pixels for each byte of the file: more than a picture of a single color has
MAX_PNG_CHUNKS = 100_000

PNG = b"\x89PNG\r\n\x1a\n"
_MAGIC = (
    (PNG, "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"RIFF", "WEBP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_PNG_FRONT = (b"IHDR", b"PLTE", b"tRNS", b"eXIf")
_PNG_LARGEST_FRONT = 1 << 16  # EXIF data of a camera at most; a palette has 768 bytes


class Unusable(Exception):
    """A picture that is left out; the text is the reason, to stand after the file's name."""


def image_format(file: IO[bytes]) -> tuple[str, int]:
    """Return the format as Pillow names it, and the file's size; rewind the file. Raise Unusable."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    if not head:
        raise Unusable("the file is empty")
    if size > MAX_BYTES:
        raise Unusable(f"it has {size >> 20:,} MiB; the most that is read is {MAX_BYTES >> 20}")
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if not found or (found == "WEBP" and head[8:12] != b"WEBP"):
        raise Unusable(_describe(head))
    if found == "WEBP":
        refuse_bomb(*_webp_size(head), 4, size)  # opening it takes memory for the canvas
    return found, size


def refuse_bomb(width: int, height: int, depth: int, size: int) -> None:
    """Raise Unusable for more pixels (of ``depth`` bytes) than the limit, or than a file of ``size`` bytes can mean."""
    declared = f"its header declares {width:,} x {height:,} pixels"
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Unusable(f"{declared}; the most that is decoded is {MAX_PIXELS:,}, and {MAX_SIDE:,} on a side")
    if width * height * depth > max(SMALL_MEMORY, MAX_EXPANSION * size):
        raise Unusable(f"{declared}, which its {size:,} bytes cannot hold")


def still_png(file: IO[bytes], size: int, pixels: bool) -> IO[bytes]:
    """Return the file with only the chunks that make the still picture; without ``pixels`` only those of the header.

    Texts and profiles, which may be decompression bombs, and the further frames of an animation are not even looked at.

    Raises:
        Unusable: truncated, or so many chunks that it is no picture.
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
            raise Unusable(
                f"it is truncated: the last {place - size:,} bytes of its {kind.decode('latin-1')} chunk are missing"
            )
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


def _describe(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "it is a HEIC, AVIF or video file, which is not read; convert it to JPEG or PNG"
    return f"it is no image: it looks like {binary_kind(head) or 'text'}"


def _webp_size(head: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk of a WebP file (RFC 9649)."""
    kind, number = head[12:16], int.from_bytes
    if kind == b"VP8X":
        return number(head[24:27], "little") + 1, number(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = number(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return number(head[26:28], "little") & 0x3FFF, number(head[28:30], "little") & 0x3FFF
