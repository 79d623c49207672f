"""Pictures that were scaled, compressed, lightened or cut look like the original, and others do not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from trainwright.data.images import look_alike

PICTURES = 150


def scene(draw: np.random.Generator) -> Image.Image:
    """Soft shapes with some detail."""
    layers = [draw.normal(128, 50, (size, size, 3)) for size in (6, 24)]
    soft, fine = (
        Image.fromarray(np.uint8(np.clip(each, 0, 255))).resize((96, 72), Image.Resampling.BICUBIC) for each in layers
    )
    return Image.blend(soft, fine, 0.3)


def compressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": compressed,
    "scaled": lambda image: image.resize((48, 36)),
    "lighter": lambda image: image.point(lambda value: min(255, int(value * 1.1 + 10))),
    "cut": lambda image: image.crop((1, 1, 95, 71)),
    "softened": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}


def pixels(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(each.resize((32, 32))).transpose(2, 0, 1) for each in images])


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    draw = np.random.default_rng(1)
    return [scene(draw) for _ in range(PICTURES)]


@pytest.mark.parametrize("how", CHANGES)
def test_changed_copies_are_found_and_nothing_else(how: str, scenes: list[Image.Image]) -> None:
    values = look_alike.grey(pixels([*scenes, *map(CHANGES[how], scenes)]))
    pairs = {tuple(pair) for pair in look_alike.alike(values, np.arange(len(values))).tolist()}
    right = {(place, place + PICTURES) for place in range(PICTURES)}
    assert len(pairs & right) >= 0.95 * PICTURES and not pairs - right


def test_equal_pictures_and_single_colours_are_no_pairs(scenes: list[Image.Image]) -> None:
    flat = [Image.new("RGB", (96, 72), (shade, shade, shade)) for shade in (0, 1, 200)]
    values = look_alike.grey(pixels([scenes[0], scenes[0], *flat]))
    assert look_alike.flat(values).tolist() == [False, False, True, True, True]
    assert not len(look_alike.alike(values, np.array([0, 0, 1, 2, 3])))
    assert look_alike.alike(values, np.arange(5)).tolist() == [[0, 1]]
    assert not len(look_alike.alike(values[:0], np.arange(0)))


def test_grey_values_are_the_means_of_areas() -> None:
    image = np.random.default_rng(2).integers(0, 256, (2, 3, 48, 32), np.uint8)
    luma = np.tensordot([0.299, 0.587, 0.114], image, (0, 1))
    expected = luma.reshape(2, 16, 3, 16, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(look_alike.grey(image), expected, rtol=1e-4)
    uneven = look_alike.grey(image[:, :1, :20, :30])
    np.testing.assert_allclose(uneven.mean(axis=(1, 2)), image[:, :1, :20, :30].mean(axis=(1, 2, 3)), rtol=1e-4)


def test_copies_in_train_are_found_and_nothing_else(scenes: list[Image.Image]) -> None:
    train, others = look_alike.greys(pixels(scenes)), pixels([scene(np.random.default_rng(seed)) for seed in range(2, 40)])
    flat = np.zeros((2, 3, 32, 32), np.uint8)
    for how in ("compressed", "scaled", "lighter", "softened"):
        changed = look_alike.greys(np.concatenate([pixels([*map(CHANGES[how], scenes)]), others, flat]))
        found = look_alike.copies(changed, np.concatenate([train, look_alike.greys(flat)]))
        assert found[:PICTURES].mean() > 0.95 and not found[PICTURES:].any(), how
    assert not look_alike.copies(train, train[:0]).any() and not len(look_alike.copies(train[:0], train))
