"""What an image file's header says is judged before a decoder sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from picture_samples import HOSTILE_REASONS, hostile, noise, packed, png_chunk, text_bombs, with_chunks
from PIL import Image, ImageFile

from trainwright.data.images.decode import Header, decode_one, read_header
from trainwright.data.images.headers import Unusable
from trainwright.errors import SourceError

COLOUR = noise(9, 12, 3)


def test_hostile_files_are_refused_from_their_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(tmp_path)
    for name, reason in HOSTILE_REASONS.items():
        with pytest.raises(SourceError) as caught:
            decode_one(tmp_path / name, (28, 28), 1)
        assert caught.value.code == "E140" and reason in str(caught.value) and name in str(caught.value), name

    def load(image: ImageFile.ImageFile) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    for name in HOSTILE_REASONS.keys() - {"cut.jpg"}:  # a JPEG says nowhere how long it is
        with pytest.raises(Unusable):
            read_header(tmp_path / name)


def test_an_honest_empty_page_is_no_bomb() -> None:
    page = packed(Image.new("1", (4960, 7016), 1), "TIFF", compression="group4")  # A4 at 600 dots an inch
    assert len(page) < 10_000 and read_header(page) == Header(4960, 7016, 1)
    assert (decode_one(page, (64, 64), 1) == 255).all()


def test_packed_texts_and_profiles_are_never_unpacked() -> None:
    data = text_bombs(packed(Image.fromarray(COLOUR)))
    assert read_header(data) == Header(12, 9, 3)
    assert (decode_one(data, (9, 12), 3) == COLOUR.transpose(2, 0, 1)).all()


def test_a_broken_animation_is_its_still_picture() -> None:
    png = with_chunks(packed(Image.fromarray(COLOUR)), png_chunk(b"acTL", b"\0" * 8))
    assert (decode_one(png, (9, 12), 3) == COLOUR.transpose(2, 0, 1)).all()


def test_endless_chunks_are_refused() -> None:
    png = packed(Image.fromarray(COLOUR))
    with pytest.raises(Unusable, match="chunks"):
        read_header(with_chunks(png, png_chunk(b"prIv", b"") * 100_001))
