"""Predicted against actual values of a regression as a figure: a point on the line is right.

Promises: both axes have the same scale; a prediction far outside of what occurs is drawn at the edge and counted in
words, so that it cannot squeeze the others into one spot; what is no number is left out, and counted too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trainwright.watch import metrics, scores, words
from trainwright.watch.figures import figures
from trainwright.watch.report import panels, svg

Numbers = np.ndarray[Any, np.dtype[np.float64]]
_SIDE = 4.9  # inches
_BINS = 60  # in which neighbours are counted
FEW = 400  # points; of more their density is drawn


def points(test: Mapping[str, Any]) -> Numbers:
    """Return actual and predicted values, both finite and not vast: float64, shape (points, 2)."""
    pairs = np.array(test.get("points") or [], dtype=np.float64).reshape(-1, 2)
    return pairs[(np.abs(pairs) <= panels.VAST).all(axis=1)]


def figure(report: Mapping[str, Any]) -> Figure:
    """Draw the test rows; there has to be a point at least."""
    where, test = scores.measured(report)
    shown = points(test)
    window = _window(shown)
    canvas = figures.blank(7.2, _SIDE + 1.75)
    axes = figures.axes(canvas, (1.25 / 7.2, 0.75 / (_SIDE + 1.75), _SIDE / 7.2, _SIDE / (_SIDE + 1.75)))
    _dress(axes, window, words.clip(test.get("target") or "value", 32))
    outside = _scatter(axes, shown, window)
    figures.title(canvas, 0.3 / 7.2, _headline(where, test), _remark(test, len(shown), outside))
    return canvas


def _headline(where: str, test: Mapping[str, Any]) -> str:
    found = metrics.values(test)
    scores = [f"{metrics.find(name).title} {metrics.find(name).write(found[name])}" for name in ("rmse", "r2") if name in found]
    return ", ".join([f"{words.count(test['n'])} {where} rows", *scores])


def _remark(test: Mapping[str, Any], shown: int, outside: int) -> str:
    given = len(test["points"])
    remarks = ["a point on the line is right" if shown <= FEW else "on the line is right; darker: more rows"]
    if given < test["n"]:
        remarks.append(f"{words.count(given)} of the rows")
    if outside:
        remarks.append(f"{words.count(outside)} predicted beyond the edge")
    if shown < given:
        remarks.append(f"{words.count(given - shown)} without a finite value")
    return "; ".join(remarks)


def _window(shown: Numbers) -> tuple[float, float]:
    """Return the range of all values; predictions further than one span of the actual values outside of these do not count."""
    first, last = shown[:, 0].min(), shown[:, 0].max()
    near = shown if first == last else shown[np.abs(shown[:, 1] - (first + last) / 2) <= 1.5 * (last - first), 1]
    low, high = min(first, near.min(initial=first)), max(last, near.max(initial=last))
    room = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    return float(low - room), float(high + room)


def _dress(axes: Axes, window: tuple[float, float], target: str) -> None:
    axes.set_xlim(*window)
    axes.set_ylim(*window)
    style: dict[str, Any] = {"fontsize": 9.5, "color": figures.SOFT, "parse_math": False, "fontfamily": list(figures.fonts())}
    axes.set_xlabel(figures.showable(f"actual {target}"), **style)
    axes.set_ylabel(figures.showable(f"predicted {target}"), **style)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: svg.tick(value)))
    axes.plot(window, window, color=figures.SOFT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3.5)
    axes.annotate("predicted = actual", (0.97, 0.97), xycoords="axes fraction", xytext=(-3, 3), textcoords="offset points",
                  fontsize=8.5, color=figures.SOFT, ha="right", va="bottom", rotation=45, rotation_mode="anchor")  # fmt: skip


def _scatter(axes: Axes, shown: Numbers, window: tuple[float, float]) -> int:
    """Draw few points one by one, of many their density; return how many lie beyond the edge."""
    low, high = window
    within = (shown[:, 1] >= low) & (shown[:, 1] <= high)
    inner, outer = shown[within], shown[~within]
    if 0 < len(inner) <= FEW:
        alpha: Any = _alpha((inner - low) / (high - low))
        axes.scatter(inner[:, 0], inner[:, 1], s=22, color=figures.VALID, alpha=alpha, linewidths=0, zorder=3)
    elif len(inner):
        colors = LinearSegmentedColormap.from_list("density", ["#dbe9f4", figures.VALID, "#00263d"])
        axes.hexbin(*inner.T, gridsize=42, extent=(low, high, low, high), bins="log", mincnt=1, cmap=colors,
                    linewidths=0.2, zorder=3)  # fmt: skip
    above = outer[:, 1] > high
    for marker, chosen, edge in (("^", above, high), ("v", ~above, low)):
        axes.scatter(outer[chosen, 0], np.full(chosen.sum(), edge), s=36, marker=marker, color=figures.WRONG, alpha=0.7,
                     linewidths=0, zorder=4, clip_on=False)  # fmt: skip
    return len(outer)


def _alpha(inner: Numbers) -> Numbers:
    """Return how opaque each point is: a lone one 0.8, one among many at least 0.1."""
    places = np.clip((inner * _BINS).astype(np.int64), 0, _BINS - 1)
    cells = places[:, 0] * _BINS + places[:, 1]
    neighbours = np.bincount(cells, minlength=_BINS * _BINS)[cells]
    alpha: Numbers = np.clip(0.8 / neighbours**0.75, 0.1, 0.8)
    return alpha
