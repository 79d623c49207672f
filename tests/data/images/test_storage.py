"""Sizes are derived from headers; pictures are decoded once, and those that cannot be used are named."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_samples import HOSTILE_REASONS, hostile, noise, picture, small_set, write_png
from PIL import Image, ImageFile

from trainwright.data.images.decode import decode_one
from trainwright.data.images.pictures import from_pixels
from trainwright.data.images.storage import LARGEST, SIDES, _size, bytes_needed, decode, measure_sizes
from trainwright.data.read.images import read_pictures
from trainwright.errors import SourceError


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_the_size_rule(sizes: list[tuple[int, int]]) -> None:
    (height, width), note = _size(np.array([(w, h) for h, w in sizes]))
    assert note[:2] == ("size", f"{height} x {width}")
    if len(set(sizes)) == 1 and sizes[0][0] * sizes[0][1] <= LARGEST**2:
        assert (height, width) == sizes[0]
    else:
        median = int(np.median([min(size) for size in sizes]))
        assert height == width and height in SIDES
        assert height <= max(median, 8) and (height == SIDES[-1] or SIDES[SIDES.index(height) + 1] > median)


def test_survey_reads_headers_of_the_training_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, side in enumerate((40, 50, 70)):
        picture(tmp_path / "train" / "a" / f"{number}.png", number, side, 2 * side)
        write_png(tmp_path / "test" / "a" / f"{number}.png", noise(99, 99, 3, seed=number))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.size == (48, 48) and found.channels == 1
    assert (
        found.notes[0][2]
        == "half of the pictures are 50 or more on their shorter side; 48 is the next side below that is usual"
    )
    write_png(tmp_path / "train" / "a" / "3.png", noise(99, 99, 3))
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.channels == 3 and found.notes[1] == ("channels", "3", "1 of 4 pictures are in colour")


def test_a_large_common_size_is_reduced(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", 0, 600, 800)
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.size == (224, 224) and found.notes[0][2].startswith("every picture has 600 x 800")


def test_arrays_are_surveyed_and_resized() -> None:
    pictures = from_pixels("a.npz", pl.Series(["a", "b"]), noise(2, 3, 4, 4))
    found = measure_sizes([pictures])
    assert found.size == (4, 4) and found.channels == 3
    assert decode(pictures, (4, 4), 3) is pictures
    smaller = decode(pictures, (2, 3), 1).pixels
    assert smaller is not None and smaller.shape == (2, 1, 2, 3)
    assert (smaller[0] == decode_one(noise(2, 3, 4, 4)[0].transpose(1, 2, 0), (2, 3), 1)).all()
    assert pictures.pixels is not None and pictures.pixels.shape == (2, 3, 4, 4)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 good pictures of 28 x 28 in two classes, the hostile ones among them, and an animation, CMYK and 16 bits."""
    folder = tmp_path_factory.mktemp("thousand")
    pixels = noise(997, 28, 28)
    for number, each in enumerate(pixels):
        write_png(folder / "ab"[number % 2] / f"{number:04}.png", each)
    frames = [Image.fromarray(each) for each in pixels[:3]]
    frames[0].save(folder / "a" / "moving.png", save_all=True, append_images=frames[1:])
    frames[0].convert("CMYK").save(folder / "a" / "press.jpg")
    Image.fromarray(noise(28, 28).astype(np.uint16) * 257).save(folder / "b" / "deep.png")
    hostile(folder / "a")
    return folder


def test_bad_pictures_are_named_and_the_others_used(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    found = measure_sizes([pictures])
    assert found.size == (28, 28) and found.channels == 3  # CMYK is colour
    decoded = decode(pictures, found.size, 1)
    reasons = {Path(each.file).name: each.reason for each in decoded.rejected}
    assert reasons.keys() == HOSTILE_REASONS.keys()
    assert all(HOSTILE_REASONS[name] in reason for name, reason in reasons.items())
    assert all(Path(each.file).parent == thousand / "a" and each.row == 0 for each in decoded.rejected)
    assert len(decoded) == len(decoded.names) == len(decoded.labels) == len(decoded.keys) == 1000
    assert decoded.pixels is not None and decoded.pixels.shape == (1000, 1, 28, 28)
    assert [name[0] for name in decoded.names] == decoded.labels.to_list()
    written = noise(997, 28, 28)
    for index, name in enumerate(decoded.names):
        if name[2:6].isdigit():
            assert (decoded.pixels[index, 0] == written[int(name[2:6])]).all()
    by_name = dict(zip(decoded.names, decoded.pixels[:, 0], strict=True))
    assert (by_name["a/moving.png"] == written[0]).all() and (by_name["b/deep.png"] == noise(28, 28)).all()


def test_all_bad_pictures_but_a_cut_jpeg_are_found_before_decoding(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    measure_sizes([pictures])
    assert {Path(each.file).name for each in pictures.rejected} == HOSTILE_REASONS.keys() - {"cut.jpg"}


def test_nothing_is_warned_about_and_nothing_stays_changed(thousand: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pictures = read_pictures(thousand)["train"]
        measure_sizes([pictures])
        decode(pictures, (8, 8), 3)
    assert not caught and before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


def test_decoding_says_how_far_it_is(thousand: Path) -> None:
    seen: list[tuple[int, int]] = []
    pictures = read_pictures(thousand)["train"]
    total = len(pictures)
    decoded = decode(pictures, (7, 9), 3, lambda done, rows: seen.append((done, rows)))
    assert seen == sorted(seen) and seen[-1] == (total, total) and len(seen) > 5
    assert len(pictures) == total and pictures.pixels is None and len(decoded) == 1000
    assert decoded.pixels is not None and decoded.pixels.nbytes == bytes_needed(decoded, (7, 9), 3)


def test_some_rows_are_decoded_on_the_way(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    some = np.array([800, 700, 900])
    part = decode(pictures.take(some), (28, 28), 1)
    assert part.pixels is not None and part.names == [pictures.names[row] for row in some]
    for row, pixels in zip(some, part.pixels, strict=True):
        assert pictures.paths is not None and (decode_one(pictures.paths[row], (28, 28), 1) == pixels).all()


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    hostile(tmp_path / "a")
    pictures = read_pictures(tmp_path)["train"]
    measure_sizes([pictures])
    assert pictures.names == ["a/cut.jpg"]
    with pytest.raises(SourceError, match="E142: none of the 15 pictures"):
        decode(pictures, (28, 28), 1)
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "x.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"E142: none of the 1 pictures(.|\n)*the file is empty(.|\n)*x\.png"):
        read_pictures(tmp_path / "b")


def test_a_picture_that_vanishes_is_named(tmp_path: Path) -> None:
    small_set(tmp_path)
    pictures = read_pictures(tmp_path)["train"]
    (tmp_path / "dog" / "b.png").unlink()
    decoded = decode(pictures, (6, 6), 1)
    assert decoded.rejected[0].file.endswith("b.png") and "No such file" in decoded.rejected[0].reason
