"""The confusion matrix as a figure: green is right, vermilion is wrong, darker is a larger share of the class.

Classes that are confused stand side by side (``seriation``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from trainwright.watch import scores, summary, words
from trainwright.watch.figures import figures
from trainwright.watch.report import seriation

_MOST_NUMBERED = 25  # classes; above, the counts in the cells could not be read
_MOST_LABELLED = 110


def figure(report: Mapping[str, Any]) -> Figure:
    """Draw right labels against predicted ones."""
    found = scores.measured(report)[1]["confusion"]
    order = seriation.order(found)
    counts = np.array(found, dtype=np.int64)[np.ix_(order, order)]
    n = len(counts)
    labels = [figures.showable(words.clip(report["labels"][k], 22 if n <= 20 else 16), k) for k in order]
    side = max(3.4, min(0.62 * n, 8.0), min(0.125 * n, 14.0))
    points = min(10.0, 0.8 * 72 * side / n) if n <= _MOST_LABELLED else 7.0
    longest = max(map(words.width, labels)) * points * 0.62 / 72
    upright = longest > 0.9 * side / n
    left, below = 0.55 + longest, 0.55 + (longest if upright else 0.2)  # inches for the labels
    size = (max(7.2, left + side + (1.5 if n > _MOST_NUMBERED else 0.4)), 1.0 + side + below)
    canvas = figures.blank(*size)
    axes = canvas.add_axes((left / size[0], below / size[1], side / size[0], side / size[1]))
    _cells(axes, counts, 72 * side / n)
    _label_cells(axes, labels, points, upright, 72 * side / n, (left, below))
    if n > _MOST_NUMBERED:  # what has no numbers has to say what its colours mean
        _scale(canvas, (left + side + 0.3) / size[0], below / size[1], min(2.6, side) / size[1])
    figures.title(canvas, 0.3 / size[0], *_confusion_title(report))
    return canvas


def _confusion_title(report: Mapping[str, Any]) -> tuple[str, str]:
    where, test = scores.measured(report)
    title = f"{words.count(test['n'])} {where} rows: {words.percent(test['accuracy'])} right"
    worst = summary.confusions(report["labels"], test["confusion"], 1)
    if not worst:
        return title, "nothing was confused"
    true, taken = words.clip(worst[0].true, 20), words.clip(worst[0].taken, 20)
    return title, f"most frequent mistake: {true} taken for {taken} ({words.count(worst[0].n)} times)"


def _cells(axes: Axes, counts: np.ndarray[Any, Any], points: float) -> None:
    """Draw the coloured cells, with their counts as long as they can be read; ``points`` is the size of a cell."""
    n = len(counts)
    shade = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))  # the root lets rare confusions show
    right = np.eye(n, dtype=bool)
    axes.imshow(_colors(shade, right), interpolation="nearest")
    axes.set_axis_off()
    if n > _MOST_NUMBERED:
        return
    gaps = np.arange(n - 1) + 0.5
    axes.hlines(gaps, -0.5, n - 0.5, color="white", linewidth=1)
    axes.vlines(gaps, -0.5, n - 0.5, color="white", linewidth=1)
    size = min(11.0, points * 0.85 / (0.62 * len(words.count(counts.max()))))
    for i, j in zip(*np.nonzero(counts), strict=True):
        axes.text(j, i, words.count(int(counts[i, j])), ha="center", va="center", fontsize=size,
                  color="white" if shade[i, j] > 0.62 else figures.INK)  # fmt: skip


def _colors(shade: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    full = np.where(right[..., None], to_rgb(figures.RIGHT), to_rgb(figures.WRONG))
    colors = 1 - (1 - full) * (0.06 + 0.94 * shade)[..., None]
    colors[shade == 0] = to_rgb(figures.COLORS["panel"])
    return (255 * np.dstack([colors, np.ones(shade.shape)])).round().astype(np.uint8)


def _label_cells(
    axes: Axes, labels: Sequence[str], points: float, upright: bool, cell: float, inches: tuple[float, float]
) -> None:
    """Write labels left of the rows and below the columns; as plain text, because a tick costs several times as much."""
    style: dict[str, Any] = {"fontsize": points, "fontfamily": list(figures.fonts()), "parse_math": False, "color": figures.INK}
    start, end = -0.5 - 5 / cell, len(labels) - 0.5 + 5 / cell  # five points away from the cells
    for place in range(0, len(labels), math.ceil(len(labels) / _MOST_LABELLED)):
        axes.text(start, place, labels[place], ha="right", va="center", **style)
        axes.text(place, end, labels[place], ha="center", va="top", rotation=90 if upright else 0, **style)
    middle, style = (len(labels) - 1) / 2, {"fontsize": 10, "color": figures.SOFT, "ha": "center", "va": "center"}
    axes.text(-0.5 - (72 * inches[0] - 20) / cell, middle, "right label", rotation=90, **style)
    axes.text(middle, len(labels) - 0.5 + (72 * inches[1] - 14) / cell, "answer", **style)


def _scale(figure: Figure, left: float, bottom: float, height: float) -> None:
    """Draw what the colours mean: two ramps, right and wrong, over the share of the class."""
    wide = 0.16 / figure.get_size_inches()[0]
    axes = figure.add_axes((left, bottom, 2 * wide, height))
    shade = np.linspace(0.02, 1, 128)[:, None].repeat(2, axis=1)
    axes.imshow(_colors(shade, np.array([[True, False]]).repeat(128, axis=0)), origin="lower", aspect="auto",
                extent=(0, 2, 0, 1))  # fmt: skip
    axes.spines[:].set_visible(False)
    shares = (0.0, 0.02, 0.1, 0.25, 0.5, 1.0)
    axes.yaxis.tick_right()
    axes.set_yticks([math.sqrt(share) for share in shares], [f"{share:.0%}".replace("%", " %") for share in shares])
    axes.set_xticks([0.5, 1.5], ["right", "wrong"], rotation=90)
    axes.tick_params(length=0, labelsize=8.5, colors=figures.SOFT)
    axes.set_title("of the\nclass", fontsize=8.5, color=figures.SOFT, loc="left")
