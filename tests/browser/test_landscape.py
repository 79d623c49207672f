"""The page of a loss surface in Chromium: nothing is asked for or complained of, and the point moves when it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_samples import LOOKS, faults
from landscape_samples import found, page, plane

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture
def show(look: Any, tmp_path: Path) -> Any:
    """Write and open a page."""

    def opened(html: str, *how: Any) -> Any:
        (tmp_path / "landscape.html").write_text(html)
        return look(tmp_path / "landscape.html", *how)

    return opened


PIXELS = "id => { const c = document.getElementById(id); return c.toDataURL(); }"


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_fits_is_played_and_scrubbed_without_a_complaint(show: Any, width: int, scheme: str) -> None:
    shown = show(page(), width, scheme)
    playwright.expect(shown.locator("#now")).to_have_text("step 20, loss 2.000")  # the end is shown first
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    ends = {name: shown.evaluate(PIXELS, name) for name in ("hill", "map", "loss", "line")}
    shown.locator("#time").fill("500")
    assert shown.locator("#now").inner_text() == "step 10, loss 2.500"
    assert shown.locator("#time").get_attribute("aria-valuetext") == "step 10, loss 2.500"
    for name, before in ends.items():
        assert (shown.evaluate(PIXELS, name) == before) == (name == "line"), name
    shown.get_by_role("button", name="Play").click()
    playwright.expect(shown.locator("#time")).not_to_have_value("500")
    shown.get_by_role("button", name="Pause").click()
    assert shown.get_by_role("button", name="Play").is_visible()
    assert faults(shown) == []


def test_it_is_turned_by_keys_and_changes_its_plane(show: Any) -> None:
    shown = show(page())
    before, chart = shown.evaluate(PIXELS, "hill"), shown.evaluate(PIXELS, "map")
    shown.locator("#hill").press("ArrowLeft")
    assert shown.evaluate(PIXELS, "hill") != before and shown.evaluate(PIXELS, "map") == chart
    box = shown.locator("#hill").bounding_box()
    turned = shown.evaluate(PIXELS, "hill")
    shown.mouse.move(box["x"] + 50, box["y"] + 50)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 90, box["y"] + 60)
    shown.mouse.up()
    assert shown.evaluate(PIXELS, "hill") != turned
    shown.get_by_text("random", exact=True).click()
    assert shown.evaluate("document.querySelector('input[name=plane]:checked').value") == "1"


def test_without_a_path_there_is_nothing_to_play(show: Any) -> None:
    still = plane("random", paths=[{"name": "kept", "points": [[0, 4]], "loss": [None], "steps": [0]}])
    still["loss"][2][2] = None  # and a gap
    shown = show(page(planes=[still], why="it was stopped by the clock"))
    assert shown.locator("#player").is_hidden() and shown.locator("#map").is_visible()


def test_several_paths_are_named_beside_their_colours(show: Any) -> None:
    short = {"name": "Adam, lr 1", "points": [[2, 8], [1, 6]], "loss": [3.0, 2.75], "steps": [0, 1]}
    two = plane(about="f = x + y", paths=[plane()["paths"][0], short])
    toy = {key: each for key, each in found(planes=[two]).items() if key in ("title", "planes")}
    shown = show(_toy(toy))
    assert shown.locator("#now span").all_inner_texts() == ["training: step 20, loss 2.000", "Adam, lr 1: step 1, loss 2.750"]
    assert shown.get_by_text("f = x + y").is_visible()


def _toy(whole: dict[str, Any]) -> str:
    from trainwright.watch.landscape import landscape_page, surface

    return landscape_page.render(whole, "toy", surface.scene(whole), b"")
