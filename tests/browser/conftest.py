"""One browser for all pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


class Tab:
    """A tab of a browser that is offline, in which one page is opened after the other: a new one takes longer than a page."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context(offline=True).new_page()
        self.heard: list[str] = []
        self._own = ""
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda problem: self.heard.append(str(problem)))
        self.page.on("request", lambda asked: self._hear_of(asked.url))
        self.page.on("dialog", self._hear)

    def _hear_of(self, address: str) -> None:
        if address != self._own and not address.startswith("data:"):
            self.heard.append(address)

    def _hear(self, dialog: Any) -> None:
        self.heard.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: Path, width: int = 1280, scheme: str = "light", motion: str = "no-preference") -> Any:
        """A file as a page of this width, for people who like it light or dark, with motion or without (``reduce``)."""
        self._own = path.as_uri()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media="screen", color_scheme=scheme, reduced_motion=motion)
        self.page.goto(self._own)
        return self.page


@pytest.fixture(scope="package")
def tab(browser: Any) -> Tab:
    return Tab(browser)


@pytest.fixture
def look(tab: Tab) -> Iterator[Any]:
    """Open files as pages; at the end none complained of anything, or asked for more than itself."""
    tab.heard.clear()
    yield tab.open
    heard = [*tab.heard]
    tab.page.goto("about:blank")  # nothing goes on moving
    assert heard == []
