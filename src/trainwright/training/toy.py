"""Optimisers on surfaces of two parameters, which can be seen whole: a long valley, a bent one, a saddle, several minima.

The surfaces are those of textbooks; the optimisers are made as those of every training. Nothing here is learned from data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.training.optim import lean_step, make_optimizer

STEPS = 150
POINTS = 91  # along each axis of a surface
FAR = 1.0  # sizes of the picture that a path may lie outside of it before it ends


@dataclass(frozen=True)
class Surface:
    """A function of x and y, the part of the plane that is shown, where paths begin, and the learning rate of each.

    The rates were tried by hand: the first three suit the surface, the last is too high for it.
    """

    title: str
    about: str
    value: Callable[[Tensor, Tensor], Tensor]
    x: tuple[float, float]
    y: tuple[float, float]
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    rates: dict[str, float]
    steps: int = STEPS


OPTIMIZERS = {
    "SGD": Named(name="SGD"),
    "momentum": Named(name="SGD", momentum=0.9),  # type: ignore[call-arg]
    "Adam": Named(name="Adam"),
    "rate too high": Named(name="SGD"),
}


def _rates(*rates: float) -> dict[str, float]:
    return dict(zip(OPTIMIZERS, rates, strict=True))


SURFACES = {
    "bowl": Surface(
        "Elongated bowl",
        "f = x^2 / 2 + 10 y^2. The curvature across is 20 times that along: a rate above 2 / 20 diverges across, and one below "
        "it is slow along. Momentum adds up what stays the same from step to step; Adam gives each axis a rate of its own.",
        lambda x, y: x**2 / 2 + 10 * y**2,
        (-10, 4),
        (-3, 3),
        (-9, 2),
        ((0, 0),),
        _rates(0.04, 0.02, 0.3, 0.103),
    ),
    "rosenbrock": Surface(
        "Rosenbrock's valley",
        "f = (1 - x)^2 + 100 (y - x^2)^2. The floor of a bent valley is found at once; along it there is next to no slope. "
        "After 1,000 steps, not 150 as elsewhere, momentum and Adam have arrived; plain gradient descent is half-way.",
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        (-2, 2),
        (-1, 3),
        (-1.2, 1.6),
        ((1, 1),),
        _rates(0.0015, 0.001, 0.1, 0.003),
        1000,
    ),
    "beale": Surface(
        "Beale's function",
        "f = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2. Flat plains between steep walls: where the slope "
        "is small, plain gradient descent hardly moves.",
        lambda x, y: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
        (-1, 4.5),
        (-1.5, 2),
        (1, -1.2),
        ((3, 0.5),),
        _rates(0.01, 0.005, 0.15, 0.12),
    ),
    "saddle": Surface(
        "Saddle",
        "f = x^2 - y^2 + y^4 / 4. From nearly on the ridge the slope first leads to the saddle, where it is zero; it is left "
        "all the slower the nearer the path came to it.",
        lambda x, y: x**2 - y**2 + y**4 / 4,
        (-2, 2),
        (-2, 2),
        (-1.7, 0.02),
        ((0, 2**0.5), (0, -(2**0.5))),
        _rates(0.05, 0.02, 0.05, 1.01),
    ),
    "minima": Surface(
        "Several minima (Himmelblau)",
        "f = (x^2 + y - 11)^2 + (x + y^2 - 7)^2. Four minima of the same depth: from one start, the optimiser and its rate "
        "decide which one is reached.",
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        (-5, 5),
        (-5, 5),
        (-0.4, -0.8),
        ((3, 2), (-2.805118, 3.131312), (-3.77931, -3.283186), (3.584428, -1.848126)),
        _rates(0.008, 0.002, 0.3, 0.03),
    ),
}


def path(surface: Surface, optimizer: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where an optimiser goes: float64, shape (points, 2), the start first; and the value of the surface there.

    It ends where it has left the picture for good.
    """
    place = nn.Parameter(torch.tensor(surface.start, dtype=torch.float64))
    made = make_optimizer(OPTIMIZERS[optimizer], [place], surface.rates[optimizer])
    step = lean_step(made)
    places, values = [], []
    for _ in range(surface.steps + 1):
        value = surface.value(place[0], place[1])
        places.append(place.detach().numpy().copy())
        values.append(value.item())
        if not _near(surface, places[-1]):
            break
        place.grad = None
        value.backward()  # type: ignore[no-untyped-call]
        step()
    return np.array(places), np.array(values)


def _near(surface: Surface, place: np.ndarray) -> bool:
    bounds = np.array([surface.x, surface.y])
    size = bounds[:, 1] - bounds[:, 0]
    return bool((np.abs(place - bounds.mean(axis=1)) < FAR * size).all())


def plane(surface: Surface) -> dict[str, Any]:
    """Return a surface with the paths of all optimisers, as ``watch.landscape`` draws it."""
    x, y = (torch.linspace(*bounds, POINTS, dtype=torch.float64) for bounds in (surface.x, surface.y))
    paths = []
    for name in OPTIMIZERS:
        places, values = path(surface, name)
        title = f"{name}, lr {surface.rates[name]:g}"
        paths.append({"name": title, "points": places.tolist(), "loss": values.tolist(), "steps": list(range(len(places)))})
    return {
        "title": surface.title,
        "about": surface.about,
        "axes": ["x", "y"],
        "x": x.tolist(),
        "y": y.tolist(),
        "loss": surface.value(x[None, :], y[:, None]).tolist(),
        "minima": [list(each) for each in surface.minima],
        "paths": paths,
    }
