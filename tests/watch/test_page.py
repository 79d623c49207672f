"""The page: self-contained, well-formed, and deaf to what labels and names want to say to a browser."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from watch_samples import ODD_LABELS, make_history, make_language, make_regression, make_report, with_metrics

from trainwright.watch import page

VOID = {"meta", "img"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Checks that every element is closed in order, and keeps what the page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def rendered(report: dict[str, Any], **more: Any) -> str:
    history, plots = more.get("history", make_history()), more.get("plots", {"curves": b"PNG1", "confusion": b"PNG2"})
    return page.render(report, history, plots, more.get("command", "trainwright predict runs/a 'a new text'"))


def test_page_tells_score_interval_baseline_and_command() -> None:
    reader = read(rendered(make_report()))
    assert re.search(r"\d\d\.\d\d %\s+test accuracy, 95 % interval \d\d\.\d\d to \d\d\.\d\d %, n = \d", reader.text)
    assert "25.00 % (majority class, class 0; 95 % interval 24.00 to 26.00 %)" in reader.text
    assert "trainwright predict runs/a 'a new text'" in reader.text
    for fact in ("120,000", "rejected", "1,234,567", "123,457 rows/s", "precision", "taken for"):
        assert fact in reader.text
    sources = [value for name, value in reader.attributes if name == "src"]
    assert sources == ["data:image/png;base64," + base64.b64encode(png).decode() for png in (b"PNG1", b"PNG2")]


def test_page_loads_nothing_and_runs_nothing() -> None:
    html = rendered(make_report())
    reader = read(html)
    assert not reader.tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("href", "style")]
    assert "http" not in html and "@import" not in html and "url(" not in html
    assert "prefers-color-scheme: dark" in html


def test_everything_foreign_is_escaped() -> None:
    plain = read(rendered(make_report(3)))
    report = make_report(3, [HOSTILE, *ODD_LABELS[1:3]])
    report["baseline"].update(name=HOSTILE, label=HOSTILE)
    report.update(task=HOSTILE, model=HOSTILE, source=HOSTILE, settings={HOSTILE: {"a": HOSTILE}})
    report["settings"]["b"] = "\x1b[31m\x07"
    report["rows"][HOSTILE] = report["seconds"][HOSTILE] = 1
    html = rendered(report, command=HOSTILE)
    hostile = read(html)
    assert hostile.tags == plain.tags, "no element comes from the data"
    assert {name for name, _ in hostile.attributes} == {name for name, _ in plain.attributes}
    assert HOSTILE in hostile.text, "it is shown as text"
    assert "\x1b" not in html and "\x07" not in html


def test_settings_are_shown_as_they_are_typed() -> None:
    reader = read(rendered({**make_report(), "settings": {"epochs": 5, "optimizer": {"name": "SGD", "lr": 0.1}}}))
    assert re.search(r"epochs\s*5\s*optimizer\.name\s*SGD\s*optimizer\.lr\s*0\.1", reader.text)


@pytest.mark.parametrize("classes", [2, 40])
def test_every_class_is_listed(classes: int) -> None:
    text = read(rendered(make_report(classes))).text
    assert len(re.findall(r"90\.00 %80\.00 %", text)) == classes


def test_page_without_test_history_or_scores() -> None:
    report = make_report()
    report["test"] = None
    text = read(rendered(report, history=[], plots={})).text
    assert "90.00 %" in text and "validation accuracy" in text and "There were no test rows" in text
    report["valid"] = report["baseline"] = None
    assert "there is no score" in read(rendered(report, history=[], plots={})).text
    report["test"] = {"loss": 1.25, "accuracy": None, "n": 10, "interval": None}
    text = read(rendered(report, history=make_history(accuracy=False))).text
    assert "1.2500" in text and "test loss, n = 10" in text and "accuracy" not in text


def test_page_of_a_regression() -> None:
    history = with_metrics(make_history(accuracy=False), valid_rmse=[60.0, 53.1, None])
    reader = read(rendered(make_regression(), plots={"curves": b"PNG1", "predicted": b"PNG3"}, history=history))
    assert re.search(r"53\.10\s+test RMSE, 95 % interval 49\.0 to 57\.2, n = 400", reader.text)
    for fact in ("predictsprice", "verdictRMSE 53.10 is 31 % below", "to beat77.00 (mean of the training targets, 152.1; 95 %",
                 "test MAE41.20", "test R20.5213 (1 is perfect", "validation RMSE53.10"):  # fmt: skip
        assert fact in reader.text
    assert ("alt", "Predicted against actual values") in reader.attributes and "accuracy" not in reader.text
    assert re.search(r"valid RMSE\s*10\.50001\.000060\.00|valid RMSE\s*11\.00001\.100060\.00", reader.text)


def test_page_of_a_language_model() -> None:
    report = make_language(["one\n  <two>\x1b[31m\nthree", *["more"] * 10, "x" * 5000])
    html = rendered(
        report, plots={}, history=with_metrics(make_history(), train_perplexity=[9.0] * 3, valid_perplexity=[8.0] * 3)
    )
    reader = read(html)
    assert re.search(r"112\.4\s+test perplexity, 95 % interval 110\.2 to 115\.0, n = 82,430 tokens", reader.text)
    for fact in ("to beat192.3 (bigram, loss 5.2590)", "baseline699.2 (unigram, loss 6.5500)", "train perplexity",
                 "perplexity 112.4 against 192.3 of the bigram baseline", "test bits/character1.432", "123,457 tokens/s",
                 "Data, in tokens"):  # fmt: skip
        assert fact in reader.text
    assert '<pre class="sample" dir="auto">one\n  &lt;two&gt;\ufffd[31m\nthree</pre>' in html, "lines stay lines"
    assert html.count('class="sample"') == 5 and "x" * 100 not in html
    assert "x" * 2000 + "\u2026" in rendered({**report, "samples": ["x" * 5000]})
    plain = read(rendered(report))
    report.update(unit=HOSTILE, samples=[HOSTILE] * 5, baselines=[{"name": HOSTILE, "loss": 1.0, "perplexity": 2.0}])
    hostile = read(rendered(report, history=with_metrics(make_history(), **{f"valid_{HOSTILE}": [1.0, 2.0, 3.0]})))
    assert hostile.tags == plain.tags and HOSTILE in hostile.text
    assert {name for name, _ in hostile.attributes} == {name for name, _ in plain.attributes}


@pytest.mark.parametrize("make", [make_report, make_regression, make_language])
def test_pages_of_older_and_broken_reports(make: Any) -> None:
    report = make()
    for name in ("unit", "baselines", "samples", "seconds", "rows", "rows_per_second", "valid", "test", "baseline"):
        read(rendered({key: value for key, value in report.items() if key != name}))
        read(rendered({**report, name: None}))
    for name in ("rmse", "perplexity", "accuracy", "loss"):
        report["test"][name] = float("nan")
    assert "nan" in read(rendered(report)).text
