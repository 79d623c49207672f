"""The encoder of pictures learns mean and deviation exactly."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_samples import noise

from trainwright.data.images.normalize import ImageNormalizer


@given(st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_pixels_learns_mean_and_deviation(rows: int, channels: int, height: int, width: int, seed: int) -> None:
    pixels = noise(rows, channels, height, width, seed=seed)
    encoder = ImageNormalizer.fit(pixels, (height, width), channels)
    values = pixels / 255
    assert np.allclose(encoder.mean, values.mean((0, 2, 3)), rtol=1e-12)
    if rows * height * width > 1:
        assert np.allclose(encoder.std, values.std((0, 2, 3)), rtol=1e-9)
    shuffled = np.random.default_rng(seed).permutation(pixels)
    assert ImageNormalizer.fit(shuffled, (height, width), channels) == encoder
    values_, arrays = encoder.to_parts()
    assert arrays == {} and ImageNormalizer.from_parts(json.loads(json.dumps(values_)), arrays) == encoder


def test_pixels_of_one_shade_are_not_divided_by_zero() -> None:
    assert ImageNormalizer.fit(np.full((3, 1, 2, 2), 51, np.uint8), (2, 2), 1) == ImageNormalizer((2, 2), 1, (0.2,), (1.0,))


def test_pixels_sums_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(50, 3, 4, 4)
    whole = ImageNormalizer.fit(pixels, (4, 4), 3)
    monkeypatch.setattr("trainwright.data.images.pictures.CHUNK_VALUES", 40)
    assert ImageNormalizer.fit(pixels, (4, 4), 3) == whole
