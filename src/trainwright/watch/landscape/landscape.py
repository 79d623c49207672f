"""Pictures of a loss surface: contours, reliefs, the way in a straight line, a point that goes down. See ``watch.surface``."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from trainwright.watch import words
from trainwright.watch.figures import figures
from trainwright.watch.landscape import landscape_page
from trainwright.watch.landscape.surface import (
    POINT,
    Height,
    change,
    colors,
    grid,
    kept,
    lifted,
    path_color,
    said,
    scene,
    thickness,
)  # fmt: skip

LEVELS, FACES = 22, 90  # contours; faces of a relief along each axis
FRAMES, MILLISECONDS, HOLD = 60, 60, 1800  # of the animation


def draw(found: Mapping[str, Any], name: str) -> dict[str, bytes]:
    """Return the files that show a surface, by name."""
    pictures = {"contour.png": figures.png(contours(found)), "relief.png": figures.png(reliefs(found))}
    if found.get("line"):
        pictures["line.png"] = figures.png(straight(found))
    if any(len(path["points"]) > 1 for path in found["planes"][0]["paths"]):
        pictures["descent.webp"] = descent(found)
    page = landscape_page.render(found, name, scene(found), pictures["contour.png"])
    return pictures | {"landscape.html": page.encode()}


def _sheet(planes: Sequence[Any], wide: float, high: float, top: float) -> tuple[Figure, list[tuple[float, float, float]]]:
    """Return a figure with room for planes side by side, and of each the left and lower edge in inches; and the height."""
    columns = min(len(planes), 3 if len(planes) > 4 else 2)
    total = high * -(-len(planes) // columns) + top
    places = [((n % columns) * wide, total - top - (n // columns + 1) * high, total) for n in range(len(planes))]
    return figures.blank(wide * columns, total), places


def contours(found: Mapping[str, Any]) -> Figure:
    """Draw the planes from above, with their paths."""
    canvas, places = _sheet(found["planes"], 5.5, 4.75, 0.75)
    width = canvas.get_size_inches()[0]
    figures.title(canvas, 0.75 / width, _headline(found), _subtitle(found))
    for plane, (left, below, total) in zip(found["planes"], places, strict=True):
        place = ((left + 0.75) / width, (below + 0.6) / total, 3.75 / width, 3.75 / total)
        axes = figures.axes(canvas, place)
        height = contour(axes, plane)
        _scale(canvas, (place[0] + place[2] + 0.1 / width, place[1], 0.14 / width, place[3]), height)
        for index in range(len(plane["paths"])):
            _draw_path(axes, np.array(plane["paths"][index]["points"]), plane["paths"], index)
    _legend(canvas, found["planes"][0])
    return canvas


def _headline(found: Mapping[str, Any]) -> str:
    title = words.clip(found["title"], 70)
    return f"{title}: loss surface" if found.get("line") else title


def _subtitle(found: Mapping[str, Any]) -> str:
    if not found.get("line"):
        return "the same start for all; the optimisers and rates are named, crosses are minima"
    rows, blind = words.amount(found["rows"], found["unit"]), found.get("chance")
    told = f"loss on {rows} of validation; white: the training, red: what was kept"
    told += ", dashed: what came after" if any(_goes_on(plane["paths"]) for plane in found["planes"]) else ""
    return told + (f"; {blind['name']}: {words.loss(blind['loss'])}" if blind else "")


def _goes_on(paths: Sequence[Any]) -> bool:
    return any(kept(path) < len(path["points"]) - 1 for path in paths)


def contour(axes: Axes, plane: Mapping[str, Any]) -> Height:
    """Draw one plane from above, without its paths; return how its losses became colours."""
    x, y, loss = grid(plane)
    height = Height.of(loss)
    levels = np.linspace(0, 1, LEVELS)
    shown = np.ma.masked_invalid(height(loss))
    axes.set_facecolor("#bbbbbb")  # where the loss is not finite
    axes.grid(False)
    axes.contourf(x, y, shown, levels=levels, cmap=colors(), antialiased=True)
    axes.contour(x, y, shown, levels=levels[1:-1], colors="#00000055", linewidths=0.5)
    for spot in plane["minima"]:
        axes.plot(*spot, "+", color="white", markersize=11, markeredgewidth=1.2, path_effects=_edge(2.2), zorder=12)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.text(
        0.02, 0.02, change(plane), transform=axes.transAxes, fontsize=8.5, color="white", path_effects=_edge(2), zorder=12
    )
    axes.set_title(plane["title"], loc="left", fontsize=10.5, color=figures.INK, pad=8, parse_math=False)
    for name, text in zip(("x", "y"), plane["axes"], strict=True):
        getattr(axes, f"set_{name}label")("\n".join(words.wrap(text, 58)), fontsize=8, color=figures.SOFT)
    return height


def _edge(width: float) -> list[Any]:
    return [patheffects.withStroke(linewidth=width, foreground="#000000aa")]


def _draw_path(axes: Any, points: np.ndarray, paths: Sequence[Any], index: int) -> None:
    """Draw a path of points (points, 2 or 3): up to what was kept, with a red point there; dashed what came after."""
    color, at, wide = path_color(paths, index), kept(paths[index]), 1.4 * thickness(paths, index)
    rim, edge = ("white", 1.4) if len(paths) == 1 else (color, 0.6)  # what lies beneath is seen beside a thin edge only
    axes.plot(*points[: at + 1].T, color=color, linewidth=wide, path_effects=_edge(wide + edge), zorder=10)
    if at < len(points) - 1:
        axes.plot(*points[at:].T, color=color, linewidth=1.1, linestyle=(0, (3, 1.5)), path_effects=_edge(2.2), zorder=10)
        axes.plot(*points[-1:].T, "o", color="none", markersize=5, markeredgecolor=rim, path_effects=_edge(2.4), zorder=11)
    axes.plot(*points[at : at + 1].T, "o", color=POINT, markersize=6.5, markeredgecolor=rim, markeredgewidth=1.3, zorder=11)


def _scale(canvas: Figure, place: tuple[float, float, float, float], height: Height) -> None:
    """Draw what loss a colour stands for."""
    bar = canvas.add_axes(place)
    bar.imshow(np.linspace(0, 1, 256)[:, None], aspect="auto", origin="lower", cmap=colors(), extent=(0, 1, 0, 1))
    bar.set_xticks([])
    bar.yaxis.tick_right()
    ticks = np.linspace(0, 1, 6)
    bar.set_yticks(ticks, [words.number(height.loss(each)) for each in ticks])
    bar.tick_params(colors=figures.SOFT, labelsize=8, length=2)
    bar.spines[:].set_visible(False)
    bar.set_title(height.name, fontsize=8, color=figures.SOFT, pad=5, loc="right")


def _legend(canvas: Figure, plane: Mapping[str, Any]) -> None:
    """Name the colours of the paths, in the upper right corner, where there are several."""
    if len(plane["paths"]) > 1:
        lines = [Line2D([], [], color=path_color(plane["paths"], place), linewidth=3, path_effects=_edge(5))
                 for place in range(len(plane["paths"]))]  # fmt: skip
        names = [path["name"].partition(",")[0] for path in plane["paths"]]
        place = (0.985, 1 - 0.12 / canvas.get_size_inches()[1])
        canvas.legend(lines, names, loc="upper right", bbox_to_anchor=place, ncols=4, frameon=False, fontsize=10)


def reliefs(found: Mapping[str, Any]) -> Figure:
    """Draw the planes as hills and valleys."""
    canvas, places = _sheet(found["planes"], 5.5, 4.6, 0.75)
    width = canvas.get_size_inches()[0]
    figures.title(canvas, 0.45 / width, _headline(found), _subtitle(found))
    for plane, (left, below, total) in zip(found["planes"], places, strict=True):
        axes = relief(canvas, ((left + 0.3) / width, (below + 0.1) / total, 4.9 / width, 4.3 / total), plane)
        for index, path in enumerate(plane["paths"]):
            _draw_path(axes, lifted(plane, path), plane["paths"], index)
        canvas.text((left + 0.45) / width, (below + 4.45) / total, plane["title"], fontsize=10.5, color=figures.INK,
                    parse_math=False)  # fmt: skip
        canvas.text((left + 0.45) / width, (below + 4.25) / total, change(plane), fontsize=8.5, color=figures.SOFT)
    _legend(canvas, found["planes"][0])
    return canvas


def _azimuth(heights: np.ndarray) -> float:
    """Return from where a relief is looked at, in degrees: over the corner nearest to its lower side, which hides the least."""
    rows, columns = heights.shape
    across, along = np.meshgrid(np.linspace(-0.5, 0.5, columns), np.linspace(-0.5, 0.5, rows))
    known = np.isfinite(heights)
    design = np.column_stack([across[known], along[known], np.ones(int(known.sum()))])
    east, north, _ = np.linalg.lstsq(design, heights[known], rcond=None)[0]
    lower = math.degrees(math.atan2(-north, -east)) if math.hypot(east, north) > 0.1 else -55.0
    return min((35.0 + 90 * corner for corner in range(-2, 2)), key=lambda each: abs((each - lower + 180) % 360 - 180))


def relief(canvas: Figure, place: tuple[float, float, float, float], plane: Mapping[str, Any]) -> Any:
    """Draw one plane as a relief, without its paths; return its axes, in which heights go from 0 to 1."""
    x, y, loss = grid(plane)
    height = Height.of(loss)
    axes: Any = canvas.add_axes(place, projection="3d", computed_zorder=False)
    across, along = np.meshgrid(x, y)
    heights = height(loss)
    # matplotlib knows no gaps in a surface; what is not finite stands at the top, in grey.
    faces = colors()(np.nan_to_num(heights, nan=1.0))
    faces[~np.isfinite(heights)] = (0.75, 0.75, 0.75, 1)
    axes.plot_surface(across, along, np.nan_to_num(heights, nan=1.0), facecolors=faces, rcount=FACES, ccount=FACES, linewidth=0,
                      antialiased=False, shade=True, lightsource=LightSource(azdeg=300, altdeg=50))  # fmt: skip
    axes.contour(across, along, np.ma.masked_invalid(heights), levels=np.linspace(0, 1, 14), colors="#00000030", linewidths=0.5)
    axes.view_init(elev=36, azim=_azimuth(heights))
    axes.set_box_aspect((1, 1, 0.6), zoom=0.9)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), zlim=(0, 1))
    for axis in (axes.xaxis, axes.yaxis):  # at the corners they would lie on each other
        axis.set_major_locator(MaxNLocator(5, prune="both"))
    ticks = np.linspace(0, 1, 4)
    axes.set_zticks(ticks, [words.number(height.loss(each)) for each in ticks])
    axes.tick_params(colors=figures.SOFT, labelsize=7, pad=-2)
    axes.zaxis.set_tick_params(pad=4)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.pane.set_facecolor("#f7f7f5")
        axis.pane.set_edgecolor(figures.FAINT)
        axis._axinfo["grid"].update(color="#e6e6e6", linewidth=0.6)
    axes.set_xlabel(_short(plane["axes"][0]), fontsize=7.5, color=figures.SOFT, labelpad=-2)
    axes.set_ylabel(_short(plane["axes"][1]), fontsize=7.5, color=figures.SOFT, labelpad=-2)
    axes.set_zlabel(height.name, fontsize=7.5, color=figures.SOFT, labelpad=11)
    return axes


def _short(text: str) -> str:
    """Return an axis's name without what is said of it."""
    return text.partition(" (")[0].partition(":")[0]


def straight(found: Mapping[str, Any]) -> Figure:
    """Draw the loss on the straight line from the first parameters to those that were kept."""
    canvas = figures.blank(7.2, 4.3)
    axes = figures.axes(canvas, (0.11, 0.14, 0.83, 0.66))
    shares, loss = np.array(found["line"]["x"]), np.array(found["line"]["loss"], dtype=float)
    axes.plot(shares, loss, color=figures.TRAIN, linewidth=2)
    for share, name in ((0.0, "first"), (1.0, "kept")):
        value = float(np.interp(share, shares, loss))
        axes.plot([share], [value], "o", color=POINT if share else "white", markeredgecolor=POINT if not share else "white",
                  markersize=8, markeredgewidth=1.6, zorder=4)  # fmt: skip
        axes.annotate(name, (share, value), (0, 9), textcoords="offset points", ha="center", fontsize=9, color=figures.SOFT)
    if blind := found.get("chance"):
        axes.axhline(blind["loss"], color=figures.SOFT, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(f"{blind['name']}: {words.loss(blind['loss'])}", (shares[-1], blind["loss"]), (0, 4), ha="right",
                      textcoords="offset points", fontsize=8.5, color=figures.SOFT)  # fmt: skip
    axes.margins(x=0.01, y=0.14)
    axes.set_xlabel(
        "share of the way from the first parameters (0) to those that were kept (1)", fontsize=9, color=figures.SOFT
    )
    axes.set_ylabel("loss", fontsize=9, color=figures.SOFT)
    figures.title(canvas, 0.11, f"{words.clip(found['title'], 50)}: in a straight line", "not the way that training took")
    return canvas


def descent(found: Mapping[str, Any]) -> bytes:
    """Return an animation (WebP) of the paths in the first plane: a red point goes down on the relief and the contours.

    The ground is drawn once by matplotlib; only line, point and words are drawn for each frame.
    """
    from PIL import Image

    plane = found["planes"][0]
    canvas = figures.blank(10.4, 4.9)
    figures.title(canvas, 0.045, _headline(found), plane["title"])
    hills = relief(canvas, (0.01, 0.02, 0.49, 0.84), plane)
    axes = figures.axes(canvas, (0.595, 0.15, 0.31, 0.658))
    height = contour(axes, plane)
    axes.set_title("", loc="left")
    _scale(canvas, (0.915, 0.15, 0.012, 0.658), height)
    _legend(canvas, plane)
    ground = Image.open(io.BytesIO(figures.png(canvas))).convert("RGB")
    tracks = []
    for path in plane["paths"]:
        lift = lifted(plane, path)
        tracks.append((_on_relief(hills, lift), axes.transData.transform(lift[:, :2])))
    spots = axes.transData.transform(np.array(plane["minima"]).reshape(-1, 2))
    count = min(max(len(path["points"]) for path in plane["paths"]), FRAMES)
    frames = [_frame(ground, plane["paths"], tracks, spots, place / max(count - 1, 1)) for place in range(count)]
    content = io.BytesIO()
    times = [MILLISECONDS] * (count - 1) + [HOLD]
    frames[0].save(content, "WEBP", save_all=True, append_images=frames[1:], duration=times, loop=0, quality=70, method=3)
    return content.getvalue()


def _on_relief(axes: Any, points: np.ndarray) -> np.ndarray:
    """Return where points of a relief lie in its picture, from the lower left corner."""
    from mpl_toolkits.mplot3d import proj3d

    x, y, _ = proj3d.proj_transform(*points.T, axes.get_proj())
    return axes.transData.transform(np.column_stack([x, y]))  # type: ignore[no-any-return]


def _frame(ground: Any, paths: Sequence[Any], tracks: Sequence[Any], spots: np.ndarray, share: float) -> Any:
    """Return the picture after a share of the paths; it is made at twice its size, so that lines are smooth."""
    from matplotlib import font_manager
    from PIL import ImageDraw, ImageFont

    picture = ground.copy()
    pen, tall = ImageDraw.Draw(picture), picture.height
    reached = round(share * (max(len(path["points"]) for path in paths) - 1))
    for index, (path, views) in enumerate(zip(paths, tracks, strict=True)):
        color, wide, at = path_color(paths, index), round(2.6 * thickness(paths, index)), min(reached, kept(path))
        for view in views:
            past, after = ([(x, tall - y) for x, y in part if math.isfinite(x) and math.isfinite(y)]
                           for part in (view[: at + 1], view[at : reached + 1]))  # fmt: skip
            for line, width in ((past, wide), (after, 2)):
                for more, ink in ((3 if len(paths) == 1 else 2, "#222222"), (0, color)):
                    if len(line) > 1:
                        pen.line(line, fill=ink, width=width + more, joint="curve")
            if len(after) > 1:
                _disc(pen, after[-1], 7, None, color)
            if past:
                _disc(pen, past[-1], 9, POINT, color)
    for x, y in spots:
        for width, ink in ((6, "#222222"), (3, "white")):
            pen.line((x - 9, tall - y, x + 9, tall - y), fill=ink, width=width)
            pen.line((x, tall - y - 9, x, tall - y + 9), fill=ink, width=width)
    if len(tracks) == 1:
        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 20)
        pen.text((picture.width * 0.905, tall * 0.12), said(paths[0], reached), fill=figures.INK, font=font, anchor="rs")
    return picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))


def _disc(pen: Any, place: tuple[float, float], size: int, fill: str | None, edge: str) -> None:
    x, y = place
    pen.ellipse((x - size, y - size, x + size, y + size), fill=fill, outline=edge, width=3)
