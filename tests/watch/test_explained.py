"""An explanation as lines, page and figure: what it says, and that nothing in the data commands the terminal or the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.watch.explained import explained_figure, explained_page, explained_text
from trainwright.watch.explained.explanation import After, ClassScore, Explanation, Move, Piece, Step, Sum, Token, Unit
from trainwright.watch.figures import figures

EVIL = "<img src=x onerror=alert(1)> \"quoted\" 'single' & \x1b[31mred\x07 \u202eturned $x^2$ \U0001f600"
EXPECTED_TAGS = {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "p", "small", "bdi"}
EXPECTED_TAGS |= {
    "div",
    "span",
    "sup",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "svg",
    "rect",
    "line",
    "details",
    "summary",
}
EXPECTED_TAGS |= {"figure", "figcaption", "img"}


def plain(found: Explanation) -> str:
    return "\n".join("".join(part for part, _ in line) for line in explained_text.lines(found, 100))


class Tags(HTMLParser):
    """Every tag, and every attribute's name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attributes}
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def made(**changes: object) -> Explanation:
    """An explanation in which every word is somebody's data, and hostile."""
    classes = [ClassScore(EVIL + str(n), 1.0 - n, 0.5**n, 0.6 / (n + 1), 0.5 * n) for n in range(14)]
    whole = Explanation(
        task="text", model=EVIL, answer=EVIL + "0", truth=EVIL + "13", given=True, against=EVIL + "13", facts=[(EVIL, EVIL)],
        dimensions=[EVIL, EVIL], units=[Unit(EVIL, "", n, 0.5, [1.0, 2.0], [0.1, 0.2]) for n in range(15)], method=EVIL,
        pieces=[Piece(EVIL, 1.0, [1.0, 0.0]), Piece("\n", 0.0, [0.0, 0.0]), Piece(EVIL * 90, -1.0, [0.0, 1.0])],
        sums=[Sum(EVIL, 0.1, 1.0, 0.0, 1.1), Sum(EVIL, 0.1, 1.0, 0.0, 1.1)], mapping="softmax", classes=classes,
        loss_name="CrossEntropyLoss", loss=1.0, before=0.5,
        step=Step(1.0, [(EVIL, 1.0)], [Move(EVIL, EVIL, 1.0, -1.0)], [After(EVIL, 0.1, 0.9, 0.6)]),
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


HOSTILE = {
    "text": made(),
    "number": made(answer=3.0, truth=4.0, against="", target=EVIL, classes=[], pieces=[], sums=[Sum(EVIL, 1.0, 2.0, 0.0, 3.0)],
                   units=[Unit(EVIL, EVIL, vector=[1.0], parts=[0.5])]),
    "language": made(task="language", pieces=[], units=[], sums=[], method="", step=None,
                     tokens=[Token(EVIL, 7.0, EVIL), Token("\n", 0.5, " ")]),
    "nothing": made(pieces=[], units=[], sums=[], facts=[], method="", classes=made().classes[:1], truth=EVIL + "0", step=None),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_the_data_is_a_command(name: str) -> None:
    found = HOSTILE[name]
    shown = plain(found)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)
    page = explained_page.render(found, EVIL)
    tags = Tags(page)
    assert tags.tags <= EXPECTED_TAGS and not tags.open
    assert not any(each.startswith("on") for each in tags.names) and "href" not in tags.names
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", page)
    assert figures.png(explained_figure.figure(found)).startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["", "zzz qqq", EVIL, "<b>moon</b>\n" * 500, "\u4e2d\u6587 \u0130 moon"])
def test_hostile_texts(trained: tw.Run, text: str) -> None:
    found = tw.explain(trained, text)
    assert json.dumps(found.to_json(), allow_nan=False)
    assert "".join(piece.text for piece in found.pieces) == text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", plain(found))
    page = explained_page.render(found, text)
    assert Tags(page).tags <= EXPECTED_TAGS and len(page) < 400_000
    assert figures.png(explained_figure.figure(found)).startswith(b"\x89PNG")


def test_the_lines_say_how_it_came_about(trained: tw.Run) -> None:
    found = tw.explain(trained, "moon rocket nosuch", "money")
    shown = plain(found)
    assert f"space   {100 * found.classes[0].probability:.2f} %" in shown and "the truth is money" in shown
    assert re.search(r"moon\+\+*", shown) and "unknown" in shown and "nosuch" in shown
    assert "no softmax" in shown and "money \u2605" in shown
    first, second = found.sums[:2]
    assert f"= {explained_text.signed(first.total - second.total)}, the logit of space less that of money" in shown
    assert "no truth is given, so the loss takes the answer for it" in plain(tw.explain(trained, "moon"))
    assert "embedding.weight" in shown and "plain gradient descent" in shown
    drawn = [text.get_text() for text in explained_figure.figure(found).texts]
    for fact in ("What it takes in", r"moon\s+\d+", "From logits to probabilities", "logit", "The update", "classifier.bias"):
        assert any(re.search(fact, line) for line in drawn), fact


@pytest.mark.parametrize(("text", "said"), [("zzz qqq", "no word of the text is known"), ("", "nothing was read")])
def test_an_input_of_which_nothing_is_known_is_said_to_be_one(trained: tw.Run, text: str, said: str) -> None:
    found = tw.explain(trained, text)
    drawn = [each.get_text() for each in explained_figure.figure(found).texts]
    assert said in plain(found) and said in explained_page.render(found, text) and any(said in each for each in drawn)
    assert said not in plain(tw.explain(trained, "moon zzz"))


def test_digits_tell_numbers_apart() -> None:
    assert explained_text.digits(0.98231, 0.98234) == ["0.98231", "0.98234"]
    assert explained_text.digits(0.5, 0.75) == ["0.5000", "0.7500"]
    assert explained_text.digits(0.5, 0.5) == ["0.50000000", "0.50000000"]


def test_the_command(
    trained: tw.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from calls import talk

    def say(*said: object) -> tuple[str, str, int]:
        return talk(capsys, monkeypatch, "explain", trained.path, *said)

    out, _, code = say("moon rocket", "--truth", "money")
    assert code == 0 and out.startswith("space ") and "\x1b" not in out
    out, _, code = say("moon rocket", "--json")
    assert code == 0 and json.loads(out)["answer"] == "space" and json.loads(out)["input"] == "moon rocket"
    png, html = tmp_path / "a.png", tmp_path / "a.html"
    out, err, code = say("moon rocket", "--png", png, "--html", html)
    assert code == 0 and out.startswith("space ") and out.count("\n") == 2 and err.split() == [str(png), str(html)]
    assert png.read_bytes().startswith(b"\x89PNG") and html.read_text().startswith("<!DOCTYPE html>")
    first = png.read_bytes()
    say("moon rocket", "--png", png)
    assert png.read_bytes() == first  # the same pixels
    _, err, code = say("moon", "--truth", "nosuch")
    assert code == 2 and err.startswith("E337") and "space" in err
    _, err, code = say("moon", "--png", tmp_path / "nosuch" / "a.png")
    assert code == 2 and err.startswith("E402")
    _, err, code = say("nosuch.csv")
    assert code == 2 and err.startswith("E318")


def test_a_file_in_the_run_comes_under_its_seal(tmp_path: Path) -> None:
    from calls import call

    source = write_csv(tmp_path / "news.csv", news_rows(120))
    run = tw.train(source, out=tmp_path / "run", epochs=1, listen=lambda event: None)
    call("explain", "run", "moon", "--html", "run/why.html", cwd=tmp_path)
    assert not tw.verify(run).wrong
    (run.path / "why.html").write_text("changed")
    assert any("why.html" in wrong for wrong in tw.verify(run).wrong)
