"""The page: self-contained, well-formed, deaf to what labels and names want to say to a browser, true to the report."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from watch_samples import ODD_LABELS, make_history, make_language, make_record, make_regression, make_report, with_metrics

from trainwright.watch import record, summary
from trainwright.watch.report import page, page_style, panels

VOID = {"meta", "img"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="


class Reader(HTMLParser):
    """Checks that every element is closed in order, and keeps what the page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.shown = ""  # what is read, without axes, style and script

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append("tick" if ("class", "tick") in attrs else tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() in (tag, "tick")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data
            self.shown += "" if "tick" in self.open else data + " "


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def rendered(report: dict[str, Any], history: list[dict[str, Any]] | None = None, **more: Any) -> str:
    commands = [("Use it", more.pop("command", "trainwright predict runs/a 'a new text'"))]
    return page.render(make_record(report, history, **more), commands)


def example(group: str, given: Any, **more: Any) -> dict[str, Any]:
    known = {"split": "test", "group": group, "file": "a/b.csv", "row": 7, "truth": "class 0", "answer": "class 1"}
    return {**known, "probability": 0.875, "loss": 1.0, "input": given, **more}


def test_page_tells_score_interval_baseline_and_command() -> None:
    reader = read(rendered(make_report()))
    assert re.search(r"It is right on \d\d\.\d\d % of \d+ rows that it had never seen \(95 % interval", reader.text)
    assert re.search(r"\): \d\d\.\d\d points above the baseline\.", reader.text)
    assert re.search(r"baseline\s*25\.00 %\s*95 % interval 24\.00 to 26\.00 %\s*majority class, class 0", reader.text)
    assert "trainwright predict runs/a 'a new text'" in reader.text
    for fact in ("120,000", "rejected", "1,234,567", "123,457 rows/s", "precision", "taken for", "test accuracy"):
        assert fact in reader.text


def test_rows_that_are_in_the_training_rows_too_are_not_said_to_be_new() -> None:
    leaks = {"across": {"train-test": 1, "train-valid": 7}, "near": {"rows": 40, "across": {"train-test": 30, "valid-test": 2}}}
    text = read(rendered(make_report(), data={"audit": leaks})).text
    assert re.search(r"of \d+ rows, 31 of which are among the training rows, or nearly \(95 % interval", text)
    assert "never seen" not in text


def test_page_loads_nothing_and_runs_its_own_script_alone() -> None:
    html = rendered(make_report())
    reader = read(html)
    assert not reader.tags & {"link", "iframe", "object", "embed", "form", "base"}
    assert html.count("<script>") == 1 and f"<script>{page_style.SCRIPT}</script>" in html
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("href", "style", "src")]
    assert "http:" not in html and "https:" not in html and "@import" not in html and "url(" not in html
    assert "default-src 'none'" in html and "unsafe" not in html
    assert "prefers-color-scheme:dark" in html


def everything(name: str) -> str:
    """A page with ``name`` wherever a text of somebody can stand."""
    report = make_report(3, [name, *ODD_LABELS[1:3]])
    report["baseline"].update(name=name, label=name)
    report.update(task=name, model=name, source=name, settings={name: {"a": name}, "b": "\x1b[31m\x07", "c": name})
    report["rows"][name] = report["seconds"][name] = 1
    report["machine"] = {name: name}
    report["test"]["target"] = name
    groups = [
        example("wrong", name, file=name, answer=name, why=[[name, 1.0], [name, -0.5]]),
        example("unsure", {name: name, "n": 1.5, "none": None}, truth=name, why=[[name, 2.0]]),
        example("right", PICTURE, why=PICTURE, answer=name, truth=name),
        example("wrong", f"data:image/png;base64,{name}"),
        example("wrong", PICTURE + name, why=PICTURE + name),
        {"split": name, "group": "passage", "tokens": [name, name], "losses": [0.0, 9.0], "between": name},
        {"group": "positions", "tokens": 3, "losses": [1.0, 2.0], "loss": 1.5},
    ]
    data = {"rejected": 1, "rejected_rows": [{"file": name, "row": 1, "reason": name}], "classes": {name: {name: 1}},
            "columns": {"label": name, "text": [name], "features": [{"name": name, "kind": name}]},
            "audit": {"duplicate_rows": 1, "across": {name: 1}}, "unknown": {name: 1}, "repeated_lines": {name: 1}}  # fmt: skip
    notes, refused = [("c", name, name), (name, name, name)], [{"step": 3, "quantity": name}]
    history = with_metrics(make_history(), **{f"valid_{name}": [1.0, 2.0, 3.0]})
    more = {"examples": groups, "data": data, "notes": notes, "refused": refused, "texts": {0: name, 1: name}}
    return rendered({**report, "samples": [name]}, history, command=name, **more)


def test_everything_foreign_is_escaped() -> None:
    plain, html = read(everything("name")), everything(HOSTILE)
    hostile = read(html)
    assert hostile.tags == plain.tags, "no element comes from the data"
    assert {name for name, _ in hostile.attributes} == {name for name, _ in plain.attributes}
    kinds = [
        {part for name, value in each.attributes if name == "class" for part in value.split()} for each in (plain, hostile)
    ]
    assert kinds[0] == kinds[1]
    assert [value for name, value in hostile.attributes if name == "src"] == [PICTURE] * 3
    assert hostile.text.count(HOSTILE) > 30, "it is shown as text"
    assert "\x1b" not in html and "\x07" not in html


@pytest.mark.parametrize("name", ODD_LABELS)
def test_odd_names_are_shown(name: str) -> None:
    assert "\x1b" not in everything(name) and read(everything(name)).text


def test_settings_are_shown_as_they_are_typed_with_their_reasons() -> None:
    report = {**make_report(), "settings": {"epochs": 5, "optimizer": {"name": "SGD", "lr": 0.1}, "seed": 0}}
    report["settings"] |= {"schedule": [{"name": "StepLR"}], "lowercase": True, "text": []}
    reader = read(rendered(report, notes=[("epochs", "5", "few rows"), ("leak", "3", "rows of test")]))
    assert re.search(r"epochs\s*5\s*few rows", reader.text) and re.search(r"leak\s*3\s*rows of test", reader.text)
    assert re.search(r"schedule\.0\.name\s*StepLR\s*lowercase\s*true\s*text\s*\[\]", reader.text)
    assert re.search(r"optimizer\.name\s*SGD\s*optimizer\.lr\s*0\.1", reader.text)


@pytest.mark.parametrize("classes", [2, 40, 300])
def test_every_class_is_listed(classes: int) -> None:
    html = rendered(make_report(classes))
    assert len(re.findall(r"90\.00 %\s*80\.00 %", read(html).text)) == classes
    assert len(html) < 2e6


@pytest.mark.parametrize("classes", [3, 20, 50, 61, 300])
def test_the_matrix_has_every_count_at_its_place(classes: int) -> None:
    report = make_report(classes)
    report["test"]["confusion"][1][2] = 47
    html = rendered(report)
    if classes <= 60:
        for i, j in ((0, 0), (1, 2), (2, 1), (classes - 1, 1)):
            count, total = report["test"]["confusion"][i][j], sum(report["test"]["confusion"][i])
            if count:
                assert (
                    f"<title>class {i} taken for class {j}: {count} of {total:,}, {100 * count / total:.2f} %</title>" in html
                )
    assert ("The classes that are confused most" in html) == (classes > 60) and html.count('aria-label="Confusion matrix') >= 2


def test_the_rows_of_many_classes_have_names() -> None:
    report = make_report(77)
    report["test"]["confusion"][5][9] = 400
    html = rendered(report)
    total = sum(report["test"]["confusion"][5])
    assert f"<title>class 5: {total:,} rows, 400 taken for class 9</title>" in html
    assert html.count('class="over"') == 77
    for axis in ("answer", "right label, by its place in this order", "20", "60"):
        assert f'class="label">{axis}</text>' in re.sub(r"<text [^>]*class", "<text class", html), axis


def test_an_interval_is_spoken_of_where_there_is_one() -> None:
    assert "with its 95 % interval" in rendered(make_language())
    bare = make_language()
    bare["test"] = {name: value for name, value in bare["test"].items() if "interval" not in name}
    assert "with its 95 % interval" not in rendered(bare) and "against the baseline" in rendered(bare)


def test_the_rate_has_two_ticks_and_epochs_below() -> None:
    steps = [(k, 1.0, 0.03 - 0.0001 * k) for k in range(1, 300, 5)]
    picture = rendered(make_report(), steps=steps).partition("<b>Learning rate</b>")[2].partition("</figure>")[0]
    ticks = re.findall(r'class="tick">([^<]+)<', picture)
    assert "epoch" in ticks and {"1", "2", "3"} <= set(ticks) and len([each for each in ticks if "0" in each]) >= 2


def test_a_thousand_classes_stay_small_and_are_drawn_in_blocks() -> None:
    report = make_report(1000)
    matrix = [[9 if i == j else int((i * 7 + j) % 97 == 0) for j in range(1000)] for i in range(1000)]
    report["test"]["confusion"] = matrix
    html = rendered(report)
    assert len(html.encode()) < 2_000_000 and "of them a row" in html


def test_numbers_on_the_page_are_those_of_the_run() -> None:
    """Whatever number can be read, but on an axis, is one of the report or the history, or follows from them."""
    report, history = make_report(12), make_history(9)
    report["settings"] = {"loss": {"name": "CrossEntropyLoss"}, "lr": 0.125}
    examples = [example("wrong", "a text"), example("right", "another", row=12, answer="class 0", probability=0.6)]
    shown = read(rendered(report, history, examples=examples)).shown
    matrix, test = report["test"]["confusion"], report["test"]
    known: set[str] = {"95", "0", "1", "12", "7"}  # of the interval, of labels, and the rows of the examples
    for value in numbers([report, history, examples]) + [
        math.log(12),
        1 / 12,
        test["accuracy"] - report["baseline"]["accuracy"],
    ]:
        known |= written(value)
    for row in matrix:
        known |= {
            form for count in row for form in (*written(count / sum(row)), f"{100 * count / sum(row):.1f}", str(sum(row)))
        }
        known |= {f"{sum(row):,}"}
    known |= {str(k) for k in range(12)}  # labels
    known |= {"1"}  # the minutes of 75 seconds
    found = set(re.findall(r"(?<![\w.:])\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])", shown))
    assert len(found) > 60 and found - known == set()


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [each for inner in value.values() for each in numbers(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in numbers(inner)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def written(value: float) -> set[str]:
    """The ways in which a page may write a number: whole, as a share, to four digits or decimals."""
    forms = {f"{value:,.{digits}f}" for digits in range(5)} | {
        f"{100 * value:.2f}",
        f"{value:.4g}",
        f"{value:#.4g}",
        str(value),
    }
    return forms | {f"{value:g}"}


def test_page_without_test_history_or_scores() -> None:
    report = make_report()
    report["test"] = None
    text = read(rendered(report, [])).text
    assert "90.00 % of 2,000 rows by which it was chosen" in text and "There were no test rows" in text
    report["valid"] = report["baseline"] = None
    assert "there is no score" in read(rendered(report, [])).text
    report["test"] = {"loss": 1.25, "accuracy": None, "n": 10, "interval": None}
    text = read(rendered(report, make_history(accuracy=False))).text
    assert "Its loss on 10 rows that it had never seen is 1.2500" in text and "accuracy" not in text


def test_page_of_a_regression() -> None:
    history = with_metrics(make_history(accuracy=False), valid_rmse=[60.0, 53.1, None])
    reader = read(rendered(make_regression(), history))
    assert "Its RMSE on 400 rows that it had never seen is 53.10 (95 % interval 49.0 to 57.2): 31 % below" in reader.text
    for fact in (r"table regression: price", r"baseline\s*77.00\s*95 % interval 70 to 84\s*mean of the training targets, 152.1",
                 r"test MAE\s*41.20", r"test R2\s*0.5213", r"1 is perfect", r"validation RMSE\s*53.10"):  # fmt: skip
        assert re.search(fact, reader.text), fact
    assert "accuracy" not in reader.text
    labels = [value for name, value in reader.attributes if name == "aria-label"]
    assert "Predicted against actual price of 400 rows" in labels
    assert re.search(r"valid RMSE\s*1\s*0\.5000\s*|valid RMSE", reader.text)


@pytest.mark.parametrize(("n", "drawn"), [(400, "dots"), (401, "density")])
def test_many_points_of_a_regression_are_drawn_as_density(n: int, drawn: str) -> None:
    html = rendered(make_regression(n))
    assert (html.count('class="point"') >= 2 * n) == (drawn == "dots") and ('class="bin b8"' in html) == (drawn == "density")
    if drawn == "density":
        field = html[html.index("<b>Predicted against actual</b>") : html.index("<b>What is left over</b>")]
        assert sum(int(count) for count in re.findall(r"<title>(\d+) rows</title>", field)) == n, "every row is in one of them"


@pytest.mark.parametrize(
    "points",
    [[[3.0, 4.0]], [[5.0, 5.0]] * 30, [[0.0, 0.0]], [[1e9, 1e9 + 1], [1e9 + 2, 1e9]], [[1e-6, 2e-6], [3e-6, 1e-6]],
     [[k, 0.1] for k in range(9)], [[2.0, k] for k in range(900)], [[-1e190, 1e190], [1e190, -1e190]],
     [[1.0, math.nan], [None, 2.0], [1.0, 1e308], [1.0, 2.0]], []],
    ids=["one", "equal", "zero", "huge", "tiny", "constant", "same target", "vast", "not finite", "none"],
)  # fmt: skip
def test_odd_points_are_drawn(points: list[Any]) -> None:
    report = make_regression(3)
    report["test"].update(points=points, n=len(points))
    html = rendered(report)
    assert ("Predicted against actual" in html) == bool(points) and ">nan<" not in html and "inf" not in html.split("<main>")[1]


def test_page_of_a_language_model() -> None:
    report = make_language(["one\n  <two>\x1b[31m\nthree", *["more"] * 10, "x" * 5000])
    passage = {"split": "test", "group": "passage", "tokens": ["\u4f53", "b"], "losses": [0.2, 9.0], "between": " "}
    where = {"group": "positions", "tokens": 100, "losses": [4.0, 5.0, math.nan, 4.5], "loss": 4.5}
    history = with_metrics(make_history(), train_perplexity=[9.0] * 3, valid_perplexity=[8.0] * 3)
    html = rendered(report, history, examples=[passage, where], texts={0: "first", 2: "second"})
    reader = read(html)
    assert (
        "Its perplexity on 82,430 tokens that it had never seen is 112.4 (95 % interval 110.2 to 115.0), against 192.3"
        in reader.text
    )
    for fact in (r"baseline\s*192\.3\s*bigram, loss 5\.2590", r"baseline\s*699\.2\s*unigram, loss 6\.5500", "train perplexity",
                 r"test bits/character\s*1\.432", "123,457 tokens/s", "82,430 tokens", "before the first step",
                 r"epoch 2\s*second", r"every 100 tokens"):  # fmt: skip
        assert re.search(fact, reader.text), fact
    assert '<p class="input passage" dir="auto">\u4f53 <span class="s5">b</span></p>' in html
    assert '<pre dir="auto">one\n  &lt;two&gt;\ufffd[31m\nthree</pre>' in html, "lines stay lines"
    assert html.count('<pre dir="auto">') == 7 and "x" * 100 not in html
    assert "x" * 2000 + "\u2026" in rendered({**report, "samples": ["x" * 5000]})


def test_answers_have_a_sign_their_input_and_its_weights() -> None:
    text = "It was a good film. " * 60
    groups = [
        example("wrong", "good film", why=[["good", 2.0], [" ", 0.0], ["film", -1.0]]),
        example("unsure", {"a": 1.0, "b": None, "c": "x"}, answer="class 0", why=[["c", -3.0], ["a", 1.0]]),
        example("right", None, answer="class 0"),
        example("unsure", text),
        example("right", PICTURE, answer="class 0", why=PICTURE),
    ]
    html = rendered(make_report(), examples=groups)
    reader = read(html)
    assert reader.text.count("\u2717 wrong") == 2 and reader.text.count("\u2713 right") == 3, "signs, not colour alone"
    assert '<span class="for f4">good</span> <span class="against a2">film</span>' in html
    assert (
        re.search(r"class 1\s*but it is\s*class 0", reader.text) and "87.50 %" in reader.text and "b.csv, row 7" in reader.text
    )
    assert re.search(r"c\s*x\s*a\s*1\s*b\s*missing", reader.text), "the columns that weighed most first"
    assert "cannot be read any more" in reader.text and html.count(PICTURE) == 3, "the picture, and again with its map"
    whole = re.sub(r"<details>|</details>|<summary>the rest of the text</summary>|</?p[^>]*>|\n", "", html)
    assert text.strip() in whole, "what is folded away goes on where the rest ends"


def test_answers_that_are_numbers() -> None:
    groups = [example("far", {"a": 1}, truth=10.0, answer=2.5), example("near", {"a": 1}, truth=10.0, answer=None)]
    text = read(rendered(make_regression(), examples=groups)).text
    assert re.search(r"2\.500\s*but it is\s*10\.00", text) and "no finite answer" in text


def test_pictures_cannot_make_the_page_too_large() -> None:
    large = "data:image/png;base64," + "A" * 100_000
    html = rendered(make_report(), examples=[example("wrong", large)] * 36 + [example("wrong", large * 2)])
    assert len(html) < 1_100_000 and "too large for this page" in html


@pytest.mark.parametrize("make", [make_report, make_regression, make_language])
def test_pages_of_older_and_broken_reports(make: Any) -> None:
    report = make()
    for name in ("unit", "baselines", "samples", "seconds", "rows", "rows_per_second", "valid", "test", "baseline"):
        read(rendered({key: value for key, value in report.items() if key != name}))
        read(rendered({**report, name: None}))
    for name in ("rmse", "perplexity", "accuracy", "loss"):
        report["test"][name] = float("nan")
    assert "nan" in read(rendered(report)).text


def test_tables_of_classes_can_be_sorted() -> None:
    html = rendered(make_report(3))
    heads = re.findall(r"<th scope=\"col\"[^>]*><button type=\"button\">(.*?)</button></th>", html)
    assert heads == ["class", "precision", "recall", "F1", "rows", "mostly taken for"]
    assert re.findall(r'<td class="n f1" data-v="([\d.]+)">', html) == ["0.500000", "0.501000", "0.502000"]


def test_commands_are_quoted() -> None:
    commands = dict(summary.commands({"usage": "predict RUN x", "valid": {"accuracy": 0.5}}, "a run"))
    assert set(commands.values()) == {
        "trainwright predict 'a run' x", "trainwright evaluate 'a run' FILE", "trainwright mistakes 'a run'",
        "trainwright story 'a run'", "trainwright verify 'a run'", "trainwright explain 'a run' INPUT",
        "trainwright landscape 'a run'", "trainwright watch .",
    }  # fmt: skip


def test_a_run_of_fit_is_shown_by_its_validation_rows() -> None:
    report = make_report(3)
    report |= {"valid": report["test"], "test": None, "baseline": None, "usage": "report RUN"}
    html = rendered(report)
    assert "Validation rows by class" in html and "Confusion matrix of 3 classes" in html and "majority" not in html
    assert not [command for _, command in summary.commands(report, "run") if "predict" in command or "evaluate" in command]
    regression = make_regression(9)
    regression |= {"valid": regression["test"], "test": None, "baseline": None}
    assert "Predicted against actual price of 9 rows" in rendered(regression)


def test_the_data_are_told_with_what_is_wrong() -> None:
    data = {"rejected": 30, "rejected_rows": [{"file": "a.csv", "row": 4, "reason": "no label"}],
            "audit": {"empty": 0, "duplicate_rows": 12, "conflicts": 1, "across": {"train-test": 5, "train-valid": 0}},
            "classes": {"x": {"train": 3, "test": 1}}, "columns": {"label": "y", "text": ["t"]}}  # fmt: skip
    text = read(rendered(make_report(), data=data)).text
    for fact in (r"Rows that could not be used: 30, the first 20", r"a\.csv\s*4\s*no label", "12 rows whose exact content",
                 "5 rows of test are in train too", r"x\s*3\s*1", r"predicted\s*y"):  # fmt: skip
        assert re.search(fact, text), fact
    assert len(re.findall("are in train too", text)) == 1
    clean = {"audit": {"empty": 0, "duplicate_rows": 0, "conflicts": 0, "across": {"train-test": 0}}}
    assert "no content is in two splits" in read(rendered(make_report(), data=clean)).text


def test_records_are_what_panels_take() -> None:
    assert panels.panels(record.Record("r", history=make_history()))[0].kept == 2


def test_of_very_many_classes_the_most_frequent_confusions_are_told() -> None:
    report = make_report(4)
    matrix = report["test"].pop("confusion")
    pairs = sorted(((-n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n))
    few = report | {"test": report["test"] | {"confused": [[i, j, -n] for n, i, j in pairs]}}
    whole = report | {"test": report["test"] | {"confusion": matrix}}
    assert summary.confusion_rows(few, 3, str) == summary.confusion_rows(whole, 3, str) != []
    assert summary.lines(few) == summary.lines(whole)
    text = page.render(record.Record("run", report=few), [])
    assert "Most frequent confusions" in text and "Confusion matrix" not in text
    assert "Most frequent confusions" not in page.render(record.Record("run", report=report), [])
