"""The colours of everything that is drawn, in light and in dark: one look for plots and page.

Built on the palette of Okabe and Ito, so that colour-blind people can tell them apart; every text is at least 4.5 times as
bright, or as dark, as its ground (WCAG 2, AA). Green and vermilion mean right and wrong, and nothing else.
"""

from __future__ import annotations

LIGHT = {
    "ink": "#1b1f24",  # text
    "soft": "#59616b",  # what stands beside it
    "line": "#dde1e6",  # rules and grids
    "edge": "#8b949e",  # axes, and lines to compare with
    "paper": "#ffffff",
    "panel": "#f5f6f8",
    "train": "#8a94a3",  # what was measured on training rows: paler, as it counts for less
    "valid": "#0067a5",  # what was measured on rows that training never saw
    "right": "#00795a",
    "wrong": "#c2410c",
    "for": "#0067a5",  # spoke for the answer
    "against": "#a85f00",  # spoke against it
}
DARK = {
    "ink": "#e9ecef",
    "soft": "#a3acb6",
    "line": "#32383f",
    "edge": "#717b86",
    "paper": "#14171a",
    "panel": "#1e2226",
    "train": "#8893a1",
    "valid": "#5cb3f0",
    "right": "#3ecf9f",
    "wrong": "#ff8f5c",
    "for": "#5cb3f0",
    "against": "#f0b04a",
}


def css() -> str:
    """Return the colours as variables of a style sheet; paper is always light."""
    light, dark = ("".join(f"--{name}:{color};" for name, color in each.items()) for each in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
