"""The page of an explanation in a browser: nothing is requested, nothing complains, nothing sticks out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browser_samples import LOOKS, cut_tables, faults

import trainwright as tw
from trainwright.watch.explained import explained_page

EVIL = "<script>document.title = 'run'</script> moon <img src=x onerror=\"document.title = 'run'\"> rocket " + "x" * 300


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_page(look, trained: tw.Run, tmp_path: Path, scheme: str, width: int) -> None:
    path = tmp_path / "why.html"
    path.write_text(explained_page.render(tw.explain(trained, EVIL, "money"), EVIL), encoding="utf-8")
    page = look(path, width, scheme)
    assert page.title().startswith("space: <script>")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".text").inner_text().startswith("<script>document.title")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark is (scheme == "dark")
    bars = page.locator("svg rect").evaluate_all("all => all.map(each => each.getBoundingClientRect().width)")
    assert max(bars) > 40
    assert page.locator("img:not([alt])").count() == 0 and page.locator("h1").count() == 1
    assert faults(page) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_many_classes_with_long_names_are_not_cut(look, trained: tw.Run, tmp_path: Path, width: int) -> None:
    found = tw.explain(trained, "the moon " * 200)
    names = [found.truth, *(f"the_{n}th_class_has_a_name_that_does_not_end" for n in range(76))]
    many = replace(found, classes=[replace(found.classes[0], label=name) for name in names])
    path = tmp_path / "why.html"
    path.write_text(explained_page.render(many, "the moon"), encoding="utf-8")
    page = look(path, width)
    for summary in page.locator("summary").all():
        summary.click()
    assert cut_tables(page) == [] and faults(page) == []
    rows = page.locator("section", has_text="From logits").locator("tbody tr")
    head = page.locator("section", has_text="From logits").locator("thead th").all_inner_texts()
    order = ["class", "logit", "sigmoid", "loss term", "probability", "\u2212ln p"]
    assert head == order, "as in the terminal"
    for column, name in enumerate(order[1:]):
        shown = rows.first.locator("td").nth(column).evaluate("td => getComputedStyle(td, '::before').content")
        assert shown == (f'"{name}"' if width == 390 else "none")
