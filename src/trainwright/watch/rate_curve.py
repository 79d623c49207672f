"""The loss over learning rates, for people: as lines of text, and as a picture, light or dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.watch import palette, words

ROWS = 15  # of the table


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the losses as a table, and the suggestion."""
    step = max(len(found["rates"]) // ROWS, 1)
    rows = [(f"{rate:.2g}", words.loss(loss)) for rate, loss in zip(found["rates"], found["smoothed"], strict=True)]
    told = f"lr={found['lr']:g}: {found['why']}." if found["lr"] else f"No suggestion: {found['why']}."
    title = f"Loss over learning rates, {words.clip(found['source'], 60)}"
    return [title, *words.table([("lr", "loss"), *rows[::step]], left=0), told]


def picture(found: Mapping[str, Any], dark: bool) -> bytes:
    """Return the curve as a PNG file."""
    from trainwright.watch.figures import figures

    colors = palette.DARK if dark else palette.LIGHT
    figure = figures.blank(7, 4.2)
    figure.set_facecolor(colors["paper"])
    axes = figures.axes(figure, (0.11, 0.13, 0.85, 0.69))
    axes.set_facecolor(colors["paper"])
    axes.grid(color=colors["line"], linewidth=0.7)
    axes.spines[["left", "bottom"]].set_color(colors["edge"])
    axes.tick_params(colors=colors["soft"])
    axes.set_xscale("log")
    axes.plot(found["rates"], found["losses"], color=colors["train"], linewidth=0.8)
    axes.plot(found["rates"], found["smoothed"], color=colors["valid"], linewidth=2)
    if found["smoothed"]:
        low, high = min(found["smoothed"]), max(found["smoothed"])
        axes.set_ylim(low - 0.1 * (high - low) - 1e-9, high + 0.1 * (high - low) + 1e-9)
    if found["lr"]:
        axes.axvline(found["lr"], color=colors["right"], linewidth=1.5)
    style: dict[str, Any] = {"parse_math": False, "fontfamily": list(figures.fonts())}
    axes.set_xlabel("learning rate of the update", color=colors["soft"], size=9, **style)
    axes.set_ylabel("loss", color=colors["soft"], size=9, **style)
    headline = f"lr={found['lr']:g} suits" if found["lr"] else "No rate makes the loss fall"
    figure.text(0.11, 0.93, figures.showable(headline), size=12.5, weight="bold", color=colors["ink"], **style)
    figure.text(0.11, 0.865, figures.showable(found["why"]), size=9, color=colors["soft"], **style)
    return figures.png(figure)
