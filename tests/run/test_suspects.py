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
from calls import call, talk
from samples import news_rows, write_csv
from sklearn.datasets import load_digits

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.store import predictions
from trainwright.watch import suspects as shown

QUICK: dict[str, Any] = {"speed": "off", "baselines": "off", "listen": lambda event: None}


def planted(count: int = 400, flips: int = 20) -> tuple[list[tuple[str, str]], dict[int, str]]:
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


def refused(code: str, *given: Any, **more: Any) -> None:
    with pytest.raises(TrainwrightError) as caught:
        tw.suspects(*given, **more)
    assert caught.value.code == code


def test_planted_labels_are_found_corrected_and_trained_on(run: tuple[tw.Run, dict[int, str]], tmp_path: Path) -> None:
    trained, right = run
    table, source = tmp_path / "labels.csv", trained.path.parent / "news.csv"
    said = call("suspects", trained.path, "--folds", 3, "--out", table, cwd=tmp_path).stdout
    found = pl.read_csv(table, infer_schema_length=0).to_dicts()
    first = found[: len(right)]
    assert sum(int(each["row"]) in right for each in first) >= 0.9 * len(right)
    assert all(each["likely"] == right[int(each["row"])] for each in first if int(each["row"]) in right)
    assert said.startswith(f"about {len(found)} labels of 400 are probably wrong") and f"--fix {table}" in said
    assert abs(len(found) - len(right)) <= 10
    lines = [{**each, "label": right.get(int(each["row"]), each["label"])} for each in found]
    kept = predictions.read(trained.folder.predictions).filter(pl.col("split") == "test").to_dicts()
    more = next(each for each in kept if each["row"] not in [int(line["row"]) for line in lines])
    other = "space" if more["truth"] != "space" else "sport"
    lines.append(dict.fromkeys(found[0]) | {"file": more["file"], "row": more["row"], "given": more["truth"], "label": other})
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, found[0])
        writer.writeheader()
        writer.writerows(lines)
    told = call("train", source, "speed=off", "baselines=off", "--fix", table, "--out", "fixed", cwd=tmp_path).stdout
    changed = [each["split"] or "test" for each in lines if each["label"] != each["given"]]
    corrected = {split: changed.count(split) for split in ("train", "valid", "test") if split in changed}
    fixed = tw.load(tmp_path / "fixed")
    assert fixed.report["fixed"] == {"file": "labels.csv", "corrected": corrected, "left_out": 0}
    changed = [
        f"{corrected[name]} {name} label{'s' * (corrected[name] > 1)}" for name in ("valid", "test") if name in corrected
    ]
    assert f"{' and '.join(changed)} w" in told and "corrected by labels.csv" in told
    assert not tw.verify(fixed.path).wrong and not tw.replay(fixed.path).wrong
    again = tw.suspects(fixed, folds=3)  # what was corrected before comes along, as the source still has the old labels
    lines = again["corrected"] + again["suspects"]
    assert {each["row"] for each in lines} >= {int(each["row"]) for each in found if int(each["row"]) in right}
    assert {each["given"] for each in again["corrected"] if each["row"] in right} <= {label for label, _ in planted()[0]}
    table.write_text(table.read_text() + "\n")
    assert tw.verify(fixed.path).wrong == [f"{table} is not the file that it was"]
    with pytest.raises(TrainwrightError, match="E498"):
        tw.resume(fixed, epochs=20, listen=lambda event: None)


def test_the_same_command_finds_the_same(run: tuple[tw.Run, dict[int, str]]) -> None:
    before = sorted(path.stat().st_mtime_ns for path in run[0].path.rglob("*"))
    one, other = (tw.suspects(run[0], 3, folds=2) for _ in range(2))
    assert one == other and len(one["suspects"]) == 3
    assert sorted(path.stat().st_mtime_ns for path in run[0].path.rglob("*")) == before  # nothing is written


def test_pictures_of_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    truth, draw = load_digits().target, random.Random(0)
    bad = {place + 1: int(truth[place] + draw.randrange(1, 10)) % 10 for place in draw.sample(range(len(truth)), 90)}
    lines = [f"digits,{row},{truth[row - 1]},{label}" for row, label in bad.items()]
    Path("flips.csv").write_text("\n".join(["file,row,given,label", *lines]))
    trained = tw.train("digits", out="run", fix="flips.csv", model={"name": "mlp"}, epochs=5, **QUICK)
    found = tw.suspects(trained, folds=2)
    assert sum(each["row"] in bad for each in found["suspects"][:90]) >= 0.8 * 90
    assert all(each["input"].startswith("data:image/") for each in found["suspects"])
    assert abs(found["wrong"] - 90) <= 45


def test_tables_numbers_and_sets(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 300))
    a, bad = a + np.sign(a), draw.permutation(300)[:15]
    kind = a > 0
    pl.DataFrame({"a": a, "b": b, "kind": np.where(kind ^ np.isin(np.arange(300), bad), "up", "down")}).write_csv(
        tmp_path / "k.csv"
    )
    found = tw.suspects(tw.train(tmp_path / "k.csv", label="kind", out=tmp_path / "k", epochs=15, **QUICK), folds=2)
    assert found["rows"] == 300 and sum(each["row"] - 2 in bad for each in found["suspects"][:15]) >= 13
    price = 3 * a - b + draw.normal(scale=0.1, size=300)
    price[bad[:3]] += 20
    pl.DataFrame({"a": a, "b": b, "price": price}).write_csv(tmp_path / "n.csv")
    run = tw.train(tmp_path / "n.csv", label="price", out=tmp_path / "n", model={"name": "linear"}, **QUICK)
    found = tw.suspects(run, folds=2)
    assert {each["row"] - 2 for each in found["suspects"][:3]} == {*bad[:3].tolist()} and found["target"] == "number"
    texts = [("|".join({label, "money"}), text + " bank market") for label, text in news_rows(300)]
    texts[7] = ("sport|space", texts[7][1])
    run = tw.train(write_csv(tmp_path / "s.csv", texts, ("labels", "text")), target="labels", out=tmp_path / "s", **QUICK)
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
    (tmp_path / "novel.txt").write_text("it was a dark night and so on " * 200)
    refused("E490", tw.train(tmp_path / "novel.txt", out=tmp_path / "novel", task="language", epochs=1, **QUICK))


def test_a_table_that_a_person_edited_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"split": "train", "file": "a.csv", "row": 2, "given": "up", "label": "up", "likely": "down", "probability": 0.5}
    found = {"target": "class", "wrong": 1, "rows": 9, "suspects": [row | {"why": "", "input": "a text"}], "corrected": []}
    monkeypatch.setattr(tw, "suspects", lambda *given, **more: found)
    table, asked = tmp_path / "labels.csv", ("suspects", tmp_path, "--out", tmp_path / "labels.csv")
    for _ in range(2):  # the same once more is no loss
        said, _, code = talk(capsys, monkeypatch, *asked)
        assert code == 0 and said.startswith("about 1 label of 9 is probably wrong") and "An estimate: " in said
        assert f"{table}: 1 row; " in said
    edited = table.read_text().replace("up,up,", "up,down,")
    table.write_text(edited)
    said, problem, code = talk(capsys, monkeypatch, *asked)
    assert code == 2 and problem.startswith("E499: ") and "--out FILE" in problem and table.read_text() == edited
    assert "is likely down" in said  # what was found is shown all the same
    assert talk(capsys, monkeypatch, *asked[:-1], tmp_path / "other.csv")[2] == 0


def test_nothing_of_the_data_commands_a_terminal() -> None:
    evil = "a\x1b]0;b\x07\u202ec\n"
    row = {"split": "train", "file": evil, "row": 2, "label": [evil], "likely": evil, "probability": 0.5, "why": evil}
    row["input"] = evil
    found = {"target": "class", "wrong": 1, "rows": 9, "suspects": [row, row | {"input": {evil: evil}}]}
    text = "".join(part for line in shown.lines(found, False) for part, _ in line)
    assert not [each for each in text if unicodedata.category(each).startswith("C")] and "a" in text
