"""A loss surface made ready to be drawn: heights, colours, paths on it, and the same as numbers from 0 to 1 for a page.

A surface is a dict of JSON, as ``run.landscape`` writes it to ``surface.json``: ``title``; ``planes``, each with ``title``,
``axes`` (their two names), ``x``, ``y``, ``loss`` (a list for each y, None where it is not finite), ``minima`` and ``paths``,
each with ``name``, ``points``, ``loss``, ``steps`` and, where it goes on after what was kept, the place of that (``kept``);
of a run also ``line``, ``chance`` (name and loss of a model that knows nothing) and what was measured on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap, to_hex
from matplotlib.ticker import MaxNLocator

from trainwright.watch import words

STEEP = 3  # a loss that spans more than this factor has logarithmic heights and colours
LEAST = 3e-3  # of the greatest loss: what lies far below is told apart less and less then
FLAT = 0.05  # of a loss: what changes by less on a whole plane is drawn as good as flat
# On dark and bright ground alike, and told apart by people who are colour-blind (Okabe and Ito); one path alone is white.
COLORS = ("#56b4e9", "#f0e442", "#ffffff", "#d55e00")
POINT = "#e5202a"  # the end of a path


@dataclass(frozen=True)
class Height:
    """How a loss is made a height from 0 to 1: as it is, or by the logarithm of it and ``shift``."""

    low: float
    high: float
    logarithmic: bool
    shift: float = 0.0

    @classmethod
    def of(cls, loss: np.ndarray, least: float = LEAST, flat: float = FLAT) -> Height:
        """Return what suits some losses: a range of at least ``flat`` of the greatest; a logarithm where it is wide.

        The logarithm is of the loss itself, down to ``least`` of the greatest; where there are lower ones, of the loss and
        so much that the lowest comes there: a floor without an edge.
        """
        known = loss[np.isfinite(loss)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if low >= 0 and high > STEEP * low:
            return cls(low, high, True, max(least * high - low, 0.0))
        lacking = max(flat * max(abs(low), abs(high)) - (high - low), 0.0) or (1e-9 if high == low else 0.0)
        return cls(low - lacking / 2, high + lacking / 2, False)

    @property
    def name(self) -> str:
        """Return what a scale of it is called."""
        log = f"log of loss + {words.number(self.shift, 2)}" if self.shift else "logarithmic"
        return f"loss ({log})" if self.logarithmic else "loss"

    def __call__(self, loss: Any) -> Any:
        """Return heights from 0 to 1."""
        found = np.clip(np.asarray(loss, dtype=float), self.low, self.high)
        if self.logarithmic:
            return np.log((found + self.shift) / self._bottom) / math.log((self.high + self.shift) / self._bottom)
        return (found - self.low) / (self.high - self.low)

    @property
    def _bottom(self) -> float:
        return self.low + self.shift

    def loss(self, height: float) -> float:
        """Return the loss at a height."""
        if self.logarithmic:
            found = self._bottom * ((self.high + self.shift) / self._bottom) ** height - self.shift
            return float(found) if found > 5e-3 * self.shift else 0.0
        found = float(self.low + height * (self.high - self.low))
        return found if abs(found) > 1e-3 * (self.high - self.low) else 0.0


def change(plane: Mapping[str, Any]) -> str:
    """Say of a plane on which the loss hardly changes by how much it does; of another nothing."""
    _, _, loss = grid(plane)
    known = loss[np.isfinite(loss)]
    if not len(known) or np.ptp(known) >= FLAT * np.abs(known).max():
        return ""
    low, high = float(known.min()), float(known.max())
    return f"the loss changes by {words.number(high - low, 2)} in all, from {words.loss(low)} to {words.loss(high)}"


def kept(path: Mapping[str, Any]) -> int:
    """Return which point of a path was kept: the last, unless the training went on."""
    return int(path.get("kept", len(path["points"]) - 1))


def thickness(paths: Sequence[Any], place: int) -> float:
    """Return the width of a path, by that of the last: the earlier are wider, so that each is seen beneath those on it."""
    return 1.0 + 1.1 * (len(paths) - 1 - place)


def colors() -> Colormap:
    """Return viridis without its ends, so that a white and a dark line are seen everywhere."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.04, 0.94, 256)))


def grid(plane: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and the losses of a plane."""
    return np.array(plane["x"]), np.array(plane["y"]), np.array(plane["loss"], dtype=float)


def path_color(paths: Sequence[Any], place: int) -> str:
    """Return the colour of a path: white where it is alone."""
    return "#ffffff" if len(paths) == 1 else COLORS[place % len(COLORS)]


def lifted(plane: Mapping[str, Any], path: Mapping[str, Any]) -> np.ndarray:
    """Return a path on the surface of its plane: x, y and height, shape (points, 3); NaN outside of what was measured."""
    x, y, loss = grid(plane)
    heights, points = Height.of(loss)(loss), np.array(path["points"])
    column, row = (np.interp(points[:, axis], each, np.arange(len(each)), np.nan, np.nan) for axis, each in ((0, x), (1, y)))
    inside = np.isfinite(column) & np.isfinite(row)
    found = np.full(len(points), np.nan)
    i, j = (np.minimum(each[inside].astype(int), len(axis) - 2) for each, axis in ((column, x), (row, y)))
    u, v = column[inside] - i, row[inside] - j
    found[inside] = (heights[j, i] * (1 - u) + heights[j, i + 1] * u) * (1 - v) + (
        heights[j + 1, i] * (1 - u) + heights[j + 1, i + 1] * u
    ) * v
    return np.column_stack([np.where(inside[:, None], points, np.nan), found])


def scene(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page draws: all places, heights and ticks from 0 to 1, all words as they are shown."""
    ramp = [to_hex(color) for color in colors()(np.linspace(0, 1, 32))]
    planes = []
    for plane in found["planes"]:
        x, y, loss = grid(plane)
        height, sides = Height.of(loss), np.array([[x[0], y[0]], [x[-1], y[-1]]])
        size = sides[1] - sides[0]
        known, most = height(loss), math.inf if found.get("line") else height.high
        paths, inks = [], [path_color(plane["paths"], place) for place in range(len(plane["paths"]))]
        for place, path in enumerate(plane["paths"]):
            lift = lifted(plane, path)
            points = np.column_stack([(np.array(path["points"]) - sides[0]) / size, lift[:, 2]])
            says = [said(path, number) for number in range(len(points))]
            look = {"color": inks[place], "wide": thickness(plane["paths"], place), "kept": kept(path)}
            paths.append({"name": words.clean(path["name"]), **look, "points": _rounded(points), "says": says})
        planes.append({
            "title": words.clean(plane["title"]),
            "axes": [words.clean(each) for each in plane["axes"]],
            "columns": len(x),
            "scale": height.name,
            "heights": [-1 if not math.isfinite(each) else round(each, 4) for each in known.ravel().tolist()],
            "ticks": [*(_ticks(*side) for side in sides.T), _height_ticks(height, 6)],
            "minima": _rounded((np.array(plane["minima"]).reshape(-1, 2) - sides[0]) / size),
            "paths": paths,
            "chart": _chart(
                [(ink, each["steps"], each["loss"]) for ink, each in zip(inks, plane["paths"], strict=True)],
                found.get("chance"),
                most,
            ),
        })  # fmt: skip
    line = found.get("line")
    straight = _chart([("#56b4e9", line["x"], line["loss"])], found.get("chance")) if line else None
    return {"ramp": ramp, "point": POINT, "planes": planes, "line": straight}


def said(path: Mapping[str, Any], number: int) -> str:
    """Return where a path is at one of its points, in words."""
    loss, epochs = path["loss"][number], path.get("epochs")
    parts = [f"step {words.count(path['steps'][number])}", f"epoch {epochs[number]:.3g}" if epochs else ""]
    parts += ["" if loss is None else f"loss {words.number(loss)}", "after what was kept" if number > kept(path) else ""]
    return ", ".join(filter(None, parts))


def _chart(
    lines: Sequence[tuple[str, Sequence[float], Sequence[float | None]]],
    chance: Mapping[str, Any] | None = None,
    most: float = math.inf,
) -> dict[str, Any]:
    """Return lines, each a colour with x and loss, and the ticks of both axes; what is above ``most`` is drawn at the top.

    The axis holds the loss of chance, where that is known.
    """
    loss = np.concatenate([np.array(values, dtype=float) for _, _, values in lines]).clip(max=most)
    width = np.concatenate([np.array(x, dtype=float) for _, x, _ in lines])
    height = Height.of(np.append(loss, chance["loss"] if chance else np.nan), 1e-6, 0.0)
    low, high = float(width.min()), float(max(width.max(), width.min() + 1e-9))
    drawn = [[color, _rounded(np.column_stack([(np.array(x) - low) / (high - low), height(np.array(values, dtype=float))]))]
             for color, x, values in lines]  # fmt: skip
    marks = [[round(float(height(chance["loss"])), 5), f"{chance['name']}: {words.loss(chance['loss'])}"]] if chance else []
    ticks = {"x": _ticks(low, high), "y": _height_ticks(height, 5)}
    return {"lines": drawn, "marks": marks, **ticks, "scale": height.name}


def _height_ticks(height: Height, count: int) -> list[list[Any]]:
    """Return heights with their losses, to as few digits as tell them apart."""
    heights = np.linspace(0, 1, count).tolist()
    told = ([words.number(height.loss(each), digits) for each in heights] for digits in (3, 4, 5, 6))
    names = next((each for each in told if len(set(each)) == count), [words.number(height.loss(each)) for each in heights])
    return [list(each) for each in zip(heights, names, strict=True)]


def _ticks(low: float, high: float) -> list[list[Any]]:
    """Return places from 0 to 1 with the numbers there."""
    values = [float(each) for each in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    span = high - low
    return [[round((each - low) / span, 5), f"{each:g}"] for each in values if low - 1e-9 * span <= each <= high + 1e-9 * span]


def _rounded(points: np.ndarray) -> list[list[float | None]]:
    return [[round(each, 5) if math.isfinite(each) else None for each in point] for point in points.tolist()]
