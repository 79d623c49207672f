"""What is wrong with a source is found by ``inspect``, with rows, and by ``train`` as far as it costs little."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import call
from PIL import Image
from samples import FILLER, news_rows, write_csv

import trainwright as tw
from trainwright.watch import scores
from trainwright.watch.events import Note
from trainwright.watch.inspected import inspected_page
from trainwright.watch.inspected.finding import ABOUT, Finding
from trainwright.watch.inspected.inspection import Inspection


def by_name(found: Inspection) -> dict[str, Finding]:
    """The findings, of several of a name the first."""
    return {each.name: each for each in reversed(found.findings)}


def rows_of(finding: Finding) -> list[int]:
    return [row["row"] for row in finding.rows]


def spoilt_news(folder: Path) -> tuple[Path, Path]:
    """Training and test rows with something wrong of each kind; rows count from 2."""
    draw = random.Random(1)
    rows = [
        (label, f"{text} {' '.join(draw.choices(FILLER, k=8))} r{number}")
        for number, (label, text) in enumerate(news_rows(600))
    ]
    test = [(label, f"{text} t{number}") for number, (label, text) in enumerate(news_rows(200, seed=7))]
    for place in range(10):
        words = rows[place][1].split()
        words[5] = "replaced"
        test[place] = (rows[place][0], " ".join(words))
    rows[20] = ("sport" if rows[21][0] != "sport" else "money", rows[21][1])
    for place in (30, 31, 32):
        rows[place] = ("sprot", rows[place][1])
    for place, text in (
        (40, "........"),
        (41, "don\u00e2\u20ac\u2122t <br /> stop"),
        (42, "lost \ufffd letters here"),
        (43, "long " * 2000),
    ):
        rows[place] = (rows[place][0], text)
    rows = [
        (label, f"{text} sportsline" if label == "sport" and place > 50 and place % 2 else text)
        for place, (label, text) in enumerate(rows)
    ]
    return write_csv(folder / "train.csv", rows), write_csv(folder / "test.csv", test)


@pytest.fixture(scope="module")
def news_found(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    train, test = spoilt_news(tmp_path_factory.mktemp("spoilt"))
    return tw.inspect(train, test=test, valid_fraction=0)


def test_what_is_wrong_with_texts_is_found_with_its_rows(news_found: Inspection) -> None:
    found = by_name(news_found)
    leak = found["leak"]
    assert (leak.where, leak.count, leak.grade) == ("train-test", 10, "grave")
    assert [row["row"] for row in leak.rows if row["split"] == "test"] == list(range(2, 12))
    assert all("replaced" in row["input"] for row in leak.rows if row["split"] == "test")
    assert rows_of(found["conflicts"]) == [22, 23] and {row["group"] for row in found["conflicts"].rows} == {1}
    assert (found["similar-labels"].where, found["similar-labels"].count) == ("sprot", 3)
    assert rows_of(found["similar-labels"]) == [32, 33, 34]
    for name, row in (("one-character", 42), ("mojibake", 43), ("markup", 43), ("odd-characters", 44), ("very-long", 45)):
        assert rows_of(found[name]) == [row], name
    assert "sportsline" in [each.where for each in news_found.findings if each.name == "gives-away-word"]
    assert [each.grade for each in news_found.findings] == sorted(
        (e.grade for e in news_found.findings), key="grave look note".index
    )
    assert {"duplicates", "left-out"} - {"duplicates"} <= set(news_found.not_found)
    assert not set(news_found.not_found) & found.keys() and set(news_found.looked_for) <= ABOUT.keys()


def test_a_label_that_was_mistyped_once_is_found_where_a_training_would_stop(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "news.csv", [*news_rows(120), ("sprot", "goal of the match"), ("monye", "the bank of today")])
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run")
    assert caught.value.code == "E217"
    said = " ".join(each.what for each in tw.inspect(source).findings)
    assert "'monye'" in said and "'sprot'" in said


def test_it_can_be_shown_everywhere(news_found: Inspection) -> None:
    shown, page, table = repr(news_found), inspected_page.render(news_found, "trainwright inspect x"), news_found._repr_html_()
    assert all(each.name in shown and each.name in page and each.name in table for each in news_found.findings)
    assert "split=group:COLUMN" in shown and max(map(len, shown.splitlines())) <= 100
    told = news_found.to_json()
    assert json.loads(json.dumps(told)) == told and told["rows"]["test"] == 200
    assert "&lt;br /&gt;" in page and "<br />" not in page and "https:" not in page
    assert re.search(r"default-src 'none'", page)


def test_no_copy_is_named_on_a_terminal_without_the_row_that_it_repeats() -> None:
    rows = [(text, label) for label, text in news_rows(60)]
    frame = pl.DataFrame({"text": [text for text, _ in rows + rows[:8]], "label": [label for _, label in rows + rows[:8]]})
    text = str(tw.inspect(frame))
    part = text[text.index("duplicates") :]
    named = re.findall(r"row (\d+): '\w+' (.+)", part[: part.index("cause")])
    said = [each for _, each in named]
    assert len(named) >= 2 and all(said.count(each) == 2 for each in said), part[:600]


def spoilt_table(folder: Path, rows: int = 600) -> Path:
    """A table whose columns have something wrong each; rows count from 2."""
    draw = np.random.default_rng(0)
    size = draw.integers(20, 90, rows).astype(float)
    price = np.round(draw.lognormal(10, 0.4, rows), 1)
    label = np.where(price * np.exp(draw.normal(size=rows) * 0.2) > 22_000, "dear", "cheap")
    told = np.where(draw.random(rows) < 0.03, label == "cheap", label == "dear") + draw.normal(size=rows).round(4) * 0.01
    size[[5, 50, 500]], price[7] = -999, 9e8
    days = [f"20{draw.integers(10, 24)}-0{draw.integers(1, 10)}-1{draw.integers(0, 10)}" for _ in range(rows)]
    for place in (1, 2, 3, 4):
        days[place] = "9999-12-31"
    columns = {"id": range(rows), "size": size, "price": price, "built": days, "paid": told, "country": ["CH"] * rows}
    columns |= {"owner": [None if place % 3 else "x" for place in range(rows)], "label": label}
    pl.DataFrame(columns).write_csv(folder / "houses.csv")
    return folder / "houses.csv"


def test_what_is_wrong_with_a_table_is_found_with_its_rows(tmp_path: Path) -> None:
    found = tw.inspect(spoilt_table(tmp_path), task="table")
    told = {(each.name, each.where): each for each in found.findings}
    assert rows_of(told["sentinel", "size"]) == [7, 52, 502] and told["sentinel", "size"].grade == "grave"
    assert rows_of(told["sentinel", "built"]) == [3, 4, 5, 6]
    assert rows_of(told["outliers", "price"]) == [9]
    assert ("gives-away", "paid") in told and "columns.paid=ignore" in told["gives-away", "paid"].todo
    assert told["missing-values", "owner"].count == 400
    assert {where for name, where in told if name == "not-used"} == {"id", "country"}
    assert not [each for each in found.findings if each.name in ("drift", "leak")]
    assert told["sentinel", "size"].rows[0]["input"]["size"] == "-999.0"


def test_a_number_that_tells_a_number_is_found_and_one_that_is_not_finite_left_out() -> None:
    draw = np.random.default_rng(1)
    value, other = draw.normal(size=800), draw.normal(size=800)
    frame = pl.DataFrame({"tells": value + draw.normal(size=800) * 0.05, "other": other, "target": value + other * 0.01})
    frame[3, "other"] = float("inf")
    found = tw.inspect({"train": frame}, label="target", target="number", task="table")
    told = {(each.name, each.where): each for each in found.findings}
    assert ("gives-away", "tells") in told and ("gives-away", "other") not in told
    assert "inf" in told["left-out", ""].rows[0]["input"]


def test_what_is_wrong_with_pictures_is_found(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    for split, count in (("train", 70), ("test", 40)):
        for kind in ("a", "b"):
            folder = tmp_path / "photos" / split / kind
            folder.mkdir(parents=True)
            for number in range(count // 2):
                soft = Image.fromarray(draw.integers(0, 256, (6, 6, 3), np.uint8)).resize((48, 40), Image.Resampling.BICUBIC)
                soft.save(folder / f"{number}.png")
    photos = tmp_path / "photos"
    for number in range(5):
        Image.open(photos / f"train/a/{number}.png").resize((36, 30)).save(photos / f"test/a/copy{number}.jpg")
    Image.new("RGB", (48, 40)).save(photos / "train/b/black.png")
    Image.new("L", (200, 160), 9).save(photos / "train/b/grey.png")
    (photos / "train/b/bad.png").write_bytes(b"no picture")
    inspection = tw.inspect(photos)
    found = by_name(inspection)
    assert [Path(row["file"]).name for row in found["one-colour"].rows] == ["black.png", "grey.png"]
    assert (found["look-alike"].where, found["look-alike"].count) == ("train-test", 5)
    pairs = [Path(row["file"]).name for row in found["look-alike"].rows]
    assert pairs[::2] == [f"{number}.png" for number in range(5)] and pairs[1::2] == [
        f"copy{number}.jpg" for number in range(5)
    ]
    assert found["left-out"].rows[0]["file"].endswith("bad.png") and found["modes"].count == 1 and "sizes" in found
    assert all(row["input"].startswith("data:image/png") for row in found["one-colour"].rows)
    page = inspected_page.render(inspection, "")
    assert page.count("data:image/png") >= 10


def test_what_is_wrong_with_running_text_is_found(tmp_path: Path) -> None:
    draw = random.Random(4)
    lines = [" ".join(draw.choices(FILLER, k=14)) + f" l{number}" for number in range(400)]
    licence = "This text may be copied by everybody who keeps this line."
    lines[10] = lines[20] = lines[395] = licence
    lines[30], lines[40] = "\u043f\u0440\u0438\u0432\u0435\u0442", "lost \ufffd letters"
    (tmp_path / "novel.txt").write_text("\n".join(lines))
    found = by_name(tw.inspect(tmp_path / "novel.txt", task="language"))
    assert rows_of(found["repeated-passages"]) == [21] and found["repeated-passages"].rows[0]["input"] == licence
    assert rows_of(found["other-script"]) == [31] and rows_of(found["odd-characters"]) == [41]
    assert found["leak"].count == 1 and found["leak"].where == "train-test"


def test_sets_of_labels_are_looked_at(tmp_path: Path) -> None:
    draw = random.Random(5)
    rows = []
    for number in range(400):
        labels = draw.sample(["red", "green", "blue"], k=draw.randint(1, 2)) + (["violet"] if number < 4 else [])
        rows.append(("|".join(labels), f"{' '.join(labels)} {' '.join(draw.choices(FILLER, k=9))} n{number}"))
    rows[0] = ("reds|blue", rows[0][1])
    rows += [("blue", rows[100][1]), ("red|green", rows[100][1])]
    found = by_name(tw.inspect(write_csv(tmp_path / "sets.csv", rows), target="labels", task="text"))
    assert found["conflicts"].count == 1 and 102 in rows_of(found["conflicts"])
    assert "violet" in found["few-rows"].what and "imbalance" in found


@pytest.mark.parametrize("kind", ["text", "table"])
def test_splits_by_chance_are_not_said_to_differ(kind: str, tmp_path: Path) -> None:
    for seed in range(6):
        draw = np.random.default_rng(seed)
        rows = news_rows(500, seed=seed)
        if kind == "table":
            rows = [(label, *draw.normal(size=3).round(5)) for label, _ in rows]  # type: ignore[misc]
        header = ("label", "text") if kind == "text" else ("label", "a", "b", "c")
        source = write_csv(tmp_path / f"{seed}.csv", rows, header)
        found = tw.inspect(source, task=kind, valid_fraction=0.2, test_fraction=0.3)
        assert "drift" not in by_name(found)


def test_splits_of_different_rows_are_said_to_differ(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", news_rows(500))
    later = [(label, text.replace("today", "tomorrow") + " anew") for label, text in news_rows(400, seed=3) if label != "space"]
    found = [each for each in tw.inspect(train, test=write_csv(tmp_path / "test.csv", later)).findings if each.name == "drift"]
    assert {each.where for each in found} >= {"labels, test", "words of text, test"}
    assert any("'anew'" in each.what for each in found)


def test_the_price_of_leaks_is_that_of_the_other_rows(tmp_path: Path) -> None:
    train, test = spoilt_news(tmp_path)
    events: list[object] = []
    run = tw.train(train, test=test, out=tmp_path / "run", valid_fraction=0, epochs=2, speed="off", listen=events.append)
    rows = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    rest = rows.filter(~pl.col("row").is_in(list(range(2, 12))))
    price = run.report["without_leaked"]
    assert (price["split"], price["rows"], price["n"]) == ("test", 10, 190)
    assert price["accuracy"] == (rest["truth"] == rest["answer"]).mean()
    assert "left out" in call("report", run.path, cwd=tmp_path).stdout
    assert "left out" not in call("evaluate", run.path, test, cwd=tmp_path).stdout  # of the rows of a file it is not told
    said = {each.what: each.why for each in events if isinstance(each, Note)}
    assert {"similar labels", "mojibake", "markup", "odd characters", "one character", "look closer"} <= said.keys()
    assert "trainwright inspect" in said["look closer"]
    assert not tw.verify(run).wrong
    assert not tw.replay(run).wrong


def test_the_command(tmp_path: Path) -> None:
    train, test = spoilt_news(tmp_path)
    shown = call("inspect", train, "valid_fraction=0", "--test", test, cwd=tmp_path, forked=False)
    assert "GRAVE leak [train-test] 10 rows of test" in shown.stdout
    told = call("inspect", train, "--test", test, "--json", "--out", "page.html", cwd=tmp_path)
    names = [each["name"] for each in json.loads(told.stdout.splitlines()[-1])["findings"]]
    assert "leak" in names and "leak" in (tmp_path / "page.html").read_text()
    refused = call("inspect", train, "--out", "x.pdf", cwd=tmp_path, code=2)
    assert refused.stderr.startswith("E318") and "x.html" in refused.stderr and not (tmp_path / "x.pdf").exists()
    assert call("inspect", "nosuch.csv", cwd=tmp_path, code=2).stderr.startswith("E101")
    assert call("inspect", train, "lerning_rate=1", cwd=tmp_path, code=2).stderr.startswith("E301")


def test_every_finding_is_on_the_page_of_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "inspect.md").read_text()
    for name, about in ABOUT.items():
        todo = about.todo.replace("{where}", "COLUMN")
        assert f"| `{name}` | {about.severity} | {about.title} | {about.cause} | {todo} |" in page


def test_the_price_of_leaks_of_groups_and_of_numbers(tmp_path: Path) -> None:
    train, test = spoilt_news(tmp_path)
    for part in (train, test):
        frame = pl.read_csv(part).with_columns(score=pl.col("text").str.len_chars() + 0.5, who=pl.int_range(pl.len()) // 4)
        frame.select("text", "score", "who").write_csv(part.with_suffix(".tsv"), separator="\t")
    files: dict[str, Any] = {"source": train.with_suffix(".tsv"), "test": test.with_suffix(".tsv")}
    how: dict[str, Any] = {
        "label": "score",
        "text": ["text"],
        "split": "group:who",
        "valid_fraction": 0,
        "epochs": 1,
        "speed": "off",
    }
    run = tw.train(**files, out=tmp_path / "run", task="text", target="number", listen=lambda event: None, **how)
    price, whole = run.report["without_leaked"], run.report["test"]
    rows = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    rest = rows.filter(~pl.col("row").is_in(list(range(2, 12))))
    assert (price["rows"], price["n"]) == (10, 190) and price["units"] < whole["units"]
    assert price["rmse"] == pytest.approx(float(((rest["truth"] - rest["answer"]) ** 2).mean() ** 0.5), rel=1e-5)
    assert "without leaked rows" in [fact.name for fact in scores.facts(run.report)]
