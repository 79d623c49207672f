"""A small writer of SVG: axes with round numbers, lines with gaps, texts that stay text.

Promises: no colour, font or size stands in a picture (classes name them, so that a page can be light or dark); texts are
escaped; coordinates have one decimal, so that the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from trainwright.watch import words


class Axis(NamedTuple):
    """Values from ``low`` to ``high`` laid out from ``start`` to ``end``, in proportion or by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return where a value lies; one beyond the ends lies at the end."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def ticks(self, most: int = 5) -> list[float]:
        """Return up to about ``most`` round values that lie on it."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for factors in ((1, 2, 5), (1, 3), (1,)):
                found = [factor * 10.0**power for power in decades for factor in factors]
                found = [value for value in found if self.low <= value <= self.high]
                if len(found) <= most + 1:
                    return found
            return found[:: math.ceil(len(found) / most)]
        if not self.high > self.low:
            return [self.low]
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def few(self) -> int:
        """Return the least ``most`` for which there are at least two ticks, as one alone tells no size."""
        return next((most for most in range(2, 8) if len(self.ticks(most)) > 1), 8)


class Spot(NamedTuple):
    """Where a text stands at a level line: at its right or left end, above or below."""

    right: bool
    above: bool


def spot(level: float, width: float, height: float, lines: Iterable[Sequence[tuple[float, float]]]) -> Spot:
    """Return where at a ``level`` a text is crossed least by ``lines``; all in shares of the picture, from below."""
    points = [point for line in lines for point in _dense(line)]

    def crossed(each: Spot) -> tuple[bool, int]:
        low = level if each.above else level - height
        inside = [x for x, y in points if low <= y <= low + height and (x > 1 - width if each.right else x < width)]
        return not 0 <= low <= 1 - height, len(inside)

    return min((Spot(True, True), Spot(False, True), Spot(True, False), Spot(False, False)), key=crossed)


def _dense(line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points of a line that lie close to each other."""
    found = list(line)
    for (x, y), (to_x, to_y) in pairwise(line):
        parts = min(200, math.ceil(100 * max(abs(to_x - x), abs(to_y - y)))) if math.isfinite(y) and math.isfinite(to_y) else 0
        found += [(x + (to_x - x) * k / parts, y + (to_y - y) * k / parts) for k in range(1, parts)]
    return found


def number(value: float) -> str:
    """Write a coordinate."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def tick(value: float) -> str:
    """Write a round number beside an axis, in as few characters as tell it."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        shown = f"{value:,.{max(0, 9 - math.floor(math.log10(abs(value) or 1)))}f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    mantissa, _, power = f"{value:.9e}".partition("e")
    return f"{float(mantissa):.10g}e{int(power)}"


def percent(share: float) -> str:
    """Write a round share beside an axis."""
    return f"{round(100 * share, 6):g} %"


def text(x: float, y: float, content: object, kind: str, anchor: str = "", turned: int = 0) -> str:
    """Return a text; ``anchor`` is middle or end, ``turned`` are degrees."""
    place = f'x="{number(x)}" y="{number(y)}"' + (f' text-anchor="{anchor}"' if anchor else "")
    place += f' transform="rotate({turned} {number(x)} {number(y)})"' if turned else ""
    return f'<text {place} class="{kind}">{escape(words.clean(content))}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line."""
    return f'<path class="{kind}" d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>'


def curve(points: Iterable[tuple[float, float]], kind: str) -> str:
    """Return a line through points; one that is not finite leaves a gap."""
    steps, drawing = [], False
    for x, y in points:
        known = math.isfinite(x) and math.isfinite(y)
        if known:
            steps.append(f"{'L' if drawing else 'M'}{number(x)} {number(y)}")
        drawing = known
    return f'<path class="{kind}" d="{"".join(steps)}"/>' if steps else ""


def dots(points: Iterable[tuple[float, float]], radius: float, kind: str) -> str:
    """Return a dot at each point that is finite."""
    return "".join(
        f'<circle class="{kind}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'
        for x, y in points
        if math.isfinite(x) and math.isfinite(y)
    )


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    """Return a rectangle, which says ``title`` under the pointer."""
    start = f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f"{start}><title>{escape(words.clean(title))}</title></rect>" if title else f"{start}/>"


def picture(width: float, height: float, parts: Sequence[str], label: str, kind: str = "", *, natural: bool = False) -> str:
    """Return the picture, as wide as its place or, ``natural``, at most as it is; ``label`` is what is said instead of it."""
    shown = escape(words.clean(label))
    extra = (f' class="{kind}"' if kind else "") + (f' width="{number(width)}" height="{number(height)}"' if natural else "")
    head = f'<svg{extra} viewBox="0 0 {number(width)} {number(height)}" role="img" aria-label="{shown}">'
    return head + "".join(part for part in parts if part) + "</svg>"


def frame(x: Axis, y: Axis, write: Callable[[float], str] = tick, most: int = 5) -> list[str]:
    """Return a grid with the numbers of the upright axis, and the line that the picture stands on."""
    parts = []
    for value in y.ticks(most):
        at = y.at(value)
        parts.append(line(x.start, at, x.end, at, "grid"))
        parts.append(text(x.start - 6, at + 4, write(value), "tick", "end"))
    return [*parts, line(x.start, y.start, x.end, y.start, "axis")]


def below(x: Axis, y: float, title: str, write: Callable[[float], str] = tick, most: int = 6) -> list[str]:
    """Return the numbers below the level axis, and what it shows."""
    parts = [text(x.at(value), y + 16, write(value), "tick", "middle") for value in x.ticks(most)]
    return [*parts, text((x.start + x.end) / 2, y + 33, title, "tick", "middle")]
