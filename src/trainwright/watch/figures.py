"""The figures of a run as matplotlib objects: the only user of matplotlib.

Promises: the object interface only (no pyplot, no rcParams), sizes in inches at 150 dpi, colours that colour-blind
people can tell apart (Okabe and Ito), and every label drawn as text: no mathematics, no missing glyph, cut when long.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps, font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trainwright.watch import summary, words

DPI = 150
_TRAIN, _VALID = "#0072b2", "#d55e00"
_INK, _SOFT, _FAINT = "#1a1a1a", "#666666", "#dddddd"
_MOST_NUMBERED = 25  # classes; above, the counts in the cells could not be read
_MOST_LABELLED = 110
# Fonts for scripts that the font which comes with matplotlib lacks, where the machine has them.
_MORE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "Arial Unicode MS", "Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai",
)  # fmt: skip


class _Room(NamedTuple):
    """Inches for the labels beside a matrix."""

    left: float
    below: float


def curves(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]], name: str) -> Figure:
    """Loss and, where it has a meaning, accuracy by epoch; train and valid, the kept epoch marked."""
    both = any(_known(history, f"{part}_accuracy") for part in ("train", "valid"))
    size = (10.4, 4.7) if both else (6.8, 4.7)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white")
    best = _best(report, history)
    panel = 0.365 if both else 0.73
    left = 0.075 if both else 0.11
    _panel(figure.add_axes((left, 0.14, panel, 0.59)), history, "loss", best)
    if both:
        _panel(figure.add_axes((0.555, 0.14, panel, 0.59)), history, "accuracy", best)
    _title(figure, left, _curves_title(report, history, best, name), _curves_subtitle(history))
    return figure


def _known(history: Sequence[Mapping[str, Any]], column: str) -> bool:
    return any(row.get(column) is not None for row in history)


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
    if _known(history, "valid_loss"):
        return "train: measured on the way, while the parameters move; valid: after each epoch"
    return "train: measured on the way, while the parameters move; no rows were set aside for validation"


def _title(figure: Figure, left: float, title: str, subtitle: str) -> None:
    height = figure.get_size_inches()[1]
    _text(figure, left, 1 - 0.3 / height, title, size=12.5, weight="bold", color=_INK, va="center")
    _text(figure, left, 1 - 0.58 / height, subtitle, size=9, color=_SOFT, va="center")


def _text(on: Figure | Axes, x: float, y: float, text: str, **style: Any) -> Any:
    return on.text(x, y, showable(text), parse_math=False, fontfamily=list(_fonts()), **style)


def _panel(axes: Axes, history: Sequence[Mapping[str, Any]], measure: str, best: int | None) -> None:
    """One measure by epoch. The lines carry their names and last values, so that no legend is needed."""
    epochs = np.array([row["epoch"] for row in history], dtype=float)
    lines = []
    for part, color in (("train", _TRAIN), ("valid", _VALID)):
        column = f"{part}_{measure}"
        if _known(history, column):
            values = np.array([_finite(row.get(column)) for row in history])
            lines.append((part, color, values))
            axes.plot(epochs, values, color=color, linewidth=2, solid_capstyle="round", zorder=3,
                      marker="o" if len(epochs) <= 15 else None, markersize=4.5)  # fmt: skip
    _dress(axes, epochs, "Loss (mean per target)" if measure == "loss" else "Accuracy", measure)
    _mark_best(axes, epochs, lines, best)
    _name_lines(axes, epochs, lines, words.loss if measure == "loss" else words.percent)


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan


def _dress(axes: Axes, epochs: np.ndarray[Any, Any], title: str, measure: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5, color=_INK, pad=16)
    axes.set_xlabel("epoch", fontsize=9.5, color=_SOFT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, labelsize=9)
    axes.grid(axis="y", color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1, steps=[1, 2, 5, 10]))
    first, last = epochs[0], epochs[-1]
    room = 0.5 if first == last else 0.03 * (last - first)
    axes.set_xlim(first - room, last + room)
    axes.margins(y=0.12)
    low, high = axes.get_ylim()
    if measure == "loss" and low < 0 <= axes.dataLim.y0:
        axes.set_ylim(bottom=0)  # nothing lies below zero: no room for it
    if measure == "accuracy":
        axes.set_ylim(max(low, -0.005), min(high, 1.005))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))


def _mark_best(axes: Axes, epochs: np.ndarray[Any, Any], lines: list[Any], best: int | None) -> None:
    """A dotted line through the kept epoch, and a ring around the last curve's point there."""
    found = np.flatnonzero(epochs == best)
    if best is None or not len(found) or not lines:
        return
    _, color, values = lines[-1]
    axes.axvline(best, color=_SOFT, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([best], [values[found[0]]], "o", markersize=9, markerfacecolor="white", markeredgecolor=color,
              markeredgewidth=2, zorder=4)  # fmt: skip
    side = "left" if best <= epochs.mean() else "right"
    side = "center" if len(epochs) == 1 else side
    axes.annotate(f"kept: epoch {best}", (best, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
                  textcoords="offset points", ha=side, va="bottom", fontsize=8.5, color=_SOFT)  # fmt: skip


def _name_lines(axes: Axes, epochs: np.ndarray[Any, Any], lines: list[Any], write: Any) -> None:
    """Names and last values at the right end of the lines, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    finite = [(values[~np.isnan(values)], part, color) for part, color, values in lines]
    ends = [(float(values[-1]), part, color) for values, part, color in finite if len(values)]
    places = _apart([(value - low) / (high - low) for value, _, _ in ends], 0.12)
    for place, (value, part, color) in zip(places, ends, strict=True):
        axes.annotate(f"{part}\n{write(value)}", (1, place), xycoords="axes fraction", xytext=(6, 0), va="center",
                      textcoords="offset points", fontsize=9, color=color, linespacing=1.05)  # fmt: skip


def _apart(places: list[float], least: float) -> list[float]:
    """Two places moved so that they lie ``least`` apart, their middle unchanged."""
    if len(places) < 2 or abs(places[0] - places[1]) >= least:
        return places
    middle, half = sum(places) / 2, least / 2
    return [middle + half, middle - half] if places[0] >= places[1] else [middle - half, middle + half]


def confusion(report: Mapping[str, Any]) -> Figure:
    """Right labels against predicted ones; blue is right, orange is wrong, darker is a larger share of the class."""
    counts = np.array(report["test"]["confusion"], dtype=np.int64)
    n = len(counts)
    labels = [showable(words.clip(label, 22 if n <= 20 else 16), k) for k, label in enumerate(report["labels"])]
    side = max(3.4, min(0.62 * n, 8.0), min(0.125 * n, 14.0))
    points = min(10.0, 0.8 * 72 * side / n) if n <= _MOST_LABELLED else 7.0
    longest = max(map(words.width, labels)) * points * 0.62 / 72
    upright = longest > 0.9 * side / n
    room = _Room(0.55 + longest, 0.55 + (longest if upright else 0.2))
    size = (max(7.2, room.left + side + 1.5), 1.0 + side + room.below)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white")
    axes = figure.add_axes((room.left / size[0], room.below / size[1], side / size[0], side / size[1]))
    _cells(axes, counts, 72 * side / n)
    _label_cells(axes, labels, points, upright, 72 * side / n, room)
    _scale(figure, (room.left + side + 0.3) / size[0], room.below / size[1], min(2.6, side) / size[1])
    _title(figure, 0.3 / size[0], *_confusion_title(report))
    return figure


def _confusion_title(report: Mapping[str, Any]) -> tuple[str, str]:
    test = report["test"]
    title = f"{words.count(test['n'])} test rows: {words.percent(test['accuracy'])} right"
    worst = summary.confusions(report["labels"], test["confusion"], 1)
    if not worst:
        return title, "nothing was confused"
    true, taken = words.clip(worst[0].true, 20), words.clip(worst[0].taken, 20)
    return title, f"most frequent mistake: {true} taken for {taken} ({words.count(worst[0].n)} times)"


def _cells(axes: Axes, counts: np.ndarray[Any, Any], points: float) -> None:
    """The coloured cells, with their counts as long as they can be read; ``points`` is the size of a cell."""
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
                  color="white" if shade[i, j] > 0.62 else _INK)  # fmt: skip


def _colors(shade: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    blue, orange = colormaps["Blues"](0.04 + 0.9 * shade), colormaps["Oranges"](0.9 * shade)
    orange[shade == 0] = (0.97, 0.97, 0.97, 1)
    return (255 * np.where(right[..., None], blue, orange)).round().astype(np.uint8)


def _label_cells(axes: Axes, labels: Sequence[str], points: float, upright: bool, cell: float, room: _Room) -> None:
    """Labels left of the rows and below the columns; as plain text, because a tick costs several times as much."""
    style: dict[str, Any] = {"fontsize": points, "fontfamily": list(_fonts()), "parse_math": False, "color": _INK}
    start, end = -0.5 - 5 / cell, len(labels) - 0.5 + 5 / cell  # five points away from the cells
    for place in range(0, len(labels), math.ceil(len(labels) / _MOST_LABELLED)):
        axes.text(start, place, labels[place], ha="right", va="center", **style)
        axes.text(place, end, labels[place], ha="center", va="top", rotation=90 if upright else 0, **style)
    middle, style = (len(labels) - 1) / 2, {"fontsize": 10, "color": _SOFT, "ha": "center", "va": "center"}
    axes.text(-0.5 - (72 * room.left - 20) / cell, middle, "right label", rotation=90, **style)
    axes.text(middle, len(labels) - 0.5 + (72 * room.below - 14) / cell, "taken for", **style)


def _scale(figure: Figure, left: float, bottom: float, height: float) -> None:
    """What the colours mean: two ramps, right and wrong, over the share of the class."""
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
    axes.tick_params(length=0, labelsize=8.5, colors=_SOFT)
    axes.set_title("of the\nclass", fontsize=8.5, color=_SOFT, loc="left")


def png(figure: Figure) -> bytes:
    """``figure`` as a PNG file; the same figure gives the same bytes."""
    content = io.BytesIO()
    # Not savefig, which takes size and colours from the person's matplotlibrc; level 3 is half the time for 20 % more.
    settings = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}
    FigureCanvasAgg(figure).print_png(content, **settings)  # type: ignore[no-untyped-call]
    return content.getvalue()


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """The families to draw labels with: the one that comes with matplotlib, then those here that add to it."""
    there = set(font_manager.fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in _MORE_FONTS if name in there))


def showable(text: str, number: int | None = None) -> str:
    """``text`` with ? for characters that no font here can draw; ``class 7`` where little would be left of a label."""
    faces = [font_manager.get_font(font_manager.findfont(name)) for name in _fonts()]
    line = words.clean(text)
    drawn = "".join(c if any(face.get_char_index(ord(c)) for face in faces) else "?" for c in line)
    lost = sum(a != b for a, b in zip(line, drawn, strict=True))
    if number is not None and (2 * lost > len(line) or not line.strip()):
        return f"class {number + 1}"
    return drawn
