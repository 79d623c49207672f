"""Loss and score by epoch as a figure: train and valid, what is to beat, the kept epoch marked, the rate below.

What diverged or is missing leaves a gap, and is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from trainwright.watch import metrics, words
from trainwright.watch.figures import figures
from trainwright.watch.record import Record
from trainwright.watch.report import diagnosis, panels, svg
from trainwright.watch.report.panels import Panel

_HEIGHT, _BELOW = 4.7, 1.1  # inches; the rate takes the second


def figure(record: Record) -> Figure:
    """Draw the loss and, beside it, the score that the run is judged by, where there is one; below the rate, where it moves."""
    found, rates = panels.panels(record), panels.rates(record)
    width, height = 10.4 if len(found) > 1 else 6.8, _HEIGHT + (_BELOW if rates else 0)
    canvas = figures.blank(width, height)
    left, panel = (0.075, 0.355) if len(found) > 1 else (0.11, 0.73)
    below = 0.66 + (_BELOW if rates else 0)
    for place, each in zip((left, 0.55), found, strict=False):
        _draw(figures.axes(canvas, (place, below / height, panel, 2.77 / height), "y"), each, panels.loss_named(record))
    if rates:
        axes = figures.axes(canvas, (left, 0.5 / height, panel, 0.62 / height), "y")
        _rate(axes, rates, found[0])
    figures.title(canvas, left, _title(record, found[0]), _subtitle(record, found))
    return canvas


def parts(record: Record) -> Figure | None:
    """Draw the named parts of the loss that ``figure`` leaves out, two side by side; None where there are none."""
    found = panels.parts(record)
    if not found:
        return None
    rows = -(-len(found) // 2)
    height = 0.9 + 3.8 * rows
    canvas = figures.blank(10.4 if len(found) > 1 else 6.8, height)
    for number, each in enumerate(found):
        left, width = ((0.075, 0.55)[number % 2], 0.355) if len(found) > 1 else (0.11, 0.73)
        below = 0.66 + 3.8 * (rows - 1 - number // 2)
        _draw(figures.axes(canvas, (left, below / height, width, 2.6 / height), "y"), each, "")
    figures.title(canvas, 0.075, f"{panels.titled(record.report, record.name)}: parts of the loss", "means by epoch")
    return canvas


def _title(record: Record, loss: Panel) -> str:
    what, epochs = panels.titled(record.report, record.name), len(record.history)
    if not epochs:
        return f"{what}: {words.count(record.report['steps'])} steps"
    if epochs == 1:
        return f"{what}: one epoch"
    kept = f", epoch {loss.kept} kept" if loss.kept else ""
    return f"{what}: {words.count(epochs)} epochs{kept}"


def _subtitle(record: Record, found: Sequence[Panel]) -> str:
    grave = diagnosis.gravest(record)
    if grave:
        return words.clip(grave, 140 if len(found) > 1 else 95)
    if not record.history:
        return "the loss of each step: no epoch has ended"
    measured = ("valid", "loss") in metrics.by_epoch(record.history)
    valid = "valid: after each epoch" if measured else "no rows were set aside for validation"
    steps = "; faint: single steps" if found[0].steps else ""
    gaps = "".join(f"; {gap}" for gap in panels.history_gaps(found[0]))
    return f"train: measured on the way, while the parameters move; {valid}{steps}{gaps}"


def _draw(axes: Axes, panel: Panel, what: str) -> None:
    """Draw one measure by epoch. ``what`` is what the loss is. The lines carry names and values: no legend is needed."""
    _dress(axes, panel, what)
    if panel.steps:
        strength = {"linewidth": 0.7, "alpha": 0.55} if panel.lines else {"linewidth": 2.2, "marker": "o", "markersize": 4}
        axes.plot(*np.transpose(panel.steps), color=figures.TRAIN, zorder=2, **strength)
    for part, points in panel.lines.items():
        epochs, values = np.transpose(points)
        axes.plot(epochs, values, color=figures.COLORS[part], linewidth=2.2, solid_capstyle="round", zorder=3,
                  marker="o" if len(epochs) <= 20 else None, markersize=4)  # fmt: skip
        lost = epochs[np.isnan(values)]
        if panel.lost[part]:
            axes.plot(lost, np.full(len(lost), panel.high), "x", color=figures.WRONG, markersize=6, clip_on=False, zorder=5)
    for (name, value), spot in zip(panel.marks, panel.spots(), strict=True):
        axes.axhline(value, color=figures.SOFT, linewidth=1.1, linestyle=(0, (5, 4)), zorder=1.5)
        axes.annotate(figures.showable(f"{name}: {panel.write(value)}"), (int(spot.right), value),
                      xycoords=axes.get_yaxis_transform(), xytext=(-3 if spot.right else 3, 3 if spot.above else -3),
                      textcoords="offset points", ha="right" if spot.right else "left", va="bottom" if spot.above else "top",
                      fontsize=8.5, color=figures.SOFT, parse_math=False, zorder=6, path_effects=figures.HALO)  # fmt: skip
    _mark_kept(axes, panel)
    _name_lines(axes, panel)


def _dress(axes: Axes, panel: Panel, what: str) -> None:
    title = figures.showable(f"Loss ({what})" if what and panel.measure == "loss" else panel.title)
    axes.set_title(title, loc="left", fontsize=10.5, color=figures.INK, pad=16, parse_math=False, weight="bold")
    axes.set_xlabel(panel.unit, fontsize=9.5, color=figures.SOFT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1, steps=[1, 2, 5, 10]))
    room = 0.5 if panel.first == panel.last else 0.03 * (panel.last - panel.first)
    axes.set_xlim(panel.first - room, panel.last + room)
    axes.set_yscale("log" if panel.logarithmic else "linear")
    axes.set_ylim(panel.low, panel.high)
    scale = svg.Axis(panel.low, panel.high, 0, 1, panel.logarithmic)
    axes.yaxis.set_major_locator(FixedLocator(scale.ticks(6)))
    axes.yaxis.set_minor_locator(NullLocator())
    write = svg.percent if metrics.is_share(panel.measure) else svg.tick
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def _mark_kept(axes: Axes, panel: Panel) -> None:
    """Draw a dotted line through the kept epoch, and a ring around the last curve's point there."""
    if panel.kept is None or not panel.first <= panel.kept <= panel.last or not panel.lines:
        return
    part, points = list(panel.lines.items())[-1]
    axes.axvline(panel.kept, color=figures.SOFT, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([panel.kept], [dict(points).get(panel.kept, math.nan)], "o", markersize=9, markerfacecolor="white",
              markeredgecolor=figures.COLORS[part], markeredgewidth=2, zorder=4)  # fmt: skip
    side = "left" if panel.kept <= (panel.first + panel.last) / 2 else "right"
    axes.annotate(f"kept: epoch {panel.kept}", (panel.kept, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
                  textcoords="offset points", ha=side, va="bottom", fontsize=8.5, color=figures.SOFT)  # fmt: skip


def _name_lines(axes: Axes, panel: Panel) -> None:
    """Write names, and values at the kept epoch, beside the lines, moved apart where they would overlap."""
    ends, scale = panel.ends(), svg.Axis(panel.low, panel.high, 0, 1, panel.logarithmic)
    places = panels.apart([scale.at(value) for _, value, _ in ends], 0.14, 0.04, 0.98)
    for place, (part, _, value) in zip(places, ends, strict=True):
        axes.annotate(f"{part}\n{value}", (1, place), xycoords="axes fraction", xytext=(6, 0), va="center",
                      textcoords="offset points", fontsize=9, color=figures.VALID if part == "valid" else figures.SOFT,
                      linespacing=1.05)  # fmt: skip


def _rate(axes: Axes, rates: panels.Points, loss: Panel) -> None:
    """Draw the learning rate under the loss, on the same axis of epochs."""
    epochs, values = np.transpose(rates)
    logarithmic = panels.far(values.tolist())
    axes.set_yscale("log" if logarithmic else "linear")
    axes.plot(epochs, values, color=figures.VALID, linewidth=1.6, zorder=3)
    room = 0.5 if loss.first == loss.last else 0.03 * (loss.last - loss.first)
    axes.set_xlim(loss.first - room, loss.last + room)
    if not logarithmic:
        axes.set_ylim(min(0.0, values.min()), max(values.max() * 1.1, 1e-300))
    scale = svg.Axis(*axes.get_ylim(), 0, 1, logarithmic)
    axes.yaxis.set_major_locator(FixedLocator(scale.ticks(scale.few())))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: svg.tick(value)))
    axes.xaxis.set_visible(False)  # as that of the loss
    axes.set_title("Learning rate", loc="left", fontsize=9, color=figures.SOFT, pad=4)
