"""Image files that tests make themselves, good and hostile ones."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HOSTILE_REASONS = {
    "empty.png": "the file is empty",
    "text.jpg": "looks like text",
    "page.jpg": "an HTML page",
    "film.jpg": "it is a video",
    "cut.png": "truncated",
    "cut.jpg": "truncated",
    "headless.png": "truncated",
    "bomb.png": "50,000 x 50,000 pixels",
    "hollow.png": "cannot hold",
    "tower.png": "1 x 7,000,000 pixels",
    "bomb.gif": "pixels",
    "bomb.bmp": "pixels",
    "bomb.webp": "pixels",
    "bomb.tif": "pixels",
    "noise.jpg": "cannot be decoded",
}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random uint8 values."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def packed(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_head(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """Chunks put between the header and the rest of a PNG file."""
    return png[:33] + b"".join(chunks) + png[33:]


def text_bombs(png: bytes) -> bytes:
    """A good picture behind 2 GB of packed text: profiles, comments and international ones."""
    packed_zeros = zlib.compress(b"\0" * (32 << 20), 9)
    chunks = [png_chunk(b"iCCP", b"p\0\0" + packed_zeros)]
    chunks += [png_chunk(b"zTXt", b"k%d\0\0" % number + packed_zeros) for number in range(32)]
    chunks += [png_chunk(b"iTXt", b"i%d\0\1\0\0\0" % number + packed_zeros) for number in range(32)]
    return with_chunks(png, *chunks)


def hostile(folder: Path) -> None:
    """One file for each entry of ``HOSTILE_REASONS``; none of them is a picture that can be used."""
    picture = Image.fromarray(noise(28, 28))
    png, jpeg = packed(picture), packed(picture, "JPEG")
    blank = zlib.compress(b"\0" * 1000)
    tags = [
        (256, 4, 40_000),
        (257, 4, 40_000),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, 40_000),
    ]
    tags.append((279, 4, 1_600_000_000))
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    files = {
        "empty.png": b"",
        "text.jpg": b"this is no picture, whatever its name says\n",
        "page.jpg": b"<!DOCTYPE html><html>404</html>",
        "film.jpg": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
        "cut.png": png[: len(png) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "headless.png": png[:20],
        "bomb.png": png_head(50_000, 50_000) + png_chunk(b"IDAT", blank) + png_chunk(b"IEND", b""),
        "hollow.png": png_head(10_000, 10_000) + png_chunk(b"IDAT", blank) + png_chunk(b"IEND", b""),
        "tower.png": png_head(1, 7_000_000) + png_chunk(b"IDAT", blank) + png_chunk(b"IEND", b""),
        "bomb.gif": b"GIF89a"
        + struct.pack("<HHBBB", 50_000, 50_000, 0, 0, 0)
        + b","
        + struct.pack("<HHHHBB", 0, 0, 9, 9, 0, 8),
        "bomb.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "bomb.webp": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\x3f" * 2 + b"\0" * 30,
        "bomb.tif": b"II*\0\x08\0\0\0" + directory + b"\0\0\0\0",
        "noise.jpg": b"\xff\xd8\xff" + noise(500).tobytes(),
    }
    assert files.keys() == HOSTILE_REASONS.keys()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def write_png(path: Path, pixels: np.ndarray) -> Path:
    """``pixels``: (height, width) or (height, width, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def picture(path: Path, seed: int = 0, height: int = 6, width: int = 6) -> Path:
    """Write a grey picture of noise."""
    return write_png(path, noise(height, width, seed=seed))


def small_set(folder: Path) -> Path:
    """Write four pictures of two classes."""
    for number, name in enumerate(("dog/b.png", "cat/2.png", "cat/10.png", "cat/deep/er/a.png")):
        picture(folder / name, number)
    return folder
