"""Planted wrong labels are found by models that never saw them, and what is corrected of them goes back into training."""

from __future__ import annotations

import csv
import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import talk
from image_samples import write_folder
from samples import news_rows, write_csv
from sklearn.datasets import load_digits

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.run import suspects as doubted
from trainwright.store import predictions
from trainwright.watch import suspects as shown
from trainwright.watch.suspects_page import MOST, page

QUICK: dict[str, Any] = {"speed": "off", "baselines": "off", "listen": lambda event: None}


def planted(count: int = 240, flips: int = 12) -> tuple[list[tuple[str, str]], dict[int, str]]:
    """(label, text) rows of which some have another label than theirs; and the right ones of these, by their row in a file."""
    rows, draw = news_rows(count), random.Random(1)
    labels, right = sorted({label for label, _ in rows}), {}
    for place in draw.sample(range(count), flips):
        label, text = rows[place]
        rows[place] = draw.choice([each for each in labels if each != label]), text
        right[place + 2] = label
    return rows, right


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[tw.Run, dict[int, str]]:
    folder = tmp_path_factory.mktemp("suspects")
    rows, right = planted()
    return tw.train(write_csv(folder / "news.csv", rows), out=folder / "run", **QUICK), right


@pytest.fixture(scope="module")
def found(run: tuple[tw.Run, dict[int, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tw.suspects(run[0], folds=2, folder=tmp_path_factory.mktemp("found"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(code: str, *given: Any, **more: Any) -> None:
    with pytest.raises(TrainwrightError) as caught:
        tw.suspects(*given, **more)
    assert caught.value.code == code


def bare(found: dict[str, Any]) -> dict[str, Any]:
    """What was found, wherever it is kept."""
    return {key: each for key, each in found.items() if key not in ("folder", "files")}


def test_planted_labels_are_found_corrected_and_trained_on(
    run: tuple[tw.Run, dict[int, str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, right = run
    table, source = Path("labels.csv"), trained.path.parent / "news.csv"
    said, _, code = talk(capsys, monkeypatch, "suspects", trained.path, "--folds", 2, "--out", table)
    found = pl.read_csv(table, infer_schema_length=0).to_dicts()
    first = found[: len(right)]
    assert code == 0 and sum(int(each["row"]) in right for each in first) >= 0.9 * len(right)
    assert all(each["likely"] == right[int(each["row"])] for each in first if int(each["row"]) in right)
    assert said.startswith(f"about {len(found)} labels of 240 are probably wrong") and f"--fix {table}" in said
    assert abs(len(found) - len(right)) <= 8
    shown = Path("suspects/run/suspects.html")
    assert str(shown) in said and shown.read_text().count('<article class="card">') == len(found)
    lines = [{**each, "label": right.get(int(each["row"]), each["label"])} for each in found]
    kept = predictions.read(trained.folder.predictions).filter(pl.col("split") == "test").to_dicts()
    more = next(each for each in kept if each["row"] not in [int(line["row"]) for line in lines])
    other = "space" if more["truth"] != "space" else "sport"
    lines.append(dict.fromkeys(found[0]) | {"file": more["file"], "row": more["row"], "given": more["truth"], "label": other})
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, found[0])
        writer.writeheader()
        writer.writerows(lines)
    told = talk(capsys, monkeypatch, "train", source, "speed=off", "baselines=off", "--fix", table, "--out", "fixed")[0]
    changed = [each["split"] or "test" for each in lines if each["label"] != each["given"]]
    corrected = {split: changed.count(split) for split in ("train", "valid", "test") if split in changed}
    fixed = tw.load("fixed")
    assert fixed.report["fixed"] == {"file": "labels.csv", "corrected": corrected, "left_out": 0}
    changed = [
        f"{corrected[name]} {name} label{'s' * (corrected[name] > 1)}" for name in ("valid", "test") if name in corrected
    ]
    assert f"{' and '.join(changed)} w" in told and "corrected by labels.csv" in told
    assert not tw.verify(fixed.path).wrong and not tw.replay(fixed.path).wrong
    again = tw.suspects(fixed, folds=2)  # what was corrected before comes along, as the source still has the old labels
    lines = again["corrected"] + again["suspects"]
    assert {each["row"] for each in lines} >= {int(each["row"]) for each in found if int(each["row"]) in right}
    assert {each["given"] for each in again["corrected"] if each["row"] in right} <= {label for label, _ in planted()[0]}
    table.write_text(table.read_text() + "\n")
    assert tw.verify(fixed.path).wrong == [f"{table} is not the file that it was"]
    with pytest.raises(TrainwrightError, match="E498"):
        tw.resume(fixed, epochs=20, listen=lambda event: None)


def test_the_same_command_finds_the_same_and_trains_once(
    run: tuple[tw.Run, dict[int, str]], found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(path.stat().st_mtime_ns for path in run[0].path.rglob("*"))
    assert bare(tw.suspects(run[0], folds=2)) == bare(found)
    assert sorted(path.stat().st_mtime_ns for path in run[0].path.rglob("*")) == before  # nothing is written there
    monkeypatch.setattr(doubted, "_judged", lambda *given: pytest.fail("it is kept"))
    again = tw.suspects(run[0], 3, folds=2)
    assert again["suspects"] == found["suspects"][:3] and again["folder"] == "suspects/run"


def test_what_was_stopped_goes_on_and_finds_the_same(
    run: tuple[tw.Run, dict[int, str]], found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, begun, notes = doubted._judged, [], list[Any]()

    def stopping(*given: Any) -> pl.DataFrame:
        begun.append(given)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return trained(*given)

    monkeypatch.setattr(doubted, "_judged", stopping)
    with pytest.raises(KeyboardInterrupt):
        tw.suspects(run[0], folds=2)
    kept = Path("suspects/run")
    assert [each["file"] for each in json.loads((kept / "suspects.json").read_text())["trainings"]] == [
        f"training-0{number}.parquet" for number in (1, 2, 3)
    ]
    refused("E525", run[0], folds=3)
    rotten = (kept / "training-02.parquet").read_bytes()
    (kept / "training-02.parquet").write_bytes(rotten[:100] + bytes([rotten[100] ^ 1]) + rotten[101:])
    again = tw.suspects(run[0], folds=2, listen=notes.append)
    assert len(begun) == 4 + 2 and bare(again) == bare(found)
    files = sorted(kept.glob("*.parquet"))
    assert [each.name for each in files] == [f"training-0{number}.parquet" for number in (1, 2, 3, 4)]
    assert [each.read_bytes() for each in files] == [(Path(found["folder"]) / each.name).read_bytes() for each in files]
    told = [each for each in notes if each.kind == "note"]
    assert "3 of them are in suspects/run" in told[0].why and told[1][:2] == ("training-02.parquet", "trained again")


def test_pictures_are_shown() -> None:
    pixels, truth = load_digits(return_X_y=True)
    bad, labels = random.Random(0).sample(range(500), 25), list(map(str, truth[:500]))
    for place in bad:
        labels[place] = str((int(labels[place]) + 1) % 10)
    source = write_folder(Path("digits-8"), (15 * pixels[:500].reshape(-1, 8, 8)).astype(np.uint8), labels)
    found = tw.suspects(tw.train(source, out="run", model={"name": "mlp"}, epochs=5, **QUICK), folds=2)
    assert sum(int(Path(each["file"]).stem) in bad for each in found["suspects"][:25]) >= 20
    assert abs(found["wrong"] - 25) <= 12
    html = Path(found["files"][-1]).read_text()
    assert html.count('src="data:image/png') == len(found["suspects"]) and 'class="tiles"' in html


def test_tables_numbers_and_sets(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 300))
    a, bad = a + np.sign(a), draw.permutation(300)[:15]
    kind = a > 0
    pl.DataFrame({"a": a, "b": b, "kind": np.where(kind ^ np.isin(np.arange(300), bad), "up", "down")}).write_csv(
        tmp_path / "k.csv"
    )
    found = tw.suspects(tw.train(tmp_path / "k.csv", label="kind", out=tmp_path / "k", epochs=5, **QUICK), folds=2)
    assert found["rows"] == 300 and sum(each["row"] - 2 in bad for each in found["suspects"][:15]) >= 13
    price = 3 * a - b + draw.normal(scale=0.1, size=300)
    price[bad[:3]] += 20
    pl.DataFrame({"a": a, "b": b, "price": price}).write_csv(tmp_path / "n.csv")
    run = tw.train(tmp_path / "n.csv", label="price", out=tmp_path / "n", model={"name": "linear"}, epochs=5, lr=0.1, **QUICK)
    found = tw.suspects(run, folds=2)
    assert {each["row"] - 2 for each in found["suspects"][:3]} == {*bad[:3].tolist()} and found["target"] == "number"
    texts = [("|".join({label, "money"}), text + " bank market") for label, text in news_rows(150)]
    texts[7] = ("sport|space", texts[7][1])
    run = tw.train(
        write_csv(tmp_path / "s.csv", texts, ("labels", "text")), target="labels", out=tmp_path / "s", epochs=5, **QUICK
    )
    found = tw.suspects(run, 3, folds=2)
    worst = next(each for each in found["suspects"] if each["row"] == 9)
    assert "with money" in worst["why"] and "money" in worst["likely"]
    text = "".join(part for line in shown.lines(found, True) for part, _ in line)
    assert "sport, space" in text or "space, sport" in text
    assert json.dumps(found)


def test_what_cannot_be_judged_is_refused(run: tuple[tw.Run, dict[int, str]], tmp_path: Path) -> None:
    refused("E403", tmp_path)
    refused("E491", run[0], folds=300)
    refused("E320", run[0], folds=1)
    refused("E320", run[0], -1)
    Path("novel").mkdir()
    settings = run[0].folder.settings.read_text()
    Path("novel/settings.toml").write_text(settings.replace('task = "text"', 'task = "language"', 1))
    refused("E490", "novel")


def test_a_table_that_a_person_edited_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"split": "train", "file": "a.csv", "row": 2, "given": "up", "label": "up", "likely": "down", "probability": 0.5}
    found = {"target": "class", "wrong": 1, "rows": 9, "suspects": [row | {"why": "", "input": "a text"}], "corrected": []}
    trained = []
    monkeypatch.setattr(tw, "suspects", lambda *given, **more: trained.append(given) or found | {"files": ["suspects.html"]})
    table, asked = tmp_path / "labels.csv", ("suspects", tmp_path, "--out", tmp_path / "labels.csv")
    said, _, code = talk(capsys, monkeypatch, *asked)
    assert code == 0 and said.startswith("about 1 label of 9 is probably wrong") and "An estimate: " in said
    assert f"{table}: 1 row; " in said and said.endswith("suspects.html\n")
    edited = table.read_text().replace("up,up,", "up,down,")
    table.write_text(edited)
    said, problem, code = talk(capsys, monkeypatch, *asked)
    assert code == 2 and problem.startswith("E499: ") and "--out FILE" in problem and table.read_text() == edited
    assert len(trained) == 1  # it is said before hours of training
    assert talk(capsys, monkeypatch, *asked[:-1], tmp_path / "other.csv")[2] == 0
    monkeypatch.setattr(tw, "suspects", lambda *given, **more: Path("late.csv").write_text(edited) and found)
    assert talk(capsys, monkeypatch, *asked[:-1], "late.csv")[2] == 2 and Path("late.csv").read_text() == edited


def test_nothing_of_the_data_commands_a_terminal_or_a_page() -> None:
    evil = "a\x1b]0;b\x07\u202ec\n<script>"
    row = {"split": "train", "file": evil, "row": 2, "label": [evil], "likely": evil, "probability": 0.5, "why": evil}
    row["input"] = evil
    found = {"run": evil, "target": "class", "wrong": 1, "rows": 9, "suspects": [row, row | {"input": {evil: evil}}]}
    text = "".join(part for line in shown.lines(found, False) for part, _ in line)
    assert not [each for each in text if unicodedata.category(each).startswith("C")] and "a" in text
    html = page(found)
    assert "<script" not in html and "\x1b" not in html and html.count("<article") == 2
    many = page(found | {"suspects": [row] * (MOST + 3)})
    assert many.count("<article") == MOST and "and 3 more" in many
    assert "<article" not in page(found | {"wrong": 0, "suspects": []})
