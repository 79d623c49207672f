"""Learning curves that are known: the interval holds what comes, and is no wider than it has to be."""

from __future__ import annotations

import numpy as np
import pytest

from trainwright.evaluation import learning_curve
from trainwright.evaluation.intervals import Units

SIZES, REPEATS = np.array([500.0, 1000, 2000, 4000, 8000]), (4, 4, 3, 2, 1)


def classes(rate: float, level: float, power: float, sizes: np.ndarray) -> np.ndarray:
    return level + rate * (sizes / 500) ** -power


def trained(draw: np.random.Generator, errors: np.ndarray, rows: int = 2000) -> list[list[np.ndarray]]:
    """Blocks of trainings whose errors scatter by 3 %, on the same validation rows, some of which are harder."""
    hard = draw.random(rows)
    found = []
    for error, repeats in zip(errors, REPEATS, strict=True):
        several = []
        for _ in range(repeats):
            wrong = hard + 0.1 * draw.standard_normal(rows) < error * (1 + 0.03 * draw.standard_normal())
            several.append(learning_curve.blocks(np.stack([np.ones(rows), wrong]), None, False))
        found.append(several)
    return found


def test_what_comes_lies_in_the_interval() -> None:
    held, widths = [], []
    for shape in ((0.2, 0.05, 0.5), (0.3, 0.0, 0.3), (0.2, 0.1, 1.0)):
        truth = float(classes(*shape, np.array([16_000.0]))[0])
        for seed in range(10):
            shown = trained(np.random.default_rng(seed), classes(*shape, SIZES))
            found = learning_curve.extrapolate("class", SIZES, shown, np.array([16_000.0]))
            _, low, high = found["errors"][0]
            held.append(low <= truth <= high)
            widths.append((high - low) / truth)
    assert np.mean(held) >= 0.9 and np.reshape(held, (3, 10)).mean(axis=1).min() >= 0.8
    assert np.reshape(widths, (3, 10)).mean(axis=1).max() < 0.8


def test_a_flat_curve_promises_nothing_and_a_steep_one_much() -> None:
    flat = learning_curve.extrapolate("class", SIZES, trained(np.random.default_rng(0), np.full(5, 0.2)), np.array([16_000.0]))
    steep = trained(np.random.default_rng(0), classes(0.4, 0.0, 0.7, SIZES))
    fast = learning_curve.extrapolate("class", SIZES, steep, np.array([16_000.0]))
    assert flat["gains"][0][0] < 0.01 < fast["gains"][0][0] and fast["gains"][0][1] >= 0


def test_a_curve_never_rises_with_more_rows() -> None:
    shown = trained(np.random.default_rng(1), classes(0.2, 0.05, 0.5, SIZES)[::-1])
    found = learning_curve.extrapolate("class", SIZES, shown, SIZES[-1] * np.array([1.0, 2, 4]))
    middles = [middle for middle, _, _ in found["errors"]]
    assert np.ptp(middles) < 0.02 and all(gain[1] >= -1e-9 for gain in found["gains"])


def test_the_same_trainings_give_the_same_numbers() -> None:
    shown = trained(np.random.default_rng(2), classes(0.2, 0.05, 0.5, SIZES))
    first, second = (learning_curve.extrapolate("class", SIZES, shown, SIZES * 4) for _ in range(2))
    assert first == second


def test_errors_of_every_kind() -> None:
    draw = np.random.default_rng(0)
    wrong, off = draw.random(50) < 0.3, draw.standard_normal(50)
    assert learning_curve.error_of("class", np.stack([np.ones(50), wrong]).sum(axis=1)) == pytest.approx(wrong.mean())
    squares = np.stack([np.ones(50), off**2]).sum(axis=1)
    assert learning_curve.error_of("number", squares) == pytest.approx(np.sqrt((off**2).mean()))
    assert learning_curve.error_of("labels", np.array([10.0, 6, 8, 12])) == pytest.approx(1 - 2 * 6 / 20)
    assert learning_curve.error_of("token", np.array([10.0, 25])) == pytest.approx(2.5)


def test_units_stay_whole_in_blocks_and_texts_in_order() -> None:
    units = Units(np.repeat(np.arange(3), 4))
    of_units = learning_curve.blocks(np.ones((1, 12)), units, False)
    assert of_units.tolist() == [[4.0, 4.0, 4.0]]
    numbers, ones = learning_curve.blocks(np.stack([np.arange(1000.0), np.ones(1000)]), None, True)
    assert (np.diff(numbers / ones) > 0).all() and numbers.sum() == 999 * 500
