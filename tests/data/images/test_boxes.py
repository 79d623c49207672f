"""AVIF and HEIC: read as every image where the decoder is there, and named with what to install where it is not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from picture_samples import noise, packed
from PIL import Image, ImageOps, features

from trainwright.data.images import decode
from trainwright.data.images.decode import decode_file, read_header
from trainwright.data.images.headers import SUFFIXES, Unusable, image_format
from trainwright.errors import TrainwrightError

avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def box(*brands: bytes) -> bytes:
    """The first box of such a file."""
    content = brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return (8 + len(content)).to_bytes(4, "big") + b"ftyp" + content


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (box(b"avif", b"avif", b"mif1", b"miaf"), "Avif"),
        (box(b"avis", b"avis", b"msf1"), "Avif"),
        (box(b"mif1", b"mif1", b"miaf", b"avif"), "Avif"),
        (box(b"heic", b"mif1", b"heic"), "Heif"),
        (box(b"heix", b"mif1"), "Heif"),
        (box(b"mif1", b"mif1", b"heic"), "Heif"),
        (box(b"msf1", b"hevc"), "Heif"),
    ],
)
def test_the_first_brands_say_what_it_is(head: bytes, name: str) -> None:
    assert image_format(io.BytesIO(head + b"\0" * 99))[0].name == name


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"qt  ", b"M4V "])
def test_a_film_is_no_picture(brand: bytes) -> None:
    with pytest.raises(Unusable, match="video"):
        image_format(io.BytesIO(box(brand, b"isom", b"avc1") + b"\0" * 99))


@avif
@pytest.mark.parametrize("form", ["RGB", "RGBA", "L"])
def test_avif_is_read_as_pillow_reads_it(form: str, tmp_path: Path) -> None:
    shape = {"L": (20, 30)}.get(form, (20, 30, len(form)))
    data = packed(Image.fromarray(np.full(shape, 200, np.uint8), form), "AVIF", quality=90)
    (tmp_path / "a.avif").write_bytes(data)
    header = read_header(tmp_path / "a.avif")
    assert (header.width, header.height) == (30, 20)
    found = decode_file(tmp_path / "a.avif", (20, 30), 3).transpose(1, 2, 0)
    wanted = Image.new("RGBA", (30, 20), "white")
    wanted.alpha_composite(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert np.array_equal(found, np.asarray(wanted.convert("RGB")))
    white = round(200 * 200 / 255 + 55) if form == "RGBA" else 200
    assert np.abs(found.astype(int) - white).max() <= 3


@avif
def test_avif_from_a_turned_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = packed(Image.fromarray(noise(8, 24, 3)), "AVIF", quality=100, exif=exif.tobytes())
    header = read_header(data)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (header.width, header.height) == upright.size == (8, 24)
    assert np.array_equal(decode_file(data, (24, 8), 3).transpose(1, 2, 0), np.asarray(upright.convert("RGB")))


@avif
def test_the_first_frame_of_a_moving_avif() -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    data = packed(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    red, _, blue = decode_file(data, (16, 16), 3).reshape(3, -1).mean(axis=1)
    assert red > 240 and blue < 15


@avif
@pytest.mark.parametrize("kept", [40, 200, 0.5, 0.9])
def test_a_torn_avif_is_unusable(kept: float) -> None:
    data = packed(Image.fromarray(noise(64, 64, 3)), "AVIF")
    with pytest.raises(Unusable, match="cannot be decoded"):
        decode_file(data[: int(kept if kept > 1 else kept * len(data))], (64, 64), 3)


@pytest.mark.parametrize(
    ("head", "module", "install"),
    [
        (box(b"heic", b"mif1"), "pillow_heif", 'HEIC, whose .* pip install "trainwright\\[heic\\]"'),
        (box(b"avif", b"mif1"), "PIL.AvifImagePlugin", "AVIF, whose .* pip install --upgrade pillow"),
    ],
)
def test_what_lacks_its_decoder_says_how_to_get_it(head: bytes, module: str, install: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    decode._reader.cache_clear()
    with pytest.raises(Unusable, match=install):
        read_header(head + b"\0" * 99)
    with pytest.raises(TrainwrightError, match="pip install"):
        decode.decode_one(head + b"\0" * 99, (4, 4), 3)


def test_heic_is_read_where_its_decoder_is_there(tmp_path: Path) -> None:
    plugin = pytest.importorskip("pillow_heif")
    pixels = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    plugin.from_pillow(Image.fromarray(pixels)).save(tmp_path / "a.heic", quality=95)
    header = read_header(tmp_path / "a.heic")
    found = decode_file(tmp_path / "a.heic", (40, 60), 3).transpose(1, 2, 0).astype(int)
    assert (header.width, header.height, header.channels) == (60, 40, 3) and np.abs(found - pixels).max() <= 4
    torn = (tmp_path / "a.heic").read_bytes()[:-20]
    with pytest.raises(Unusable, match="cannot be decoded"):
        decode_file(torn, (40, 60), 3)


def test_the_suffixes_are_known() -> None:
    assert {".avif", ".heic", ".heif", ".hif"} <= SUFFIXES
