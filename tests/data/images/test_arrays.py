"""Arrays as pictures: every usual shape and type gives the same pictures; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from array_samples import COLOUR, GREY, LABELS, pixels_of, saved
from picture_samples import noise

from trainwright.data.images.arrays import convert, to_labels
from trainwright.data.read.images import read_pictures
from trainwright.errors import SourceError

# ---- shapes and types


@pytest.mark.parametrize(
    "images",
    [
        COLOUR,
        COLOUR.transpose(0, 3, 1, 2),
        np.concatenate([COLOUR, np.full((4, 6, 5, 1), 255, np.uint8)], 3),
        COLOUR.astype(np.int64),
        COLOUR.astype(np.float32),
        COLOUR.astype(np.float64) / 255,
        (COLOUR / 255).astype(np.float32),
        COLOUR.astype(np.uint16) * 257,
        COLOUR.astype(np.int16).astype(">i2"),
    ],
)
def test_shapes_and_types_agree(images: np.ndarray, tmp_path: Path) -> None:
    assert (pixels_of(images, tmp_path) == COLOUR.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize("images", [GREY, GREY[..., None], GREY[:, None]])
def test_grey_shapes_agree(images: np.ndarray, tmp_path: Path) -> None:
    assert (pixels_of(images, tmp_path) == GREY[:, None]).all()


def test_rows_of_pixels(tmp_path: Path) -> None:
    square, planes = noise(3, 7, 7), noise(3, 3, 8, 8)
    assert (pixels_of(square.reshape(3, 49), tmp_path) == square[:, None]).all()
    assert (pixels_of(planes.reshape(3, 192), tmp_path) == planes).all()


def test_tiny_pictures_are_read_as_the_squarer_shape() -> None:
    assert convert({"a": noise(2, 3, 4, 4)})[0]["a"].shape == (2, 3, 4, 4)  # channels first: 4 x 4
    assert convert({"a": noise(2, 4, 4, 3)})[0]["a"].shape == (2, 3, 4, 4)


def test_transparency_lies_over_white() -> None:
    images = noise(5, 6, 7, 4)
    part = images[..., 3:] / 255
    expected = np.round(images[..., :3] * part + 255 * (1 - part))
    assert (convert({"a": images})[0]["a"] == expected.transpose(0, 3, 1, 2)).all()


def test_what_values_mean_is_decided_for_all_parts_together() -> None:
    dark, bright = np.full((1, 4, 4), 1.0), np.full((1, 4, 4), 200.0)
    found, notes = convert({"train": bright, "test": dark})
    assert found["test"].max() == 1 and notes[0][:2] == ("values", "rounded")
    found, notes = convert({"train": dark, "test": dark / 2})
    assert found["train"].max() == 255 and found["test"].max() == 128 and "fractions" in notes[0][2]
    assert convert({"a": np.ones((1, 4, 4), bool)})[0]["a"].min() == 255
    assert convert({"a": np.full((1, 4, 4), 9, np.uint16)})[0]["a"].max() == 9


def test_large_arrays_are_converted_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(50, 6, 5) / 255
    whole = convert({"a": images})[0]["a"]
    monkeypatch.setattr("trainwright.data.images.arrays.CHUNK_VALUES", 70)
    assert (convert({"a": images})[0]["a"] == whole).all()


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (noise(4), "its shape is (4,)"),
        (noise(4, 50), "its shape is (4, 50)"),
        (noise(4, 6, 5, 2), "its shape is (4, 6, 5, 2)"),
        (noise(4, 0, 5), "it is empty"),
        (GREY.astype(complex), "its type is complex128"),
        (GREY.astype(str), "its type is <U3"),
        (GREY.astype(np.float32) * np.nan, "not finite"),
        (GREY.astype(np.float32) - 128, "its values run from"),
        (GREY.astype(np.int32) * 100, "its values reach"),
    ],
)
def test_what_is_no_pictures(images: np.ndarray, why: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_pictures(saved(tmp_path / "a.npz", x=images, y=LABELS))
    assert caught.value.code == "E147" and why in caught.value.what and "a.npz, train" in caught.value.what


def test_labels() -> None:
    for same in (
        LABELS,
        LABELS[:, None],
        LABELS.astype(float),
        LABELS.astype(str),
        LABELS.astype("S"),
        LABELS.astype(np.uint8),
    ):
        assert to_labels(same, "y").to_list() == ["3", "1", "3", "0"]
    assert to_labels(np.array([True, False]), "y").to_list() == ["true", "false"]
    for odd in (np.eye(4), np.array([0.5, 1]), np.array([np.nan]), np.array([1j])):
        with pytest.raises(SourceError, match="E147: y does not fit"):
            to_labels(odd, "y")
