"""What all figures of a run share: colours, a title in words, text of any script, the file.

Only matplotlib's objects are used (no pyplot, no rcParams). The colours are those of the page (``palette``), and
every label is drawn as text: no mathematics, no missing glyph, cut when long.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Literal

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from trainwright.watch import palette, words

DPI = 150
COLORS = palette.LIGHT
TRAIN, VALID, RIGHT, WRONG = (COLORS[name] for name in ("train", "valid", "right", "wrong"))
INK, SOFT, FAINT = (COLORS[name] for name in ("ink", "soft", "line"))
HALO = [withStroke(linewidth=2.5, foreground=COLORS["paper"])]  # around texts that may lie over lines
# Fonts for scripts that the font which comes with matplotlib lacks, where the machine has them.
_MORE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "Arial Unicode MS", "Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai",
)  # fmt: skip


def blank(width: float, height: float) -> Figure:
    """Return an empty figure; its size is in inches."""
    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


def title(figure: Figure, left: float, headline: str, subtitle: str) -> None:
    """Write two lines at the top: what is to be seen, and how it came about."""
    height = figure.get_size_inches()[1]
    style: dict[str, Any] = {"va": "center", "parse_math": False, "fontfamily": list(fonts())}
    figure.text(left, 1 - 0.3 / height, showable(headline), size=12.5, weight="bold", color=INK, **style)
    figure.text(left, 1 - 0.58 / height, showable(subtitle), size=9, color=SOFT, **style)


def axes(canvas: Figure, place: tuple[float, float, float, float], grid: Literal["both", "y"] = "both") -> Axes:
    """Add axes of two plain lines with a faint grid at ``place`` (left, bottom, width, height)."""
    added = canvas.add_axes(place)
    added.spines[["top", "right"]].set_visible(False)
    added.spines[["left", "bottom"]].set_color(SOFT)
    added.tick_params(colors=SOFT, labelsize=9)
    added.grid(axis=grid, color=FAINT, linewidth=0.7)
    added.set_axisbelow(True)
    return added


def png(figure: Figure) -> bytes:
    """Return ``figure`` as a PNG file; the same figure gives the same bytes."""
    content = io.BytesIO()
    # Not savefig, which takes size and colours from the person's matplotlibrc; level 3 is half the time for 20 % more.
    settings = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}
    FigureCanvasAgg(figure).print_png(content, **settings)  # type: ignore[no-untyped-call]
    return content.getvalue()


@lru_cache(maxsize=1)
def fonts() -> tuple[str, ...]:
    """Return the families to draw labels with: the one that comes with matplotlib, then those here that add to it."""
    there = set(font_manager.fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in _MORE_FONTS if name in there))


def showable(text: str, number: int | None = None) -> str:
    """Return ``text`` with ? for characters that no font here can draw; ``class 7`` where little would be left of a label."""
    faces = [font_manager.get_font(font_manager.findfont(name)) for name in fonts()]
    line = words.clean(text)
    drawn = "".join(c if any(face.get_char_index(ord(c)) for face in faces) else "?" for c in line)
    lost = sum(a != b for a, b in zip(line, drawn, strict=True))
    if number is not None and (2 * lost > len(line) or not line.strip()):
        return f"class {number + 1}"
    return drawn
