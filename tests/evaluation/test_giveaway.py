"""A column or a word that tells the label is found, and one that only helps is not."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.evaluation import giveaway


@pytest.mark.parametrize(("flipped", "found"), [(0.0, True), (0.03, True), (0.2, False), (0.5, False)])
def test_a_number_that_tells_the_class(flipped: float, found: bool) -> None:
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 2, 2000)
    told = np.where(draw.random(2000) < flipped, 1 - labels, labels) + draw.normal(size=2000) * 0.05
    told[:5] = np.nan
    codes = giveaway.binned(told[:1500], told[1500:])
    result = giveaway.of_classes(codes[0], labels[:1500], codes[1], labels[1500:])
    assert result.all_but_tells is found
    assert result.right == pytest.approx(1 - flipped if flipped < 0.5 else 0.5, abs=0.06)


def test_ids_tell_nothing_about_other_rows() -> None:
    labels = np.random.default_rng(2).integers(0, 3, 600)
    ids = np.arange(600)
    result = giveaway.of_classes(ids[:400], labels[:400], ids[400:], labels[400:])
    assert result.right == result.usual and not result.all_but_tells


def test_numbers_are_explained_as_far_as_their_variance_is() -> None:
    draw = np.random.default_rng(3)
    value = draw.normal(size=5000)
    for noise in (0.0, 0.5, 2.0):
        target = value + noise * draw.normal(size=5000)
        codes = giveaway.binned(value[:4000], value[4000:])
        share = giveaway.of_numbers(codes[0], target[:4000], codes[1], target[4000:])
        assert share == pytest.approx(1 / (1 + noise**2), abs=0.06)


def test_a_word_of_one_label_is_found() -> None:
    labels = np.arange(300) % 3
    texts = [[label, 5, 6 + number % 4] if number % 2 else [5, 6 + number % 4] for number, label in enumerate(labels.tolist())]
    codes, rows = np.concatenate(texts), np.repeat(np.arange(300), list(map(len, texts)))
    assert giveaway.words(codes, labels[rows], 10, 3) == [(label, label, 50, 50) for label in range(3)]
