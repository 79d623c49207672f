"""Optimisers on surfaces of two parameters, against their formulas written by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwright.training import toy

STEPS = 40


def slope(surface: toy.Surface, place: np.ndarray) -> np.ndarray:
    """The gradient by differences, for which no derivative has to be believed."""
    found = []
    for axis in (0, 1):
        step = np.zeros(2)
        step[axis] = 1e-6
        up, down = (float(surface.value(*torch.tensor(place + sign * step))) for sign in (1, -1))
        found.append((up - down) / 2e-6)
    return np.array(found)


def by_hand(surface: toy.Surface, name: str) -> np.ndarray:
    """Plain gradient descent; with momentum 0.9; and Adam (Kingma and Ba 2015, algorithm 1)."""
    place, rate = np.array(surface.start, dtype=float), surface.rates[name]
    first, second, found = np.zeros(2), np.zeros(2), []
    for step in range(1, STEPS + 2):
        found.append(place)
        gradient = slope(surface, place)
        if name == "momentum":
            first = 0.9 * first + gradient
            place = place - rate * first
        elif name == "Adam":
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            place = place - rate * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        else:
            place = place - rate * gradient
    return np.array(found)


@pytest.mark.parametrize("name", toy.OPTIMIZERS)
@pytest.mark.parametrize("surface", ["bowl", "beale", "minima"])
def test_paths_are_those_of_the_formulas(surface: str, name: str) -> None:
    shown = toy.SURFACES[surface]
    found, values = (each[: STEPS + 1] for each in toy.path(shown, name))
    wanted = by_hand(shown, name)[: len(found)]
    short = 2 if name == "rate too high" else STEPS + 1  # what diverges makes any difference large
    assert found[:short] == pytest.approx(wanted[:short], rel=1e-4, abs=1e-4)
    assert values[0] == pytest.approx(float(shown.value(*torch.tensor(shown.start))))


@pytest.mark.parametrize("name", toy.SURFACES)
def test_what_is_said_of_a_surface_holds(name: str) -> None:
    surface = toy.SURFACES[name]
    plane = toy.plane(surface)
    lowest = min(map(min, plane["loss"]))
    for minimum in surface.minima:
        assert np.abs(slope(surface, np.array(minimum))).max() < 1e-4
        assert float(surface.value(*torch.tensor(minimum, dtype=torch.float64))) <= lowest + 1e-9
    j, i = 7, 20
    assert plane["loss"][j][i] == pytest.approx(
        float(surface.value(torch.tensor(plane["x"][i]), torch.tensor(plane["y"][j]))), rel=1e-5
    )
    if surface.title.startswith("Rosen"):
        last = [float(np.hypot(*(np.array(path["points"][-1]) - surface.minima[0]))) for path in plane["paths"][:3]]
        assert last[1] < 0.05 and last[2] < 0.05 and 0.5 < last[0] < 1.5  # as the page says
    inside = [surface.x[0] <= x <= surface.x[1] and surface.y[0] <= y <= surface.y[1] for x, y in plane["paths"][3]["points"]]
    assert sum(inside[:6]) >= 5  # seen on the relief before it has gone
    good, high = [path["loss"] for path in plane["paths"][:3]], plane["paths"][3]["loss"]
    assert all(values[-1] < values[0] for values in good)
    assert max(high) > max(high[0], min(values[-1] for values in good))  # it goes up on its way, or away
