"""Loss and score by epoch as a figure: train and valid, the kept epoch marked. What diverged or is missing leaves a gap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from trainwright.watch import figures, metrics, words

_WIDE = 5  # a perplexity that spans more than this factor is shown on a logarithmic axis


def figure(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]], name: str) -> Figure:
    """Draw the loss and, beside it, the score that the run is judged by, where there is one."""
    score = _score(report, history)
    canvas = figures.blank(10.4 if score else 6.8, 4.7)
    best = _best(report, history)
    panel = 0.355 if score else 0.73
    left = 0.075 if score else 0.11
    _panel(figures.axes(canvas, (left, 0.14, panel, 0.59), "y"), history, "loss", best)
    if score:
        _panel(figures.axes(canvas, (0.55, 0.14, panel, 0.59), "y"), history, score, best)
    figures.title(canvas, left, _curves_title(report, history, best, name), _curves_subtitle(history))
    return canvas


def _score(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the metric of the second panel: the leading one, else the first of the person's own."""
    names = [name for _, name in metrics.by_epoch(history)]
    judged = metrics.lead(report.get("test") or report.get("valid") or {})
    return judged if judged in names else metrics.leading(names) or next((name for name in names if name != "loss"), None)


def _best(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> int | None:
    if report.get("best_epoch"):
        return int(report["best_epoch"])
    marked = [int(row["epoch"]) for row in history if row.get("best")]
    return marked[-1] if marked else None


def _curves_title(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]], best: int | None, name: str) -> str:
    what = words.clip(name, 50)
    if report:
        what = f"{words.clip(report['model'], 24)} on {words.clip(report['source'], 30)}"
    if len(history) == 1:
        return f"{what}: one epoch"
    kept = f", epoch {best} kept" if best else ""
    return f"{what}: {words.count(len(history))} epochs{kept}"


def _curves_subtitle(history: Sequence[Mapping[str, Any]]) -> str:
    measured = ("valid", "loss") in metrics.by_epoch(history)
    valid = "valid: after each epoch" if measured else "no rows were set aside for validation"
    return f"train: measured on the way, while the parameters move; {valid}"


def _panel(axes: Axes, history: Sequence[Mapping[str, Any]], measure: str, best: int | None) -> None:
    """Draw one metric by epoch. The lines carry their names and last values, so that no legend is needed."""
    epochs = np.array([row["epoch"] for row in history], dtype=float)
    lines = []
    for part, color in (("train", figures.TRAIN), ("valid", figures.VALID)):
        column = f"{part}_{measure}"
        if (part, measure) in metrics.by_epoch(history):
            values = np.array([_finite(row.get(column)) for row in history])
            lines.append((part, color, values))
            axes.plot(epochs, values, color=color, linewidth=2, solid_capstyle="round", zorder=3,
                      marker="o" if len(epochs) <= 15 else None, markersize=4.5)  # fmt: skip
    logarithmic = measure == "perplexity" and _falls_far([values for _, _, values in lines])
    _dress(axes, epochs, measure, logarithmic)
    _mark_best(axes, epochs, lines, best)
    _name_lines(axes, lines, measure)


def _falls_far(lines: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Return whether the greatest value is many times the least; only values above zero can say so."""
    known = np.concatenate([values[np.isfinite(values)] for values in lines])
    return len(known) > 0 and bool(0 < known.min() < known.max() / _WIDE)


def _finite(value: float | None) -> float:
    return value if value is not None and abs(value) <= figures.VAST else math.nan


def _dress(axes: Axes, epochs: np.ndarray[Any, Any], measure: str, logarithmic: bool) -> None:
    title = "Loss (mean per target)" if measure == "loss" else figures.showable(metrics.find(measure).title)
    axes.set_title(title[:1].upper() + title[1:], loc="left", fontsize=10.5, color=figures.INK, pad=16, parse_math=False)
    axes.set_xlabel("epoch", fontsize=9.5, color=figures.SOFT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1, steps=[1, 2, 5, 10]))
    first, last = epochs[0], epochs[-1]
    room = 0.5 if first == last else 0.03 * (last - first)
    axes.set_xlim(first - room, last + room)
    axes.yaxis.get_offset_text().set(color=figures.SOFT, fontsize=9, ha="right")  # left of the title, not below it
    axes.yaxis.OFFSETTEXTPAD = 8  # and above the uppermost number
    axes.margins(y=0.12)
    if logarithmic:
        _stretch(axes)
        return
    low, high = axes.get_ylim()
    if low < 0 <= axes.dataLim.y0:
        axes.set_ylim(bottom=0)  # nothing lies below zero: no room for it
    if measure == "accuracy":
        axes.set_ylim(max(low, -0.005), min(high, 1.005))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))


def _stretch(axes: Axes) -> None:
    """Make the axis logarithmic, with plain numbers at its ticks, and enough of them."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, 1)))
    axes.yaxis.set_minor_locator(NullLocator())


def _mark_best(axes: Axes, epochs: np.ndarray[Any, Any], lines: list[Any], best: int | None) -> None:
    """Draw a dotted line through the kept epoch, and a ring around the last curve's point there."""
    found = np.flatnonzero(epochs == best)
    if best is None or not len(found) or not lines:
        return
    _, color, values = lines[-1]
    axes.axvline(best, color=figures.SOFT, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([best], [values[found[0]]], "o", markersize=9, markerfacecolor="white", markeredgecolor=color,
              markeredgewidth=2, zorder=4)  # fmt: skip
    side = "left" if best <= epochs.mean() else "right"
    side = "center" if len(epochs) == 1 else side
    axes.annotate(f"kept: epoch {best}", (best, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
                  textcoords="offset points", ha=side, va="bottom", fontsize=8.5, color=figures.SOFT)  # fmt: skip


def _name_lines(axes: Axes, lines: list[Any], measure: str) -> None:
    """Write names and last values at the right end of the lines, moved apart where they would overlap."""
    finite = [(values[~np.isnan(values)], part, color) for part, color, values in lines]
    ends = [(float(values[-1]), part, color) for values, part, color in finite if len(values)]
    heights = axes.transScale.transform([(0, value) for value in (*axes.get_ylim(), *(end[0] for end in ends))])[:, 1]
    low, high = heights[:2]
    places = _apart(((heights[2:] - low) / (high - low)).tolist(), 0.12)
    write = metrics.find(measure).write
    for place, (value, part, color) in zip(places, ends, strict=True):
        axes.annotate(f"{part}\n{write(value)}", (1, place), xycoords="axes fraction", xytext=(6, 0), va="center",
                      textcoords="offset points", fontsize=9, color=color, linespacing=1.05)  # fmt: skip


def _apart(places: list[float], least: float) -> list[float]:
    """Move two places so that they lie ``least`` apart, their middle unchanged."""
    if len(places) < 2 or abs(places[0] - places[1]) >= least:
        return places
    middle, half = sum(places) / 2, least / 2
    return [middle + half, middle - half] if places[0] >= places[1] else [middle - half, middle + half]
