"""What the tests of pages ask of each in a browser: nothing that keeps somebody out, nothing cut off, nothing too small."""

from __future__ import annotations

import os
from typing import Any

import pytest

FULL = os.environ.get("TRAINWRIGHT_PAGES") == "full"
# Widths and colour schemes in which pages are looked at; a layout follows from the width, contrasts from the scheme.
LOOKS = [(390, "light"), (1280, "dark"), *([(1280, "light"), (390, "dark")] if FULL else ())]
# Of every text in a picture its size on the screen, in pixels.
_SIZES = """[...document.querySelectorAll('svg text')].map(text => parseFloat(getComputedStyle(text).fontSize) *
    (text.getScreenCTM() ? Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b) : Infinity))"""
# The tables of which a part is beyond the edge until they are scrolled.
_CUT = """[...document.querySelectorAll('.wide')].filter(each => each.querySelector('table') &&
    !each.closest('details:not([open])') && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.getAttribute('aria-label'))"""


def faults(page: Any) -> list[tuple[str, str]]:
    """What axe calls serious or critical, and headings of tables without words."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical") or each["id"] == "empty-table-header"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]


def smallest_text(page: Any) -> float:
    """The size of the smallest text in a picture, in pixels."""
    return float(page.evaluate(f"Math.min(...{_SIZES})"))


def cut_tables(page: Any) -> list[str]:
    """The names of tables that are wider than their place."""
    return list(page.evaluate(_CUT))
