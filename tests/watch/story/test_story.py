"""The film of a run: it tells what the files of the run tell, of every kind of problem, or that there is nothing to tell."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import random
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_samples import bars
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.store import seal
from trainwright.watch.story import story_charts

QUICK = {"listen": lambda event: None}
HOSTILE = "</script><script>alert(1)</script><!-- \u202e\u05d0\u05d1 \U0001f600"


def values(path: Path) -> dict[str, Any]:
    """The film as its page has it."""
    page = path.read_text(encoding="utf-8")
    assert page.count("</script>") == 2 and len(page) < 1_000_000
    return json.loads(re.findall(r'<script type="application/json" id="values">(.*?)</script>', page, re.DOTALL)[0])


def answers(run: Path) -> dict[int, Any]:
    """What the events say of the watched rows, by epoch: of an epoch told twice the last."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return {event["epoch"]: event for event in events if event["event"] == "answers"}


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def check_classes(run: Path, film: dict[str, Any]) -> None:
    """Every answer and every bar of every moment is that of the events."""
    watched, told = json.loads((run / "watched.json").read_text()), answers(run)
    names, found = watched["labels"], film["labels"]
    assert [moment["epoch"] for moment in film["moments"] if moment["kind"] == "epoch"] == sorted(told)
    for moment in film["moments"]:
        said = told[moment["epoch"]]["answers"]
        right = 0
        for row, cell, each, shares in zip(film["rows"], watched["rows"], moment["rows"], said, strict=True):
            assert names[row["truth"]] == cell["truth"] and row["bars"][0] == row["truth"]
            assert each[0] == shares[0][0] and each[1] == round(1000 * shares[0][1])
            known = dict(shares)
            for label, share in zip(row["bars"], each[2:], strict=True):
                assert str(label) in found
                if label in known:
                    assert share == round(1000 * known[label])
                else:
                    assert share <= round(1000 * min(known.values())) + 1
            right += names[shares[0][0]] == cell["truth"]
        assert moment["right"] == right


def test_the_film_tells_what_the_run_tells(trained: tw.Run, tmp_path: Path) -> None:
    film = values(tw.story(trained, tmp_path / "film.html"))
    check_classes(trained.path, film)
    inputs = [row["input"] for row in json.loads((trained.path / "watched.json").read_text())["rows"]]
    assert film["kind"] == "classes" and [row["text"] for row in film["rows"]] == inputs
    assert all(sorted(row["bars"]) == [0, 1, 2] and row["others"] == 0 for row in film["rows"])
    score, loss, rate = film["charts"]
    told = history(trained.path)
    for chart, name in ((score, "accuracy"), (loss, "loss")):
        for line in chart["lines"]:
            if line["part"] != "step":
                expected = [[int(row["step"]), float(row[f"{line['part']}_{name}"])] for row in told]
                assert line["points"] == [[step, pytest.approx(value, rel=1e-4)] for step, value in expected]
    steps = [json.loads(line) for line in (trained.path / "events.jsonl").read_text().splitlines() if '"event": "step"' in line]
    assert rate["lines"][0]["points"] == [[each["step"], pytest.approx(each["lr"], rel=1e-4)] for each in steps]
    kept = film["moments"][-1]
    assert kept["epoch"] == trained.report["best_epoch"]
    assert film["test"]["value"] == f"{100 * trained.report['test']['accuracy']:.2f} %"
    low, high = (100 * end for end in trained.report["test"]["interval"])
    assert film["test"]["sure"] == f"95 % interval {low:.2f} to {high:.2f} %"


def test_the_test_score_stands_nowhere_but_at_the_end(trained: tw.Run, tmp_path: Path) -> None:
    page = tw.story(trained, tmp_path / "film.html").read_text()
    before = (
        page[: page.index('id="test"')] + "".join(page.split('id="test"')[1].split("</section>")[1:]).split("last-still")[0]
    )
    assert f"{100 * trained.report['test']['accuracy']:.2f} %" not in before


def test_it_lies_in_the_run_folder_under_its_seal(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    assert tw.story(run) == run / "story.html"
    assert "story.html" in seal.contents(run)
    (run / "story.html").write_text("another")
    with pytest.raises(tw.TrainwrightError, match=r"story\.html"):
        seal.contents(run)


def test_numbers(tmp_path: Path) -> None:
    run = tw.train("diabetes", out=tmp_path / "run", epochs=3, **QUICK)
    film = values(tw.story(run))
    watched, told = json.loads((run.path / "watched.json").read_text()), answers(run.path)
    assert film["kind"] == "numbers" and [row["truth"] for row in film["rows"]] == [row["truth"] for row in watched["rows"]]
    for moment in film["moments"]:
        said = told[moment["epoch"]]["answers"]
        near = [abs(a - row["truth"]) <= film["near"] for a, row in zip(said, watched["rows"], strict=True)]
        assert moment["rows"] == said and moment["right"] == sum(near)
    assert film["near"] == pytest.approx(run.report["baseline"]["rmse"] / 2, rel=0.05)
    assert film["charts"][0]["title"] == "RMSE" and all(len(row["cells"]) == 10 for row in film["rows"])


def test_pictures(tmp_path: Path) -> None:
    pixels, labels = bars(120)
    np.savez(tmp_path / "bars.npz", images=pixels, labels=np.array(labels))
    small = {"name": "convnet", "channels": [4]}
    run = tw.train(tmp_path / "bars.npz", out=tmp_path / "run", model=small, epochs=1, **QUICK)
    film = values(tw.story(run))
    assert [row["picture"] for row in film["rows"]] == [
        row["input"] for row in json.loads((run.path / "watched.json").read_text())["rows"]
    ]
    assert len([moment for moment in film["moments"] if moment["kind"] == "epoch"]) == 2


def test_many_large_pictures_stay_small(trained: tw.Run, tmp_path: Path) -> None:
    from trainwright.tasks.image.originals import as_uri

    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    watched = json.loads((run / "watched.json").read_text())
    noise = np.random.default_rng(0)
    for row in watched["rows"]:
        row["input"] = as_uri(noise.integers(0, 256, (3, 112, 112), dtype=np.uint8))
    (run / "watched.json").write_text(json.dumps(watched))
    film = values(tw.story(run, tmp_path / "film.html"))
    assert all(row["picture"].startswith("data:image/jpeg;base64,") for row in film["rows"])


def test_a_picture_that_few_bytes_stand_for_is_not_unfolded(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    watched, file = json.loads((run / "watched.json").read_text()), io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG", compress_level=1)
    watched["rows"][0]["input"] = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    (run / "watched.json").write_text(json.dumps(watched))
    with pytest.raises(tw.TrainwrightError, match=r"E408.*9000 x 9000 pixels"):
        tw.story(run, tmp_path / "film.html")


def test_running_text_and_the_gradient_that_is_clipped(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(60)))
    model = {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}
    given = {"context": 8, "tokenizer": "words", "clip": 0.01, "epochs": 2}
    run = tw.train(tmp_path / "text.txt", out=tmp_path / "run", model=model, **given, **QUICK)
    film = values(tw.story(run))
    told = answers(run.path)
    assert film["kind"] == "text" and film["charts"][0]["title"] == "perplexity"
    for moment in film["moments"]:
        assert moment["text"].split() == told[moment["epoch"]]["text"].split()
        said = told[moment["epoch"]]["answers"]
        assert moment["rows"] == [[[int(right), round(1000 * share), guess] for right, share, guess in each] for each in said]
        assert moment["right"] == sum(right for each in said for right, *_ in each)
    passages = json.loads((run.path / "watched.json").read_text())["passages"]
    assert passages and [row["tokens"] for row in film["rows"]] == [each["tokens"] for each in passages]
    rewrite(run.path, lambda event: event | {"answers": []} if event["event"] == "answers" else event)
    before = values(tw.story(run, tmp_path / "before.html"))  # as runs were before there were passages
    assert before["rows"] == [] and before["moments"][1]["text"]
    gradient = film["charts"][-1]
    norms = [value for _, value in gradient["lines"][0]["points"]]
    cut = sum(norm > 0.01 for norm in norms)
    assert gradient["limit"] == 0.01 and cut and f"{cut} of the {len(norms)}" in gradient["hint"]


def test_many_classes_and_odd_labels(tmp_path: Path) -> None:
    rows = [
        (f"{HOSTILE} {number % 40}", f"word{number % 40} {HOSTILE} {text}") for number, (_, text) in enumerate(news_rows(800))
    ]
    run = tw.train(write_csv(tmp_path / "many.csv", rows), out=tmp_path / "run", epochs=2, **QUICK)
    film = values(tw.story(run))
    check_classes(run.path, film)
    assert all(len(row["bars"]) == 3 and row["others"] == 37 for row in film["rows"])
    assert all("\u202e" not in label for label in film["labels"].values())


def rewrite(run: Path, change: Any) -> None:
    """Change the events of a run one by one; what is no event any more goes."""
    lines = (run / "events.jsonl").read_text().splitlines()
    kept = [change(json.loads(line)) for line in lines]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in kept if event))


def test_of_an_epoch_that_is_told_twice_the_last_counts_and_what_is_lost_is_shown_as_lost(
    trained: tw.Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    events = (run / "events.jsonl").read_text()
    first = next(json.loads(line) for line in events.splitlines() if '"answers", "epoch": 1,' in line)
    again = first | {"answers": [[[number, None] for number, _ in row] for row in first["answers"]]}
    (run / "events.jsonl").write_text(events + json.dumps(again) + "\n")
    watched = json.loads((run / "watched.json").read_text())
    for row in watched["rows"]:
        row["input"] = None
    (run / "watched.json").write_text(json.dumps(watched))
    film = values(tw.story(run, tmp_path / "film.html"))
    assert film["moments"][1]["right"] == 0 and {row[0] for row in film["moments"][1]["rows"]} == {None}
    assert {row["text"] for row in film["rows"]} == {None}


@pytest.mark.parametrize("extended", [False, True], ids=["first", "extended"])
def test_a_run_that_is_still_training_is_told_as_far_as_it_is(extended: bool, trained: tw.Run, tmp_path: Path) -> None:
    """One that is extended has the report of before, whose test is not that of the weights to come."""
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    for name in ("SEAL",) if extended else ("report.json", "SEAL"):
        (run / name).unlink()
    lines = (run / "history.csv").read_text().splitlines(keepends=True)
    (run / "history.csv").write_text("".join(lines[:3]))
    page = tw.story(run)
    film = values(page)
    assert [moment["epoch"] for moment in film["moments"]] == [0, 1, 2] and film["test"] is None
    assert "as far as epoch 2 of" in page.read_text()


def page_of(run: Path) -> tuple[str, dict[str, Any]]:
    page = tw.story(run)
    return re.findall(r"<h1>(.*?)</h1>", page.read_text())[0], values(page)


@pytest.mark.parametrize("kind", ["classes", "numbers", "text"])
def test_a_run_that_goes_on_from_another_does_not_begin_with_guesses(kind: str, trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    if kind == "classes":
        tw.train(write_csv(tmp_path / "new.csv", news_rows(60, seed=5)), from_run=trained.path, out=run, epochs=1, **QUICK)
        before = trained.path.name
    else:
        shutil.copytree(trained.path, run)
        watched = json.loads((run / "watched.json").read_text())
        rows = [row | {"truth": 1.0} for row in watched["rows"]] if kind == "numbers" else []
        (run / "watched.json").write_text(json.dumps({"labels": [], "rows": rows}))
        said = [1.0] * len(rows)
        rewrite(run, lambda event: event | {"answers": said, "text": "so"} if event["event"] == "answers" else event)
        settings = (run / "settings.toml").read_text()
        (run / "settings.toml").write_text(settings.replace("[run]", '[run]\nfrom = "runs/before-1"'))
        before = "before-1"
    _, film = page_of(run)
    caption = film["moments"][0]["caption"]
    assert f"earlier run {before}" in caption and not re.search("random|guess|nothing", caption)
    if kind == "classes":
        assert f"{film['moments'][0]['right']} of {len(film['rows'])} are right" in caption


def test_a_run_that_failed_is_told_as_one(trained: tw.Run, tmp_path: Path) -> None:
    lots = iter(random.Random(1).choices(["money", "space", "sport"], k=300))  # there is nothing to learn in these labels
    rows = write_csv(tmp_path / "lots.csv", [(next(lots), text) for _, text in news_rows(300)])
    failed = tw.train(rows, out=tmp_path / "run", epochs=2, lr=1e-9, loss="CrossEntropyLoss", speed="off", **QUICK)
    headline, film = page_of(failed.path)
    assert "failed to learn" in headline and film["test"]["outcome"] == "failed" and film["test"]["why"]
    loss = next(chart for chart in film["charts"] if chart["title"] == "loss")
    assert [value for value, _ in loss["marks"]] == [pytest.approx(math.log(3))]
    headline, film = page_of(Path(shutil.copytree(trained.path, tmp_path / "good")))
    assert "failed" not in headline and film["test"]["outcome"] == "learned" and not film["test"]["why"]
    assert film["charts"][0]["marks"] and film["charts"][0]["axis"]["low"] <= film["charts"][0]["marks"][0][0]


def test_a_run_that_is_right_and_knows_it_not_hardly_learned(news: Path, tmp_path: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=1, lr=1e-9, loss="CrossEntropyLoss", speed="off", **QUICK)
    assert run.report["test"]["accuracy"] > 0.9 and "hardly learned" in page_of(run.path)[0]


@pytest.mark.parametrize(("report", "told"), [({"perplexity": 9.0}, "learned"), ({"perplexity": 30.0}, "failed to learn")])
def test_perplexity_is_held_against_counting(report: dict[str, float], told: str, trained: tw.Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained.path, tmp_path / "run"))
    (run / "watched.json").write_text('{"labels": [], "rows": []}')
    rewrite(run, lambda event: event | {"answers": [], "text": "so"} if event["event"] == "answers" else event)
    kept = json.loads((run / "report.json").read_text()) | {"labels": [], "unit": "tokens", "test": report | {"n": 50}}
    kept["baseline"] = {"name": "bigram", "perplexity": 20.8, "loss": 3.035}
    (run / "report.json").write_text(json.dumps(kept))
    headline, film = page_of(run)
    assert headline.startswith(f"How a model {told} to write like") and film["test"]["outcome"] == told.partition(" ")[0]
    page = (run / "story.html").read_text()
    assert page.count(">baseline</text>") == 1 and "95 % interval" not in page.split('class="words"')[1].split("</dl>")[0]
    shown = "".join(film["test"][key] for key in ("beat", "verdict"))
    assert shown.count("20.8") == 1 and film["test"]["line"]["end"] in page


def test_between_epochs_the_numbers_are_those_of_the_step(news: Path, tmp_path: Path) -> None:
    schedule = [{"name": "ExponentialLR", "gamma": 0.1, "every": "epoch"}]
    run = tw.train(news, out=tmp_path / "run", epochs=5, lr=0.1, schedule=schedule, speed="off", **QUICK)
    _, film = page_of(run.path)
    rate = next(chart for chart in film["charts"] if chart["title"] == "learning rate")
    assert rate["axis"]["wide"]  # five powers of ten: on a plain axis all but the first are zero
    ends = [int(row["step"]) for row in history(run.path)]
    told = [story_charts.now(rate, at) for at in (0, ends[0], ends[0] + 1, ends[1])]
    assert told == [[], [("rate", "0.1000")], [("rate", "0.01000")], [("rate", "0.01000")]]
    kept = film["moments"][-1]
    assert kept["told"] == ends[run.report["best_epoch"] - 1] <= kept["at"] == ends[-1]


def test_long_runs_are_thinned_and_keep_their_best_epoch(tmp_path: Path) -> None:
    run = tw.train("wine", out=tmp_path / "run", epochs=150, **QUICK)
    page = tw.story(run)
    told = [moment["epoch"] for moment in values(page)["moments"]]
    assert len(told) <= 121 and told[:21] == list(range(21)) and {150, run.report["best_epoch"]} <= set(told)
    assert "of the 150 epochs are shown" in page.read_text()


def test_of_several_labels_the_set_is_told(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    watched = json.loads((run / "watched.json").read_text())
    rows = [
        {**row, "truth": truth}
        for row, truth in zip(watched["rows"], [watched["labels"][:2], [watched["labels"][2]], []], strict=False)
    ]
    (run / "watched.json").write_text(json.dumps({**watched, "rows": rows}))
    said = [[[1, 0.9], [0, 0.6], [2, 0.1]], [[2, 0.8], [0, 0.5], [1, 0.2]], [[0, 0.4], [1, 0.3], [2, 0.2]]]
    rewrite(run, lambda event: event | {"answers": said} if event["event"] == "answers" else event)
    film = values(tw.story(run))
    sets = {number: {film["labels"][str(each)] for each in found} for number, found in film["sets"].items()}
    names = sorted(watched["labels"])
    assert sorted(map(sorted, sets.values())) == sorted([[], names[:2], sorted([names[0], names[2]])])
    assert [row["bars"] for row in film["rows"]] == [[1, 0, 2], [2, 0, 1], [0, 1, 2]]
    for moment in film["moments"]:
        assert moment["right"] == 2  # a label too many is not right
        assert [each[0] == row["truth"] for each, row in zip(moment["rows"], film["rows"], strict=True)] == [True, False, True]
    page = (run / "story.html").read_text()
    assert "from 50 % on" in page and "softmax" not in page


@pytest.mark.parametrize("lost", ["watched.json", "answers", "history.csv"])
def test_a_run_with_nothing_to_tell(lost: str, trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    if lost == "answers":
        rewrite(run, lambda event: event if event["event"] != "answers" else None)
    else:
        (run / lost).unlink()
    with pytest.raises(tw.TrainwrightError, match="E428"):
        tw.story(run)
    assert not (run / "story.html").exists()


def test_damaged_files_are_named(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    (run / "watched.json").write_text('{"labels": ["a"], "rows": [{"truth": "b"}]}')
    with pytest.raises(tw.TrainwrightError, match="E408"):
        tw.story(run)
    with pytest.raises(tw.TrainwrightError, match="E403"):
        tw.story(tmp_path / "nowhere")
