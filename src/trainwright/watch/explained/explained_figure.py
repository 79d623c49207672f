"""An explanation as a figure: the input in colours, what spoke for the answer, and the probabilities."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import imread

from trainwright.watch import words
from trainwright.watch.explained import explained_text as told
from trainwright.watch.explained.explanation import Explanation
from trainwright.watch.figures import figures

WIDTH, LEFT, LINE = 9.6, 0.35, 0.27  # inches: the figure, its margin, a line of text
ROW, PICTURE = 0.26, 2.15  # inches: a bar with its room, and the side of a picture
SMALL, MOST, MONO = 0.155, 130, ("DejaVu Sans Mono",)  # inches: a line of numbers; its characters, and its font
BARS, LINES = 12, 8  # bars in a panel; lines of text
FOR, AGAINST = figures.COLORS["for"], figures.COLORS["against"]
SHADES = (0.0, 0.16, 0.34, 0.55)  # how opaque the box of a word is, by its strength
Panel = tuple[list[tuple[str, float, str]], str, float]  # rows of (name, value, value in words), title, full scale
Drawn = list[tuple[str, int, str]]  # words with their strength and colour


def figure(found: Explanation) -> Figure:
    """Draw it."""
    text, bars = _lines(found), _bars(found)
    content = max([*(ROW * len(rows) for rows, *_ in bars), PICTURE if found.picture else ROW])
    numbers = _numbers(found)
    below = SMALL * len(numbers) + 0.15
    height = 0.95 + LINE * len(text) + (0.5 if text else 0.3) + content + 0.8 + below
    canvas = figures.blank(WIDTH, height)
    answer = told.label_of(found, found.answer, 60)
    sure = f", {words.percent(found.classes[0].probability)}" if found.classes else ""
    lead = "next: " if found.task == "language" else f"{words.clip(found.target, 30)} " if found.target else ""
    figures.title(
        canvas, LEFT / WIDTH, f"{lead}{answer}{sure}", f"{words.clip(found.model, 40)}; {found.remark or told.truth_of(found)}"
    )
    for at, line in enumerate(text):
        _write(canvas, line, LEFT, (height - 1.05 - LINE * at) / height)
    top = 0.75 + content + below
    if found.picture:
        _pictures(canvas, found, top, height)
    alone = len(bars) == 1 and not found.picture
    for place, (rows, title, scale) in enumerate(bars):
        right = place > 0 or bool(found.picture)
        place_in = (WIDTH / 2 + 0.2 if right else LEFT, top, WIDTH - 2 * LEFT if alone else WIDTH / 2 - LEFT - 0.2)
        _panel(canvas, rows, place_in, height, title, scale)
    _foot(canvas, found, height, below)
    for at, (said, bold) in enumerate(numbers):
        style: dict[str, Any] = {
            "fontsize": 8,
            "color": figures.INK,
            "parse_math": False,
            "fontfamily": [*MONO, *figures.fonts()],
        }
        weight = "bold" if bold else "normal"
        canvas.text(LEFT / WIDTH, (below - SMALL * at) / height, said, va="center", fontweight=weight, **style)
    return canvas


def _numbers(found: Explanation) -> list[tuple[str, bool]]:
    """Return the way in numbers, as lines: what is taken in, logits and probabilities, the update; headings are bold."""
    lines = [*told.taken_in(found), *told.to_probabilities(found), *told.update(found)]
    shown = [
        ("".join(part for part, style in line if "\u2501" not in part), "bold" in [style for _, style in line])
        for line in lines
    ]
    return [(words.clip(figures.showable(line).rstrip(), MOST), bold) for line, bold in shown]


def _lines(found: Explanation) -> list[Drawn]:
    """Return the text in lines of words with their strength."""
    if found.tokens:
        steps = told.surprising(found)
        between = " " if any(len(token.text) > 1 for token in found.tokens) else ""
        pieces = [(token.text + between, sum(token.loss > least for least in steps), AGAINST) for token in found.tokens[:2000]]
    else:
        largest = max((abs(piece.weight) for piece in found.pieces), default=0.0)
        pieces = [
            (piece.text, told.strength(piece.weight, largest), FOR if piece.weight > 0 else AGAINST)
            for piece in found.pieces[:2000]
        ]
    return _broken(pieces, WIDTH - 2 * LEFT)


def _broken(pieces: Sequence[tuple[str, int, str]], inches: float) -> list[Drawn]:
    """Break a text into lines of a width; what is beyond ``LINES`` is cut."""
    lines: list[Drawn] = [[]] if pieces else []
    used = 0.0
    for text, level, colour in pieces:
        for part in _parts(figures.showable(text)) if not level else [figures.showable(text)[:80]]:
            wide = _wide(part)
            if used + wide > inches and used:
                if len(lines) == LINES:
                    lines[-1].append((words.ELLIPSIS, 0, FOR))
                    return lines
                lines.append([])
                used, part = 0.0, part.lstrip()
                wide = _wide(part)
            lines[-1].append((part, level, colour))
            used += wide
    return lines


def _parts(text: str) -> list[str]:
    """Return a text in parts that may stand on different lines."""
    return [text[at : at + 24] for at in range(0, len(text), 24)]


def _font() -> FontProperties:
    return FontProperties(family=list(figures.fonts()), size=10.5)


_RULER = FigureCanvasAgg(Figure(dpi=figures.DPI)).get_renderer()  # type: ignore[no-untyped-call]


def _wide(text: str) -> float:
    """Return the width of a text in inches; spaces at its ends count."""
    font = _font()
    edge = _RULER.get_text_width_height_descent("||", font, False)[0]
    return float(_RULER.get_text_width_height_descent(f"|{text}|", font, False)[0] - edge) / figures.DPI


def _write(canvas: Figure, line: Drawn, left: float, y: float) -> None:
    height = canvas.get_size_inches()[1]
    for text, level, colour in line:
        wide = _wide(text)
        if level:
            patch: Any = canvas.add_artist(_box(left, y, wide, height, colour, SHADES[level]))
            patch.set_zorder(0)
            if level > 1:  # also without colours
                style = "-" if colour == FOR else (0, (1, 1))
                canvas.add_artist(_underline(left, y, wide, height, colour, style))
        canvas.text(left / WIDTH, y, text, fontproperties=_font(), color=figures.INK, va="baseline", parse_math=False)
        left += wide


def _box(left: float, y: float, wide: float, height: float, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    place, size = (left / WIDTH, y - 0.055 / height), (wide / WIDTH, 0.22 / height)
    return Rectangle(place, *size, facecolor=colour, alpha=alpha, linewidth=0)


def _underline(left: float, y: float, wide: float, height: float, colour: str, style: Any) -> Any:
    from matplotlib.lines import Line2D

    low = y - 0.055 / height
    return Line2D([left / WIDTH, (left + wide) / WIDTH], [low, low], color=colour, linewidth=1.2, linestyle=style)


def _bars(found: Explanation) -> list[Panel]:
    """Return what is drawn as bars; a scale of 0 is that of the largest value, of both signs."""
    panels: list[Panel] = []
    weights = told.by_word(found.pieces) or [(told_unit(unit.name, unit.given), told.net(found, unit)) for unit in found.units
                                            if unit.parts]  # fmt: skip
    if weights:
        rows = [(name, weight, told.signed(weight)) for name, weight in weights[:BARS]]
        panels.append((rows, told.compared(found), 0.0))
    if found.tokens:
        worst = sorted(found.tokens, key=lambda token: -token.loss)[:BARS]
        panels.append(
            (
                [(told.visible(each.text), each.loss, f"{each.loss:.2f}") for each in worst],
                "most surprising tokens, nats",
                max(worst[0].loss, 1e-9),
            )
        )
    if found.classes:
        star = "the truth" if found.given else "taken for the truth"
        shown = [
            (told.label_of(found, each.label, 30) + (f" {words.STAR}" if each.label == found.truth else ""), each.probability,
             words.percent(each.probability))
            for each in told.chosen(found)
        ]  # fmt: skip
        panels.append((shown, f"probability ({words.STAR} {star})", 1.0))
    return panels


def told_unit(name: str, given: str) -> str:
    """Return a column with its cell."""
    return f"{words.clip(name, 18)} {words.clip(given, 12)}".rstrip()


def _panel(
    canvas: Figure,
    rows: Sequence[tuple[str, float, str]],
    place: tuple[float, float, float],
    height: float,
    title: str,
    scale: float,
) -> None:
    """Draw horizontal bars with names left and values right of them; ``place`` is left, top and width in inches."""
    left, top, wide = place
    tall = ROW * len(rows)
    bottom = top - tall
    style: dict[str, Any] = {"fontsize": 9, "color": figures.INK, "parse_math": False, "fontfamily": list(figures.fonts())}
    names, numbers = 1.45, 0.75
    axes: Axes = canvas.add_axes(((left + names) / WIDTH, bottom / height, (wide - names - numbers) / WIDTH, tall / height))
    values = np.array([value for _, value, _ in rows])
    colour = AGAINST if scale not in (0.0, 1.0) else FOR  # surprise is orange in the text, too
    largest = float(np.abs(values).max(initial=0)) or 1.0
    axes.barh(range(len(rows)), values, height=0.62, color=[colour if value >= 0 else AGAINST for value in values])
    axes.set_xlim(0 if scale else -largest, scale or largest)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_axis_off()
    if not scale:
        axes.axvline(0, color=figures.SOFT, linewidth=0.8)
    for at, (name, _, said) in enumerate(rows):
        y = (bottom + tall * (1 - (at + 0.5) / len(rows))) / height
        canvas.text(left / WIDTH, y, figures.showable(words.clip(name, 22)), va="center", **style)
        canvas.text((left + wide) / WIDTH, y, said, va="center", ha="right", **style)
    for at, line in enumerate(reversed(words.wrap(title, max(int(wide * 15), 20))[:2])):
        y = (top + 0.16 + 0.16 * at) / height
        canvas.text(left / WIDTH, y, figures.showable(line), va="center", **(style | {"color": figures.SOFT, "fontsize": 8.5}))


def _pictures(canvas: Figure, found: Explanation, top: float, height: float) -> None:
    """Draw the picture as the network sees it, and what in it spoke for the answer."""
    side = min(PICTURE, (WIDTH / 2 - LEFT - 0.35) / 2)
    style: dict[str, Any] = {"fontsize": 8.5, "color": figures.SOFT, "parse_math": False, "fontfamily": list(figures.fonts())}
    titles = ("as the network sees it", f"{words.clip(found.answer, 14)}, not {words.clip(found.against, 14)}")
    picture = _pixels(found.picture)
    for at, title in enumerate(titles):
        left = LEFT + at * (side + 0.15)
        axes = canvas.add_axes((left / WIDTH, (top - side) / height, side / WIDTH, side / height))
        axes.set_axis_off()
        axes.imshow(_pale(picture) if at else picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", alpha=1.0)
        if at:
            axes.imshow(_pixels(found.overlay), interpolation="nearest")
        canvas.text(left / WIDTH, (top + 0.16) / height, figures.showable(title), va="center", **style)


def _pale(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a picture in pale greys, on which the map can be seen."""
    grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
    return 0.6 + 0.4 * grey


def _pixels(uri: str) -> np.ndarray[Any, Any]:
    """Return the pixels of the PNG file in a URI, from 0 to 1."""
    return np.asarray(imread(io.BytesIO(base64.b64decode(uri.partition(",")[2])), format="png"))


def _foot(canvas: Figure, found: Explanation, height: float, below: float) -> None:
    """Write how the weights came about, and the loss."""
    lines = ["; ".join(told.losses(found)), f"weights {found.method}" if told.exact(found) else found.method]
    style: dict[str, Any] = {"fontsize": 8.5, "color": figures.SOFT, "parse_math": False, "fontfamily": list(figures.fonts())}
    for at, line in enumerate(filter(None, lines)):
        canvas.text(
            LEFT / WIDTH, (below + 0.42 - 0.18 * at) / height, figures.showable(words.clip(line, 140)), va="center", **style
        )
