"""How often what is said is so, by its probability, as a figure: on the dashed line it is as sure as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trainwright.watch import words
from trainwright.watch.figures import figures

Numbers = np.ndarray[Any, np.dtype[np.float64]]
_SIDE = 4.9  # inches


def points(test: Mapping[str, Any]) -> Numbers:
    """Return the mean probability and the share that is right of each group of rows, float64 (groups, 2), both finite."""
    groups = [each for each in test.get("reliability") or [] if len(each) == 3]
    pairs = np.array(groups, dtype=np.float64).reshape(-1, 3)[:, 1:]
    return pairs[np.isfinite(pairs).all(axis=1)]


def figure(test: Mapping[str, Any]) -> Figure:
    """Draw the test rows in groups of about the same probability; there have to be two at least."""
    shown = points(test)
    low = min(0.95, float(shown.min()))
    low = max(0.0, low - 0.05 * (1 - low))
    canvas = figures.blank(7.2, _SIDE + 1.75)
    axes = figures.axes(canvas, (1.25 / 7.2, 0.75 / (_SIDE + 1.75), _SIDE / 7.2, _SIDE / (_SIDE + 1.75)))
    room = 0.02 * (1 - low)
    axes.set_xlim(low, 1 + room)
    axes.set_ylim(low, 1 + room)
    for axis, name in ((axes.xaxis, "probability"), (axes.yaxis, "how often it is so")):
        axis.set_label_text(name, fontsize=9.5, color=figures.SOFT)
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.plot((low, 1), (low, 1), color=figures.SOFT, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.plot(*shown.T, color=figures.VALID, linewidth=1.8, marker="o", markersize=5)
    headline = f"Calibration error (ECE) {words.percent(test['ece'])}; by chance alone {words.percent(test['ece_by_chance'])}"
    remark = f"{words.count(test['n'])} test rows in {len(shown)} groups; on the dashed line is as sure as it should be"
    figures.title(canvas, 0.3 / 7.2, headline, remark)
    return canvas
