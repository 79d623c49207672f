"""One palette: every page has its colours from it, light and dark, and names none that it lacks."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from trainwright.watch import palette
from trainwright.watch.explained import explained_page
from trainwright.watch.landscape import landscape_page
from trainwright.watch.report import page_style

STYLES = {
    "report": page_style.STYLE,
    "explained": explained_page._STYLE,
    "landscape": landscape_page._STYLE,
    "story": palette.css() + (resources.files("trainwright.watch.story") / "story.css").read_text(encoding="utf-8"),
    "live": palette.css() + (resources.files("trainwright.live") / "assets" / "watch.css").read_text(encoding="utf-8"),
}


@pytest.mark.parametrize("name", STYLES)
def test_a_page_uses_these_colours_and_no_others(name: str) -> None:
    style = STYLES[name]
    assert style.startswith(palette.css())
    own = style.removeprefix(palette.css())
    used, made = set(re.findall(r"var\(--([\w-]+)\)", own)), set(re.findall(r"--([\w-]+):", own))
    assert used <= set(palette.LIGHT) | made
    assert not made & set(palette.LIGHT), "none is given anew"


def luminance(color: str) -> float:
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK])
def test_texts_and_lines_stand_out_from_the_paper(colors: dict[str, str]) -> None:
    assert set(colors) == set(palette.LIGHT)
    for name, least in [*((each, 4.5) for each in ("ink", "soft", "valid", "right", "wrong", "for", "against")),
                        *((each, 3.0) for each in (*palette.SERIES, "train"))]:  # fmt: skip
        light, dark = sorted((luminance(colors[name]), luminance(colors["paper"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, name
