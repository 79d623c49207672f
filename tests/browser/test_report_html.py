"""The report page in a browser: no request, no message on the console, no fault that keeps somebody out, no side scrolling."""

from __future__ import annotations

import math
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browser_samples import FULL, LOOKS, cut_tables, faults, smallest_text

sys.path.append(str(Path(__file__).parents[1] / "watch"))
from watch_samples import make_history, make_language, make_record, make_regression, make_report, with_metrics

from trainwright.watch import record
from trainwright.watch.report import page

HOSTILE = "</script></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
STICKING_OUT = """[...document.querySelectorAll('.card *')]
    .filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth).map(each => each.outerHTML)"""


def example(group: str, given: Any, **more: Any) -> dict[str, Any]:
    known = {"split": "test", "group": group, "file": "a.csv", "row": 7, "truth": "class 0", "answer": "class 1"}
    return {**known, "probability": 0.875, "input": given, **more}


@cache
def records() -> dict[str, record.Record]:
    """A page of each kind, with everything that it can show."""
    why = [["a ", 1.0], ["long film " * 80, -0.5]]
    rows = [example("wrong", "a " + "long film " * 80, why=why), example("unsure", {"x": 1.5, "y": None}),
            example("right", "b", answer="class 0")]  # fmt: skip
    tiles = [example("wrong", DOT, why=DOT)] * 3
    settings = {"loss": {"name": "CrossEntropyLoss"}, "lr": 0.1}
    steps = [(k, 2 / k, 0.1 / k) for k in range(1, 300, 5)]
    notes = [("lr", "0.1", "what suits it"), ("leak", "3", "rows")]
    data = {"rejected": 1, "rejected_rows": [{"file": "a", "row": 1, "reason": "b"}], "classes": {"a": {"train": 1}},
            "audit": {"empty": 0, "across": {"train-test": 2}}, "columns": {"label": "l", "text": ["t"]}}  # fmt: skip
    more = {"steps": steps, "notes": notes, "data": data}
    diverged = make_history(6)
    diverged[3]["train_loss"] = diverged[4]["valid_loss"] = math.nan
    passage = {"group": "passage", "tokens": list("abc"), "losses": [0.5, 3.0, 9.0], "between": " ", "split": "test"}
    along = {"group": "positions", "tokens": 9, "losses": [1.0, 2.0, 3.0], "loss": 2.0}
    history = with_metrics(make_history(), train_perplexity=[9.0] * 3, valid_perplexity=[8.0] * 3)
    language = {"examples": [passage, along], "texts": {1: "one", 2: "two"}, **more}
    hostile = make_report(3, [HOSTILE, "\u0631\u064a\u0627\u0636\u0629" * 9, "x" * 300])
    return {
        "classes": make_record({**make_report(4), "settings": settings}, examples=rows, **more),
        "pictures": make_record(make_report(10), examples=tiles, **more),
        "many": make_record(make_report(20), diverged, examples=rows, **more),
        "throngs": make_record(make_report(200)),
        "numbers": make_record(make_regression(900), with_metrics(make_history(accuracy=False), valid_rmse=[3.0, 2.0, 1.0])),
        "language": make_record(make_language(), history, **language),
        "hostile": make_record(hostile, examples=[example("wrong", HOSTILE, truth=HOSTILE, answer=HOSTILE)], **more),
    }


@pytest.fixture
def show(look: Any, tmp_path: Path) -> Any:
    """Write and open the page of a record."""

    def opened(of: record.Record, *how: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(page.render(of, [("Use it", "trainwright predict run")]), encoding="utf-8")
        return look(path, *how)

    return opened


PAGES = ["throngs", "classes", "pictures", "many", "numbers", "language", "hostile"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_shows_all_large_enough(show: Any, name: str) -> None:
    for width, scheme in LOOKS:
        tab = show(records()[name], width, scheme)
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "the page scrolls sideways"
        assert tab.evaluate("document.querySelectorAll('svg').length") >= 2
        if width == 390:
            assert smallest_text(tab) >= 9 or name == "throngs"
            assert cut_tables(tab) == []
            assert tab.evaluate(STICKING_OUT) == [], "nothing sticks out of its card"
        if FULL or (width, scheme) == LOOKS[PAGES.index(name) % 2]:  # all have one style, and axe takes as long as the rest
            assert faults(tab) == []


def test_on_paper_nothing_is_folded_away(show: Any) -> None:
    tab = show(records()["many"], 700)
    hidden = "[...document.querySelectorAll('details td')].filter(each => !each.checkVisibility()).length"
    assert tab.evaluate(hidden) > 0
    tab.emulate_media(media="print")
    tab.wait_for_function(f"{hidden} === 0", timeout=10_000)


def test_a_lone_chart_keeps_its_size(show: Any) -> None:
    lone = make_record({**make_report(4), "test": None, "valid": {"loss": 1.0}}, make_history(accuracy=False))
    tab = show(lone)
    assert tab.locator(".figures svg").count() == 1
    assert 300 < tab.locator(".figures svg").first.evaluate("each => each.getBoundingClientRect().width") < 560


def test_no_line_crosses_the_name_of_another(show: Any) -> None:
    history = with_metrics(make_history(6), valid_perplexity=[30.0, 17.0, 12.0, 10.5, 9.5, 9.0])
    tab = show(make_record({**make_language(), "baseline": {"name": "bigram", "perplexity": 11.0}}, history))
    crossed = """() => [...document.querySelectorAll('.figures svg')].map(picture => {
      const names = [...picture.querySelectorAll('text')].filter(each => /bigram|chance/.test(each.textContent));
      const curves = [...picture.querySelectorAll('path.curve')];
      return names.filter(name => { const box = name.getBBox(); return curves.some(curve => {
        for (let k = 0; k <= 400; k++) { const at = curve.getPointAtLength(curve.getTotalLength() * k / 400);
          if (at.x > box.x && at.x < box.x + box.width && at.y > box.y && at.y < box.y + box.height) return true; }
        return false; }); }).length }).reduce((sum, each) => sum + each, 0)"""
    assert tab.locator("svg text", has_text="bigram: 11.00").count() == 1
    assert tab.evaluate(crossed) == 0


def test_dark_pages_have_dark_pictures(show: Any) -> None:
    tab, colors = show(records()["classes"]), []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        colors.append(tab.evaluate("getComputedStyle(document.querySelector('svg text')).fill"))
    assert colors[0] != colors[1]


def test_classes_are_sorted_by_a_click_and_by_the_keyboard(show: Any) -> None:
    tab = show(records()["many"])

    def order() -> list[str]:
        return list(tab.locator("table.sortable tbody th").all_inner_texts())

    before = order()
    tab.get_by_role("button", name="F1").click()
    assert order() == before[::-1], "the best first: F1 rises with the number of the class"
    assert tab.locator("th[aria-sort=descending]").inner_text().startswith("F1")
    tab.keyboard.press("Enter")
    assert order() == before and tab.locator("th[aria-sort=ascending]").count() == 1
    tab.get_by_role("button", name="class").click()
    assert order() == sorted(before)
