"""The page of an explanation in a browser: nothing is requested, nothing complains, nothing sticks out."""

from __future__ import annotations

from pathlib import Path

import pytest

import trainwright as tw
from trainwright.watch.explained import explained_page

CHROMIUM = Path("/usr/bin/chromium")
EVIL = "<script>document.title = 'run'</script> moon <img src=x onerror=\"document.title = 'run'\"> rocket " + "x" * 300


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page(browser, trained: tw.Run, tmp_path: Path, scheme: str, width: int) -> None:
    path = tmp_path / "why.html"
    path.write_text(explained_page.render(tw.explain(trained, EVIL, "money"), EVIL), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda problem: wrong.append(str(problem)))
    page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    assert not wrong
    assert page.title().startswith("space: <script>")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".text").inner_text().startswith("<script>document.title")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (scheme == "dark")
    bars = page.locator("svg rect").evaluate_all("all => all.map(each => each.getBoundingClientRect().width)")
    assert max(bars) > 40
    assert page.locator("img:not([alt])").count() == 0 and page.locator("h1").count() == 1
    context.close()
