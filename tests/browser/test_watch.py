"""The live page in a browser: a run from its first step to its report, two compared, the keyboard, and who is asked."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser_samples import LOOKS, faults
from live_samples import Writing, serving
from PIL import Image
from samples import news_rows, write_csv

from trainwright.watch.events import Answers, Epoch, Scores

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


class Visits:
    """Pages of folders that are watched; at the end none had a fault, or asked anybody but its own server."""

    def __init__(self, browser: Any, stack: ExitStack) -> None:
        self._browser, self._stack = browser, stack
        self.faults: list[str] = []
        self.asked: list[str] = []

    def __call__(self, folder: Path, width: int = 1280, scheme: str = "light") -> Any:
        live = self._stack.enter_context(serving(folder))
        context = self._browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self._stack.callback(context.close)
        context.on("console", lambda message: self.faults.append(message.text))
        context.on("weberror", lambda problem: self.faults.append(str(problem.error)))
        context.on("request", lambda request: self.asked.append(request.url))
        page = context.new_page()
        page.goto(live.url)
        return page


@pytest.fixture
def visit(browser: Any) -> Iterator[Visits]:
    with ExitStack() as stack:
        visits = Visits(browser, stack)
        yield visits
    assert visits.faults == []
    assert all(re.match(r"http://127\.0\.0\.1:\d+/|data:", url) for url in visits.asked), visits.asked


@pytest.fixture
def begin() -> Iterator[Callable[..., Writing]]:
    begun = []

    def begin(path: Path, epochs: int = 4) -> Writing:
        begun.append(Writing(path, epochs))
        return begun[-1]

    yield begin
    for writing in begun:
        writing.log.close()


def says(page: Any, selector: str, text: str) -> None:
    """Wait until an element says so."""
    found = page.locator(selector, has_text=text).first
    found.wait_for(state="visible", timeout=20_000)


def curve(page: Any, chart: int) -> str:
    return str(page.locator(".chart").nth(chart).locator("path.line.valid").first.get_attribute("d"))


def test_a_run_is_watched_from_its_first_step_to_its_report(
    visit: Visits, begin: Callable[..., Writing], tmp_path: Path
) -> None:
    page = visit(tmp_path / "runs")
    says(page, "#empty", "There is no run here yet")
    writing = begin(tmp_path / "runs" / "news-1")
    says(page, "#phase", "preparing")
    writing.start()
    writing.watched(["a goal in the cup", HOSTILE, "the moon"])
    writing.answers(0, 0.4, 0.3, 0.35)
    writing.steps(1, 7)
    says(page, "#phase", "training")
    says(page, "#facts", "update 7 of 40")
    says(page, ".legend", "updates 0.1429")
    for chart, title, value in ((2, "Learning rate", "0.1"), (3, "Gradient norm", "0.2857")):
        assert page.locator(".chart figcaption").nth(chart).inner_text() == title
        assert page.locator(".chart .legend").nth(chart).inner_text().split() == ["updates", value]
    says(page, "#watched", "0 of 3 right")
    writing.steps(8, 10)
    writing.answers(1, 0.9, 0.3, 0.8)
    writing.epoch(1, 0.5)
    says(page, "#epochs td", "50.00 %")
    says(page, "#watched", "2 of 3 right")
    assert page.locator(".cards .right").count() == 2 and page.locator(".cards .wrong").count() == 1
    before = curve(page, 1)
    writing.steps(11, 20)
    writing.answers(2, 0.9, 0.7, 0.8)
    writing.epoch(2, 0.75)
    says(page, "#facts", "65.00 %")
    says(page, "#watched", "3 of 3 right")
    playwright.expect(page.locator(".chart").nth(1).locator("path.line.valid").first).not_to_have_attribute("d", before)
    assert len(curve(page, 1).split("L")) == 2 and page.locator("#bar").evaluate("bar => bar.value") == 0.5
    page.get_by_role("slider").press("Home")
    says(page, "#watched", "0 of 3 right")
    for epoch in (3, 4):
        writing.steps(10 * epoch - 9, 10 * epoch)
        writing.epoch(epoch, 0.8)
    writing.finish()
    says(page, "#phase", "ended")
    says(page, "#result", "test accuracy")
    assert page.title() == "news-1" and page.get_by_text("onerror").count() >= 1
    assert page.locator(".chart").nth(1).get_attribute("class") == "chart"
    with page.expect_popup() as opened:
        page.get_by_text("Open the report").click()
    says(opened.value, "p", "the report")
    assert opened.value.locator("p").evaluate("p => getComputedStyle(p).color") == "rgb(255, 0, 0)"


def test_a_rate_that_stays_has_an_axis_from_zero(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    writing = begin(tmp_path / "one")
    writing.start()
    writing.steps(1, 7)
    page = visit(tmp_path)
    says(page, ".legend", "updates 0.1")
    ticks = page.locator(".chart").nth(2).locator("svg > text[text-anchor=end]:not(.unit)").all_text_contents()
    assert ticks[0] == "0" and float(ticks[-1]) == 0.2
    edges = page.locator(".chart").nth(2).locator("svg > text").evaluate_all("all => all.map(each => each.getBBox().x)")
    assert min(edges) >= 0, "no number is cut off"


def test_of_an_ended_run_the_epoch_kept_is_told(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    writing = begin(tmp_path / "one", epochs=2)
    writing.start()
    writing.epoch(1, 0.9)
    train, valid = Scores(0.25, 0.95, 320), Scores(0.9, 0.5, 40)
    writing.log.append(Epoch(2, 20, train, valid, 0.1, 2.0, False))
    writing.finish()
    page = visit(tmp_path)
    says(page, ".legend", "at epoch 1, which was kept")
    told = page.locator(".chart").nth(1).locator(".legend").inner_text().split()
    assert told[:6] == ["train", "90.00", "%", "valid", "80.00", "%"]


def test_watched_numbers_are_near_or_far(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    writing = begin(tmp_path / "one")
    truths = [100.0, 200.0, 300.0, 400.0]  # half of their deviation is 56
    rows = [{"file": "a.csv", "row": k, "truth": truth, "input": {"x": k}} for k, truth in enumerate(truths)]
    (writing.path / "watched.json").write_text(json.dumps({"labels": [], "rows": rows}))
    writing.start()
    writing.log.append(Answers(0, [100.0, 255.0, 240.0, None]))
    page = visit(tmp_path, 390)
    says(page, "#watched", "2 of 4 within 56, half the RMSE of their mean")
    marks = page.locator(".cards > li").evaluate_all("all => all.map(each => each.className)")
    assert marks == ["right", "right", "wrong", "wrong"]
    out = "all => all.filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth).length"
    assert page.locator(".cards dl, .cards p").evaluate_all(out) == 0


def test_of_several_labels_the_set_is_told(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    run = begin(tmp_path / "sets")
    names, truths = ["food", "sport", "tech"], [["food", "sport"], ["tech"], []]
    rows = [{"file": "a.csv", "row": k + 2, "truth": each, "input": f"text {k}"} for k, each in enumerate(truths)]
    (run.path / "watched.json").write_text(json.dumps({"labels": names, "rows": rows}))
    run.start()
    run.log.append(Answers(0, [[[1, 0.9], [0, 0.6], [2, 0.1]], [[2, 0.8], [0, 0.5], [1, 0.2]], [[0, 0.4], [1, 0.3], [2, 0.2]]]))
    page = visit(tmp_path)
    page.wait_for_selector(".cards .verdict")
    said = page.locator(".cards .verdict").all_inner_texts()
    assert said == ["\u2713 sport, food", "\u2717 tech, food, it is tech", "\u2713 no label"]
    assert page.locator(".cards > li").first.locator("li.truth").count() == 2


def test_three_runs_side_by_side_are_not_cut(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    for name in ("a-first-run-of-three", "a-second-run-of-three", "a-third-run-of-three"):
        writing = begin(tmp_path / name)
        writing.start()
        writing.epoch(1)
        writing.finish()
    page = visit(tmp_path)
    for box in page.locator("nav input").all():
        box.check()
    says(page, "#compare", "Side by side")
    assert page.locator("#compare .wide").evaluate("place => place.scrollWidth - place.clientWidth") <= 1


def test_two_runs_are_compared_by_mouse_and_by_keyboard(visit: Visits, begin: Callable[..., Writing], tmp_path: Path) -> None:
    for name, accuracy in (("one", 0.6), ("two", 0.9)):
        writing = begin(tmp_path / name)
        writing.start()
        for epoch in (1, 2, 3, 4):
            writing.epoch(epoch, accuracy)
        writing.finish()
    page = visit(tmp_path)
    says(page, "nav", "Tick several")
    page.get_by_label("Compare one").check()
    page.get_by_label("Compare two").check()
    says(page, "#compare", "Side by side")
    rows = page.locator("#compare tbody tr")
    assert rows.count() == 2 and {"50.00 %", "80.00 %"} <= set(" ".join(rows.all_inner_texts()).split("\t"))
    assert page.locator(".chart").nth(1).locator("path.line").count() == 4
    chart = page.locator(".chart > svg").nth(1)
    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    says(page, ".legend .where", "at epoch 3")
    page.reload()
    says(page, "#compare", "Side by side")
    assert faults(page) == []
    page.get_by_label("Compare two").uncheck()
    playwright.expect(page.locator(".chart").nth(1).locator("path.line")).to_have_count(2)
    assert page.locator("#compare").is_hidden()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_fits_and_can_be_read_by_everybody(
    visit: Visits, begin: Callable[..., Writing], tmp_path: Path, width: int, scheme: str
) -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8), 128).save(file, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    writing = begin(tmp_path / ("a-name-without-end-" * 6))
    writing.watched(["w" * 500, {"a column with a long name": 1.5, "b": None}, picture])
    writing.start()
    for epoch in range(5):
        writing.answers(epoch, 0.5 + epoch / 10, 0.4, 0.9)
        if epoch:
            writing.epoch(epoch, 0.9)
    page = visit(tmp_path, width, scheme)
    says(page, "#watched", "of 3 right")
    says(page, "#epochs", "kept")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".given img").evaluate("image => image.naturalWidth") == 8
    assert faults(page) == []


def test_nothing_is_asked_while_nobody_looks_and_an_end_is_told(
    visit: Visits, begin: Callable[..., Writing], tmp_path: Path
) -> None:
    begin(tmp_path / "one").start()
    page = visit(tmp_path)
    says(page, "#phase", "training")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(700)  # what was under way
    asked = len(visit.asked)
    page.wait_for_timeout(1500)
    assert len(visit.asked) == asked
    with page.expect_request("**/state?*"):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.route("**/state?*", lambda route: route.fulfill(status=503, body=""))
    says(page, "#link", "does not answer")
    page.unroute("**/state?*")
    says(page, "#link", "live")
    assert all("503" in fault for fault in visit.faults), "the browser's own words for it"
    visit.faults.clear()


def test_a_real_training_beside_it(visit: Visits, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "news.csv", news_rows(2000))
    page = visit(tmp_path / "runs")
    command = [sys.executable, "-m", "trainwright", "train", str(source), "model=textcnn", "epochs=3", "--quiet"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as training:
        page.locator("#phase", has_text="training").wait_for(timeout=60_000)
        page.locator("#phase", has_text="ended").wait_for(timeout=120_000)
        assert training.wait(60) == 0
    says(page, "#pages", "Open the report")
    assert page.locator("#epochs tbody tr").count() == 3 and page.locator(".cards > li").count() == 24
