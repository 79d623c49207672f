"""Decoding: every mode and format gives the pixels that an independent computation gives; what cannot be used is named."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from picture_samples import hostile, noise, packed, png_chunk, png_head, text_bombs, with_chunks
from PIL import Image, ImageFile, JpegImagePlugin

import trainwright
from trainwright.data.images.decode import Header, decode_one, quiet, read_header
from trainwright.errors import SourceError

GREY, COLOUR = noise(9, 12), noise(9, 12, 3)
ALPHA = noise(9, 12, seed=1)
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True, "exact": True}}


def decoded(image: Image.Image, form: str = "PNG", channels: int = 3, **options: object) -> np.ndarray:
    return decode_one(packed(image, form, **options), (image.height, image.width), channels)


def over_white(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    part = alpha.astype(float)[..., None] / 255
    return values * part + 255 * (1 - part)


def luma(colour: np.ndarray) -> np.ndarray:
    return colour @ np.array([0.299, 0.587, 0.114])


# ---- modes and formats


@pytest.mark.parametrize("form", LOSSLESS)
def test_colour_is_exact(form: str) -> None:
    assert (decoded(Image.fromarray(COLOUR), form, **LOSSLESS[form]) == COLOUR.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_grey_is_exact_in_one_channel_and_in_three(form: str) -> None:
    image = Image.fromarray(GREY)
    assert (decoded(image, form, 1) == GREY).all()
    assert (decoded(image, form, 3) == GREY).all()
    assert read_header(packed(image, form)) == Header(12, 9, 1)


def test_colour_to_grey_is_luma() -> None:
    assert np.abs(decoded(Image.fromarray(COLOUR), channels=1)[0] - luma(COLOUR)).max() <= 1


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_lossy_formats_stay_near(form: str) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)[..., None].repeat(3, 2)
    assert np.abs(decoded(Image.fromarray(smooth), form, quality=95).transpose(1, 2, 0).astype(int) - smooth).max() < 12


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_over_white(form: str) -> None:
    image = Image.fromarray(np.dstack([COLOUR, ALPHA]))
    found = decoded(image, form, **LOSSLESS[form]).transpose(1, 2, 0)
    assert np.abs(found - over_white(COLOUR, ALPHA)).max() <= 1


def test_grey_with_transparency_is_grey_over_white() -> None:
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
    assert read_header(packed(image)).channels == 1
    assert np.abs(decoded(image, channels=1)[0] - over_white(GREY[..., None], ALPHA)[..., 0]).max() <= 1


def test_palettes_with_and_without_transparency() -> None:
    index = noise(9, 12) % 7
    image = Image.frombytes("P", (12, 9), index.tobytes())
    colours = noise(256, 3, seed=2)
    image.putpalette(colours.tobytes())
    assert (decoded(image) == colours[index].transpose(2, 0, 1)).all()
    assert (decoded(image, "GIF") == colours[index].transpose(2, 0, 1)).all()
    assert read_header(packed(image)).channels == 3
    clear = np.where((index == 3)[..., None], 255, colours[index])
    assert (decoded(image, transparency=3) == clear.transpose(2, 0, 1)).all()
    assert (decoded(image, "GIF", transparency=3) == clear.transpose(2, 0, 1)).all()
    alphas = noise(7, seed=3)
    half = over_white(colours[index], alphas[index])
    assert np.abs(decoded(image, transparency=alphas.tobytes()).transpose(1, 2, 0) - half).max() <= 1


def test_a_palette_of_greys_is_grey() -> None:
    index = noise(9, 12) % 7
    greys = noise(7, 1).repeat(3, 1)
    image = Image.frombytes("P", (12, 9), index.tobytes())
    image.putpalette(greys.tobytes())
    assert read_header(packed(image)).channels == 1
    assert (decoded(image, channels=1)[0] == greys[index][..., 0]).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "GIF"])
def test_black_and_white(form: str) -> None:
    assert (decoded(Image.fromarray(GREY > 99), form, 1)[0] == np.where(GREY > 99, 255, 0)).all()


def test_cmyk() -> None:
    ink = noise(16, 16, 4) // 8 * 8
    image = Image.frombytes("CMYK", (16, 16), ink.tobytes())
    expected = (255 - ink[..., :3].astype(int)) * (255 - ink[..., 3:].astype(int)) / 255
    assert np.abs(decoded(image, "TIFF").transpose(1, 2, 0) - expected).max() <= 1
    flat = Image.new("CMYK", (16, 16), (200, 40, 0, 10))
    red, green, blue = decoded(flat, "JPEG", quality=100)[:, 8, 8].astype(int)
    assert red < 80 and 180 < green < 230 and blue > 225  # cyan ink; inverted values would be dark red


@given(hnp.arrays(np.uint16, (5, 6)))
@settings(max_examples=25, deadline=None)
def test_16_bit_grey_is_scaled_not_cut(values: np.ndarray) -> None:
    expected = np.round(values / 65535 * 255)
    for form in ("PNG", "TIFF"):
        data = packed(Image.fromarray(values), form)
        assert read_header(data) == Header(6, 5, 1)
        assert (decode_one(data, (5, 6), 1)[0] == expected).all()


def test_16_bit_grey_that_is_declared_transparent_is_white() -> None:
    values = np.array([[0, 1000], [30_000, 1000]], np.uint16)
    png = with_chunks(packed(Image.fromarray(values)), png_chunk(b"tRNS", (1000).to_bytes(2, "big")))
    assert decode_one(png, (2, 2), 1)[0].tolist() == [[0, 255], [117, 255]]


def test_16_bit_colour_is_scaled() -> None:
    import zlib

    values = np.random.default_rng(0).integers(0, 65536, (4, 5, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    png = png_head(5, 4, 16, 2) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    assert np.abs(decode_one(png, (4, 5), 3).transpose(1, 2, 0) - values / 65535 * 255).max() <= 1


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_values_are_refused(mode: str) -> None:
    with pytest.raises(SourceError, match=r"E140.*no known range"):
        decode_one(packed(Image.new(mode, (4, 4), 70_000), "TIFF"), (4, 4), 1)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = packed(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert (decode_one(data, (8, 8), 3)[:, 4, 4] == [255, 0, 0]).all()


# ---- orientation


def oriented(image: Image.Image, orientation: int, form: str, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return packed(image, form, exif=exif, **options)


def shown(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What EXIF (CIPA DC-008, 4.6.5.1) says: where row 0 and column 0 of the stored picture are in the shown one."""
    right, turned = np.fliplr, np.swapaxes
    ways = {
        1: lambda p: p,
        2: lambda p: right(p),
        3: lambda p: right(np.flipud(p)),
        4: lambda p: np.flipud(p),
        5: lambda p: turned(p, 0, 1),
        6: lambda p: right(turned(p, 0, 1)),
        7: lambda p: right(np.flipud(turned(p, 0, 1))),
        8: lambda p: np.flipud(turned(p, 0, 1)),
    }
    return ways[orientation](pixels)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_applied(form: str, orientation: int) -> None:
    data = oriented(Image.fromarray(COLOUR), orientation, form, **LOSSLESS[form])
    expected = shown(COLOUR, orientation)
    height, width = expected.shape[:2]
    assert read_header(data) == Header(width, height, 3)
    assert (decode_one(data, (height, width), 3) == expected.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_jpegs_are_reduced_and_turned(orientation: int) -> None:
    picture = noise(25, 40, 3).repeat(16, 0).repeat(16, 1)
    data = oriented(Image.fromarray(picture), orientation, "JPEG", quality=95, subsampling=0)
    whole = packed(Image.fromarray(shown(picture, orientation)))
    size = (25, 40) if orientation < 5 else (40, 25)
    assert np.abs(decode_one(data, size, 3).astype(int) - decode_one(whole, size, 3)).mean() < 4


@pytest.mark.parametrize(("orientation", "wanted"), [(1, (64, 40)), (6, (40, 64))])
def test_a_jpeg_is_decoded_at_twice_the_size_at_least(
    orientation: int, wanted: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", lambda image, mode, size: asked.append((mode, size)))
    decode_one(oriented(Image.fromarray(noise(400, 640, 3)), orientation, "JPEG"), (20, 32), 3)
    assert asked == [(None, wanted)]


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    png = packed(Image.fromarray(COLOUR))
    exif = Image.Exif()
    exif[0x0112] = 6
    late = png[:-12] + png_chunk(b"eXIf", exif.tobytes()[6:]) + png[-12:]
    assert read_header(late) == Header(9, 12, 3)
    assert (decode_one(late, (12, 9), 3) == shown(COLOUR, 6).transpose(2, 0, 1)).all()


def test_damaged_exif_data_says_nothing() -> None:
    jpeg = packed(Image.fromarray(COLOUR), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + noise(300).tobytes())
    assert decode_one(jpeg, (9, 12), 3).shape == (3, 9, 12)


# ---- size


def test_another_shape_is_cut_from_the_centre() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert (decode_one(packed(Image.fromarray(wide)), (10, 10), 3)[:, :, 1:9] == 255).all()
    assert decode_one(packed(Image.fromarray(wide)), (5, 5), 1).mean() > 240
    assert decode_one(packed(Image.fromarray(wide.transpose(1, 0, 2))), (5, 5), 1).mean() > 240


def test_smaller_is_an_average_without_aliases() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    found = decode_one(packed(Image.fromarray(stripes)), (16, 16), 1)
    assert np.abs(found[0, :, 1:-1].astype(int) - 127).max() <= 3


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]))
@settings(max_examples=40, deadline=None)
def test_any_size_to_any_size(height: int, width: int, to_height: int, to_width: int, channels: int) -> None:
    data = packed(Image.new("RGB", (width, height), (200, 100, 50)))
    found = decode_one(data, (to_height, to_width), channels)
    assert found.shape == (channels, to_height, to_width) and found.dtype == np.uint8
    expected = [200, 100, 50] if channels == 3 else [round(float(luma(np.array([200, 100, 50]))))]
    assert (found == np.array(expected)[:, None, None]).all()


def test_arrays_are_pictures_too(tmp_path: Path) -> None:
    assert (decode_one(GREY, (9, 12), 1)[0] == GREY).all()
    assert (decode_one(GREY / 255, (9, 12), 3) == GREY).all()
    assert (decode_one(COLOUR, (9, 12), 3) == COLOUR.transpose(2, 0, 1)).all()
    assert (decode_one(COLOUR.transpose(2, 0, 1), (9, 12), 3) == COLOUR.transpose(2, 0, 1)).all()
    (tmp_path / "a.png").write_bytes(packed(Image.fromarray(COLOUR)))
    assert (decode_one(COLOUR, (5, 6), 1) == decode_one(tmp_path / "a.png", (5, 6), 1)).all()
    with pytest.raises(SourceError, match="E147"):
        decode_one(np.zeros((4, 4), complex), (4, 4), 1)


# ---- what cannot be used


def test_only_one_module_opens_files_with_pillow() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(trainwright.__file__).parent.rglob("*.py")}
    assert [name for name, text in texts.items() if "ImagePlugin" in text] == ["decode.py"]
    opening = {name: text for name, text in texts.items() if "Image.open(" in text}  # the small pictures that a run keeps
    assert list(opening) == ["story.py"] and opening["story.py"].count("Image.open(") == 1
    assert 'formats=("PNG",)' in opening["story.py"]


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.png cannot be used: it cannot be read: No such file"):
        decode_one(tmp_path / "none.png", (4, 4), 1)
    with pytest.raises(SourceError, match="E140"):
        decode_one(tmp_path, (4, 4), 1)


def test_a_large_picture_raises_no_warning_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    before = list(warnings.filters)
    assert (decode_one(packed(Image.fromarray(COLOUR)), (9, 12), 3) == COLOUR.transpose(2, 0, 1)).all()
    frames = [Image.fromarray(noise(9, 12, seed=seed)) for seed in range(3)]
    with pytest.raises(SourceError):
        decode_one(packed(frames[0], "WEBP"), (9, 12), 1)  # twice Pillow's own limit: refused, in our words
    assert warnings.filters == before and Image.MAX_IMAGE_PIXELS == 10 and not ImageFile.LOAD_TRUNCATED_IMAGES


def test_warnings_of_others_are_still_raised_and_the_filters_come_back_from_threads() -> None:
    before = list(warnings.filters)

    def work(number: int) -> None:
        with quiet():
            decode_one(packed(Image.fromarray(GREY)), (9, 12), 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert warnings.filters == before
    with quiet(), pytest.raises(UserWarning, match="mine"):
        warnings.warn("mine", UserWarning)


FUZZED = {
    "PNG": {},
    "JPEG": {"exif": oriented(Image.new("L", (4, 4)), 6, "JPEG")[6:40]},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {},
}


@given(st.sampled_from(sorted(FUZZED)), st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_damage_gives_pixels_or_a_reason(form: str, draw, count: int) -> None:
    data = bytearray(packed(Image.fromarray(COLOUR), form, **FUZZED[form]))
    for _ in range(count):
        data[draw.randrange(len(data))] = draw.randrange(256)
    cut = bytes(data[: draw.randrange(len(data))]) if draw.random() < 0.3 else bytes(data)
    try:
        assert decode_one(cut, (9, 12), 3).shape == (3, 9, 12)
    except SourceError as problem:
        assert problem.code == "E140"


def test_a_bad_file_takes_no_memory(tmp_path: Path) -> None:
    """In a process of its own, since Pillow's memory is seen by the operating system alone."""
    pytest.importorskip("resource")
    hostile(tmp_path)
    (tmp_path / "texts.png").write_bytes(text_bombs(packed(Image.fromarray(COLOUR))))
    good = io.BytesIO(packed(Image.fromarray(COLOUR)))
    (tmp_path / "a-good.png").write_bytes(good.getvalue())
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom trainwright.data.images.decode import decode_one\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "files = sorted(Path(sys.argv[1]).iterdir())\n"
        "decode_one(files[0], (9, 12), 3)\nbefore = peak()\n"
        "for file in files[1:]:\n"
        "    try: decode_one(file, (9, 12), 3)\n"
        "    except ValueError: pass\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    kilobytes = int(done.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 50 << 10 and not done.stderr
