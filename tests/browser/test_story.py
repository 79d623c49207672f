"""The film in a browser: it plays to its end, stands where it is put, and loads nothing, whatever the labels say."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browser_samples import FULL, LOOKS, faults
from samples import news_rows, write_csv

import trainwright as tw

QUICK = {"listen": lambda event: None}
HOSTILE = "</script><script>window.hurt=1</script><img src=x onerror='window.hurt=1'> \u202e\u05d0\u05d1 \U0001f600"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tw.Run]:
    """A run of each kind: classes with hostile names and many of them, numbers, running text."""
    folder = tmp_path_factory.mktemp("films")
    rows = [(f"{HOSTILE} {n % 12}", f"word{n % 12} {HOSTILE} {text}") for n, (_, text) in enumerate(news_rows(400))]
    (folder / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(60)))
    small = {
        "model": {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1},
        "context": 8,
        "tokenizer": "words",
        "clip": 0.01,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        runs = {
            "hostile": tw.train(write_csv(folder / "odd.csv", rows), out=folder / "hostile", epochs=3, **QUICK),
            "numbers": tw.train("diabetes", out=folder / "numbers", epochs=3, **QUICK),
            "text": tw.train(folder / "text.txt", out=folder / "text", epochs=2, **small, **QUICK),
        }
    for run in runs.values():
        tw.story(run)
    return runs


@pytest.fixture
def see(look: Any) -> Any:
    """Open the film of a run."""
    return lambda run, *how: look(run / "story.html", *how)


def answers(run: tw.Run, epoch: int) -> list[Any]:
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    return [event["answers"] for event in events if event["event"] == "answers" and event["epoch"] == epoch][-1]


def put(page: Any, place: float) -> None:
    page.evaluate(
        "place => { const bar = document.getElementById('scrub'); bar.value = place; bar.dispatchEvent(new Event('input')) }",
        place,
    )


def wait_for_the_end(page: Any) -> None:
    last = float(page.locator("#scrub").get_attribute("max"))
    page.wait_for_selector(f'#film[data-place="{last:.3f}"]')


@pytest.mark.parametrize("kind", ["hostile", "numbers", "text"])
def test_it_plays_to_its_end(kind: str, films: dict[str, tw.Run], see: Any) -> None:
    page = see(films[kind].path)
    assert page.locator("#begin").is_visible() and page.locator("#test").is_hidden()
    assert page.locator("#last-still").is_hidden()
    page.locator("#pace").select_option("4")
    page.locator("#begin").click()
    wait_for_the_end(page)
    assert page.locator("#poster").is_hidden() and page.locator("#play").get_attribute("aria-label") == "Play"
    assert page.locator("#test .score").is_visible() and page.locator("#last-still").is_visible()
    page.keyboard.press("Space")
    page.wait_for_selector("#play[aria-label=Pause]")
    assert float(page.locator("#film").get_attribute("data-place")) < 2  # it began anew
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Play"


@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_an_epoch_that_is_scrubbed_to_shows_its_answers(epoch: int, films: dict[str, tw.Run], see: Any) -> None:
    run = films["hostile"]
    page = see(run.path)
    put(page, epoch)
    watched = json.loads((run.path / "watched.json").read_text())
    right = [
        watched["labels"][said[0][0]] == row["truth"] for said, row in zip(answers(run, epoch), watched["rows"], strict=True)
    ]
    states = page.eval_on_selector_all(".card", "cards => cards.map(card => card.dataset.state)")
    assert states == ["yes" if each else "no" for each in right]
    assert page.locator("#count").inner_text() == f"{sum(right)} of {len(right)} right"
    shares = page.eval_on_selector_all(".bar.truth .share", "cells => cells.map(cell => cell.textContent)")
    for shown, said, row in zip(shares, answers(run, epoch), watched["rows"], strict=True):
        share = 100 * dict(said)[watched["labels"].index(row["truth"])]
        assert shown == "<1 %" if 0.05 <= share < 1 else abs(float(shown.split()[0]) - share) <= 0.56


def test_numbers_stand_at_their_answers(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["numbers"].path)
    for key, epoch in (("End", None), ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        if epoch is not None:
            labels = page.eval_on_selector_all(".dot", "dots => dots.map(dot => dot.getAttribute('aria-label'))")
            found = [float(label.rpartition(" ")[2]) for label in labels]
            assert found == [pytest.approx(said, rel=1e-3) for said in answers(films["numbers"], epoch)]


def test_between_two_epochs_bars_stand_between(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["hostile"].path)

    def widths() -> list[float]:
        found = page.eval_on_selector_all(".bar.truth .fill", "fills => fills.map(fill => fill.style.transform)")
        return [float(each.removeprefix("scaleX(").removesuffix(")")) for each in found]

    shown = []
    for place in (0, 0.4, 1):
        put(page, place)
        shown.append(widths())
    assert all(min(a, c) - 1e-4 <= b <= max(a, c) + 1e-4 for a, b, c in zip(*shown, strict=True))
    assert any(a + 0.01 < b < c - 0.01 for a, b, c in zip(*shown, strict=True))


def test_what_is_typed_is_what_was_written(films: dict[str, tw.Run], see: Any) -> None:
    run = films["text"]
    page = see(run.path)
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    texts = [event["text"] for event in events if event["event"] == "answers"]
    for epoch, text in enumerate(texts):
        put(page, epoch)
        assert page.locator(".typed").text_content().split() == text.split()
    assert page.locator(".earlier li").count() == 2


def test_tokens_turn_right_and_their_bars_move(films: dict[str, tw.Run], see: Any) -> None:
    run = films["text"]
    page = see(run.path)
    tokens = [token for each in json.loads((run.path / "watched.json").read_text())["passages"] for token in each["tokens"]]
    for epoch in (0, 2):
        put(page, epoch)
        said = [answer for each in answers(run, epoch) for answer in each]
        shown = page.eval_on_selector_all(
            ".token", "all => all.map(each => [each.children[0].textContent, each.dataset.state, each.children[2].textContent,"
            " each.querySelector('.fill').style.transform])"
        )  # fmt: skip
        assert [word for word, *_ in shown] == tokens
        for (_, state, below, bar), (right, share, guess) in zip(shown, said, strict=True):
            assert state == ("yes" if right else "no") and below == ("\u2713" if right else guess)
            assert abs(float(bar.removeprefix("scaleX(").removesuffix(")")) - share) <= 6e-4
        assert page.locator("#count").inner_text() == f"{sum(each[0] for each in said)} of {len(tokens)} next tokens right"


def test_the_poster_and_the_test_hide_what_lies_beneath(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["hostile"].path)
    for key, curtain in ((None, "#poster"), ("End", "#test")):
        if key:
            page.keyboard.press(key)
        assert page.eval_on_selector(curtain, "each => getComputedStyle(each).backgroundColor").startswith("rgb(")  # opaque
    page = see(films["hostile"].path)
    widths = page.eval_on_selector_all(".chart clipPath rect", "all => all.map(each => +each.getAttribute('width'))")
    assert widths and min(widths) > 300  # the curves are there before it plays
    page.keyboard.press("Home")
    assert page.eval_on_selector(".chart clipPath rect", "each => each.getAttribute('width')") == "0"


def test_on_a_telephone_the_first_row_comes_before_the_words(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["numbers"].path, 390)
    page.keyboard.press("Home")
    assert page.locator("#stage").bounding_box()["y"] < page.locator("#caption").bounding_box()["y"]
    assert page.locator("#stage").bounding_box()["y"] < 400


def test_between_two_epochs_the_rate_is_that_of_the_step(films: dict[str, tw.Run], see: Any) -> None:
    run = films["hostile"]
    page = see(run.path)
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    steps = [(event["step"], event["lr"]) for event in events if event["event"] == "step"]
    ends = [event["step"] for event in events if event["event"] == "epoch"]
    put(page, 1.43)  # half of the way, as a moment's last seventh stands still
    at = (ends[0] + ends[1]) / 2
    wanted = [rate for step, rate in steps if step <= at][-1]
    assert float(page.locator(".latest .lr").inner_text()) == pytest.approx(wanted, rel=0.02)


def test_hostile_labels_do_nothing(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["hostile"].path)
    page.keyboard.press("End")
    page.locator(".strip a").first.click()
    page.locator(".card").first.click()
    assert page.locator("dialog").is_visible() and page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    page.keyboard.press("Escape")
    assert page.locator("dialog").is_hidden()


def test_where_motion_is_unwelcome_stills_follow_each_other(films: dict[str, tw.Run], see: Any) -> None:
    page = see(films["hostile"].path, 1280, "light", "reduce")
    page.locator("#pace").select_option("4")
    page.evaluate(
        "() => { window.seen = new Set(); const bar = document.querySelector('.bar.truth .fill');"
        "new MutationObserver(() => seen.add(bar.style.transform)).observe(bar, { attributes: true }) }"
    )
    page.locator("#begin").click()
    wait_for_the_end(page)
    assert page.evaluate("seen.size") <= 4  # one for each epoch


ALIKE = [("numbers", *LOOKS[1]), ("text", *LOOKS[0])]  # of one style with the hostile one
ALL = [(kind, *look) for kind in ("hostile", "numbers", "text") for look in LOOKS]


@pytest.mark.parametrize(("kind", "width", "scheme"), ALL if FULL else ALL[:2] + ALIKE)
def test_it_fits_and_has_no_serious_fault_for_those_who_cannot_see(
    kind: str, width: int, scheme: str, films: dict[str, tw.Run], see: Any
) -> None:
    page = see(films[kind].path, width, scheme, "reduce")  # nothing that fades in is half there
    for key in (None, "ArrowRight", "End"):
        if key:
            page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert faults(page) == []


def test_on_paper_and_without_scripts_the_stills_tell_it(films: dict[str, tw.Run], see: Any, browser: Any) -> None:
    page = see(films["hostile"].path)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#film").is_hidden() and page.locator(".strip .still").count() == 5
    assert page.locator("#last-still").is_visible()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((films["hostile"].path / "story.html").as_uri())
    assert page.locator(".strip .still").count() == 5 and page.locator("#last-still").is_visible()
    assert page.locator("#begin").is_hidden() and "browser that runs scripts" in page.locator("noscript").inner_text()
    assert re.search(r"\d\d\.\d\d %", page.locator("#last-still").inner_text())
    page.context.close()


def test_rows_without_inputs_are_told_too(films: dict[str, tw.Run], see: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(films["hostile"].path, run)
    watched = json.loads((run / "watched.json").read_text())
    for row in watched["rows"]:
        row["input"] = None
    (run / "watched.json").write_text(json.dumps(watched))
    tw.story(run)
    page = see(run)
    page.keyboard.press("ArrowRight")
    assert page.locator(".card .input").first.inner_text() == f"odd.csv, row {watched['rows'][0]['row']}"
