"""Several labels a row from a file to a model and back: texts, tables and pictures, every verb, every way to write them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import call, talk
from samples import FILLER, TOPICS, evaluate_all
from sklearn import metrics as sklearn

import trainwright as tw
from trainwright.api import Run
from trainwright.errors import TrainwrightError
from trainwright.store import predictions
from trainwright.watch import record
from trainwright.watch.events import Note
from trainwright.watch.explained.explanation import Rule
from trainwright.watch.report.page import render

QUICK: dict[str, Any] = {"speed": "off", "listen": lambda event: None}
LABELS = sorted(TOPICS)


def rows(count: int = 240, seed: int = 0, empty: bool = False) -> list[tuple[str, list[str]]]:
    """(text, labels): a text has words of each of its topics. No two texts are equal."""
    draw, found = random.Random(seed), []
    for number in range(count):
        labels = draw.sample(LABELS, draw.choice([0, 1, 1, 2] if empty else [1, 1, 2]))
        words = [word for label in labels for word in draw.choices(TOPICS[label], k=4)] + draw.choices(FILLER, k=5)
        draw.shuffle(words)
        found.append((" ".join([*words, f"n{number}"]), labels))
    return found


def table(path: Path, given: list[tuple[str, list[str]]], mark: str = "|") -> Path:
    pl.DataFrame({"text": [text for text, _ in given], "labels": [mark.join(each) for _, each in given]}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("labels")
    return tw.train(table(folder / "posts.csv", rows()), out=folder / "run", epochs=4, **QUICK)


def test_scores_are_those_of_scikit_learn(run: Run) -> None:
    report, test = run.report, run.report["test"]
    assert report["task"] == "multi-label text classification" and report["labels"] == LABELS
    found = predictions.read(run.folder.predictions).filter(pl.col("split") == "test")
    truth, answer = (
        np.array([[name in each for name in LABELS] for each in found[key].to_list()]) for key in ("truth", "answer")
    )
    shares = found["probabilities"].to_numpy()
    thresholds = np.array([one["threshold"] for one in test["per_class"]])
    assert (answer == (shares.astype(float) >= thresholds)).all()
    assert test["micro_f1"] == pytest.approx(sklearn.f1_score(truth, answer, average="micro"), abs=1e-9)
    assert test["macro_f1"] == pytest.approx(sklearn.f1_score(truth, answer, average="macro"), abs=1e-9)
    assert test["subset_accuracy"] == pytest.approx(sklearn.accuracy_score(truth, answer), abs=1e-9)
    assert test["average_precision"] == pytest.approx(sklearn.average_precision_score(truth, shares), abs=1e-9)
    wanted = sklearn.average_precision_score(truth, shares, average="micro")
    assert test["micro_average_precision"] == pytest.approx(wanted, abs=1e-9)
    assert test["n"] == len(found) == report["rows"]["test"] and test["accuracy"] is None
    terms = np.where(truth, -np.log(shares), -np.log1p(-shares.astype(float)))
    assert test["loss"] == pytest.approx(terms.mean(), rel=1e-4)
    assert found["loss"].to_numpy() == pytest.approx(terms.mean(axis=1), rel=1e-4)


def test_it_is_learned(run: Run) -> None:
    test, baseline = run.report["test"], run.report["baseline"]
    assert test["micro_f1"] > 0.9 > baseline["micro_f1"] and test["micro_f1_interval"][0] > baseline["micro_f1"]


def test_an_answer_is_a_set_and_every_probability(run: Run) -> None:
    (answer,) = run.predict("rocket orbit moon bank market shares")
    assert sorted(answer.labels) == ["money", "space"] and set(answer.probabilities) == set(LABELS)
    assert list(answer.probabilities.values()) == sorted(answer.probabilities.values(), reverse=True)
    one, other = run.predict(["match team goal", "rocket orbit moon"], top=2)
    assert one.labels == ("sport",) and other.labels == ("space",)
    network = run.predictor.model  # what numpy answered is what the network says
    ids = run.predictor.encoder.transform(["match team goal"])
    batch = next(
        iter(
            run.predictor.encoder.batches(
                ids, np.zeros((1, 3), np.uint8), batch_size=1, seed=None, device=run.predictor.device
            ).epoch(0)
        )
    )
    logits = network(*batch.inputs)[0].detach().numpy()
    assert [one.probabilities[name] for name in LABELS] == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)


def test_the_command_line_says_sets(run: Run, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    out, _, _ = talk(capsys, monkeypatch, "predict", run.path, "rocket orbit moon bank market shares", "match team goal")
    first, second = (line.split("\t") for line in out.splitlines())
    assert sorted(first[0].split("|")) == ["money", "space"] and second[0] == "sport" and len(first) == 7
    out, _, _ = talk(capsys, monkeypatch, "predict", run.path, "match team goal", "--json")
    said = json.loads(out)
    assert said["labels"] == ["sport"] and set(said["probabilities"]) == set(LABELS)
    file = table(tmp_path / "new.csv", rows(20, seed=9))
    out, _, _ = talk(capsys, monkeypatch, "predict", run.path, file)
    found = pl.read_csv(out.encode())
    assert found.columns == ["text", "labels", "predicted", *(f"probability_{name}" for name in LABELS)]
    truth = [sorted(each) for _, each in rows(20, seed=9)]
    assert sum(sorted(each.split("|")) == right for each, right in zip(found["predicted"], truth, strict=True)) >= 17
    out, _, _ = talk(capsys, monkeypatch, "evaluate", run.path, file)
    assert "micro F1" in out and "Test rows by label" in out and "said from" in out


def test_a_labelled_file_is_measured(run: Run, tmp_path: Path) -> None:
    given = [*rows(30, seed=3), ("comet probe", ["space", "weather"])]
    found = evaluate_all(run, table(tmp_path / "more.csv", given))
    assert found["n"] == 31 and [one["label"] for one in found["per_class"]] == LABELS
    answers = [each.labels for each in run.predict([text for text, _ in given])]
    hits = sum(len(set(answer) & set(labels)) for answer, (_, labels) in zip(answers, given, strict=True))
    there = sum(len(set(labels) & set(LABELS)) for _, labels in given)
    assert found["micro_f1"] == pytest.approx(2 * hits / (sum(map(len, answers)) + there))


def test_a_run_is_verified_repeated_and_shown(run: Run, capsys: Any, monkeypatch: Any) -> None:
    assert tw.verify(run).wrong == [] and tw.replay(run).wrong == []
    page = render(record.read(run.path), [])
    assert "Test rows by label" in page and ">said from<" in page and ">mostly taken for<" not in page
    for words in (("explain", run.path, "rocket orbit bank"), ("mistakes", run.path), ("story", run.path)):
        out, wrong, code = talk(capsys, monkeypatch, *words)
        assert code == 0 and "Traceback" not in wrong and out, words
    examples = json.loads((run.path / "examples.json").read_text())
    assert {each["group"] for each in examples} <= {"wrong", "right"} and isinstance(examples[0]["truth"], list)


def test_an_explanation_takes_a_set_for_the_truth(run: Run) -> None:
    found = run.predictor.explain("rocket orbit bank", "space,money", Rule({"lr": 0.1}))
    terms = {each.label: each.term for each in found.classes}
    right = {"space", "money"}
    for each in found.classes:
        assert terms[each.label] == pytest.approx(np.logaddexp(0, -each.logit if each.label in right else each.logit))
    assert found.loss == pytest.approx(np.mean(list(terms.values())), rel=1e-4) and found.step.after[0].loss < found.loss
    with pytest.raises(TrainwrightError) as caught:
        run.predictor.explain("rocket", "space,weather", Rule({}))
    assert caught.value.code == "E337"


def test_it_goes_on(run: Run, tmp_path: Path) -> None:
    longer = tw.train(
        run.path.parent / "posts.csv",
        out=tmp_path / "a",
        epochs=2,
        **QUICK,
    )
    again = tw.resume(longer, epochs=4, listen=QUICK["listen"])
    assert again.report["epochs"] == 4
    more = rows(60, seed=5)
    more = [(text, ["news" if label == "space" else label for label in labels]) for text, labels in more]
    tuned = tw.train(table(tmp_path / "b.csv", more), from_run=run.path, out=tmp_path / "b", epochs=1, **QUICK)
    assert tuned.report["labels"] == ["money", "news", "sport"]
    with pytest.raises(TrainwrightError) as caught:
        tw.train(tmp_path / "b.csv", from_run=run.path, target="class", **QUICK)
    assert caught.value.code == "E260"


def test_a_stopped_run_ends_as_one_that_was_not(run: Run, tmp_path: Path) -> None:
    source = run.path.parent / "posts.csv"
    whole = tw.train(source, out=tmp_path / "whole", epochs=3, seed=1, **QUICK)

    class Stop(Exception):
        pass

    def stop(event: Any) -> None:
        if type(event).__name__ == "Epoch" and event.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        tw.train(source, out=tmp_path / "part", epochs=3, seed=1, speed="off", checkpoint_every="1epoch", listen=stop)
    part = tw.resume(tmp_path / "part", listen=QUICK["listen"])
    assert part.report["test"] == whole.report["test"]


# ---- every way to write them


def written(folder: Path, how: str) -> tuple[Path, dict[str, Any]]:
    """The same rows in a file of some form, and what to say of it; an empty set only where the form can say so."""
    given = rows(120, empty=how in ("json", "parquet", "columns", "cats"))
    flags = [{name: int(name in labels) for name in LABELS} for _, labels in given]
    if how in ("|", ";", ",", " "):
        return table(folder / "a.csv", given, mark=how), {}
    if how == "fasttext":
        lines = [" ".join([*(f"__label__{label}" for label in labels), text]) for text, labels in given]
        (folder / "a.txt").write_text("\n".join(lines))
        return folder / "a.txt", {}
    if how == "parquet":
        pl.DataFrame({"text": [text for text, _ in given], "labels": [labels for _, labels in given]}).write_parquet(
            folder / "a.parquet"
        )
        return folder / "a.parquet", {}
    if how == "columns":
        pl.DataFrame([{"text": text, **each} for (text, _), each in zip(given, flags, strict=True)]).write_csv(folder / "a.csv")
        return folder / "a.csv", {"label": LABELS}
    key = {"json": "labels", "cats": "cats"}[how]
    values = [each if how == "cats" else labels for (_, labels), each in zip(given, flags, strict=True)]
    lines = [json.dumps({"text": text, key: value}) for (text, _), value in zip(given, values, strict=True)]
    (folder / "a.jsonl").write_text("\n".join(lines))
    return folder / "a.jsonl", {}


@pytest.mark.parametrize("how", ["|", ";", ",", " ", "fasttext", "json", "parquet", "columns", "cats"])
def test_every_way_to_write_them(tmp_path: Path, how: str) -> None:
    source, said = written(tmp_path, how)
    notes: list[Any] = []
    run = tw.train(source, out=tmp_path / "run", epochs=2, speed="off", listen=notes.append, **said)
    assert run.report["labels"] == LABELS and run.report["rows"]["rejected"] == 0
    assert ("target", "labels") in [(note.what, note.value) for note in notes if isinstance(note, Note)]
    counts = json.loads(run.folder.data.read_text())["classes"]
    given = rows(120, empty=how in ("json", "parquet", "columns", "cats"))
    for name in LABELS:
        assert sum(counts[name].values()) == sum(name in labels for _, labels in given)
    found = evaluate_all(run, source)
    assert found["n"] == 120
    assert [one["n"] for one in found["per_class"]] == [sum(name in labels for _, labels in given) for name in LABELS]


def test_one_of_an_object_is_a_class(tmp_path: Path) -> None:
    given = [(text, labels[0]) for text, labels in rows(90)]
    lines = [json.dumps({"text": text, "cats": {name: int(name == label) for name in LABELS}}) for text, label in given]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    run = tw.train(tmp_path / "a.jsonl", out=tmp_path / "run", epochs=2, **QUICK)
    assert run.report["labels"] == LABELS and run.report["task"] == "text classification"
    assert evaluate_all(run, tmp_path / "a.jsonl")["n"] == 90


def test_ordinary_classes_stay_whole(tmp_path: Path) -> None:
    names = {"money": "business, money", "space": "science, space", "sport": "sport"}
    given = [(text, [names[labels[0]]]) for text, labels in rows(90)]
    run = tw.train(table(tmp_path / "a.csv", given), out=tmp_path / "run", epochs=1, **QUICK)
    assert run.report["labels"] == sorted(names.values())


def test_a_table_with_several_labels(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = draw.random((400, 3))
    tags = [";".join(name for name, value in zip(LABELS, row, strict=True) if value > 0.6) or "none" for row in values]
    frame = pl.DataFrame({"a": values[:, 0], "b": values[:, 1], "c": values[:, 2]})
    frame.with_columns(tags=pl.Series(tags)).write_csv(tmp_path / "a.csv")
    run = tw.train(tmp_path / "a.csv", out=tmp_path / "run", epochs=20, **QUICK)
    assert run.report["task"] == "multi-label table classification" and run.report["labels"] == sorted([*LABELS, "none"])
    assert run.report["test"]["micro_f1"] > 0.9
    (answer,) = run.predict({"a": 0.95, "b": 0.95, "c": 0.05})
    assert sorted(answer.labels) == LABELS[:2]
    assert evaluate_all(run, tmp_path / "a.csv")["micro_f1"] > 0.9 and tw.verify(run).wrong == []
    tuned = tw.train(tmp_path / "a.csv", from_run=run.path, out=tmp_path / "b", epochs=1, **QUICK)
    assert tuned.report["labels"] == run.report["labels"]
    flags = pl.DataFrame({name: (values[:, place] > 0.6).astype(int) for place, name in enumerate(LABELS)})
    frame.hstack(flags).write_csv(tmp_path / "c.csv")
    run = tw.train(tmp_path / "c.csv", label=",".join(LABELS), out=tmp_path / "c", epochs=20, **QUICK)
    assert run.report["labels"] == LABELS and run.report["test"]["micro_f1"] > 0.9
    assert [each["name"] for each in json.loads(run.folder.data.read_text())["columns"]["features"]] == ["a", "b", "c"]
    assert evaluate_all(run, tmp_path / "c.csv")["n"] == 400


def test_pictures_with_several_labels(tmp_path: Path) -> None:
    from PIL import Image

    draw, lines = np.random.default_rng(0), []
    for number in range(90):
        there = draw.random(3) < 0.5
        pixels = draw.integers(0, 60, (12, 12, 3)).astype(np.uint8)
        pixels[:, :, there] += 150
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        lines.append((f"{number}.png", [name for name, yes in zip(LABELS, there, strict=True) if yes]))
    frame = pl.DataFrame({"image": [name for name, _ in lines], "tags": [json.dumps(labels) for _, labels in lines]})
    frame.write_csv(tmp_path / "a.csv")
    run = tw.train(tmp_path / "a.csv", out=tmp_path / "run", epochs=12, augment="none", lr=0.01, **QUICK)
    assert run.report["task"] == "multi-label image classification" and run.report["labels"] == LABELS
    assert run.report["valid"]["micro_f1"] > 0.8
    (answer,) = run.predict(tmp_path / lines[0][0])
    assert set(answer.probabilities) == set(LABELS)
    assert evaluate_all(run, tmp_path / "a.csv")["n"] == 90 and tw.verify(run).wrong == []
    assert json.loads((run.path / "examples.json").read_text())[0]["input"].startswith("data:image/png")
    mixed = tw.train(tmp_path / "a.csv", out=tmp_path / "mixed", epochs=1, augment="mixup", **QUICK)
    assert mixed.report["epochs"] == 1


# ---- settings


def test_thresholds(run: Run, tmp_path: Path) -> None:
    source = run.path.parent / "posts.csv"
    fixed = tw.train(source, out=tmp_path / "a", epochs=4, threshold=0.9, **QUICK)
    assert [one["threshold"] for one in fixed.report["test"]["per_class"]] == [0.9] * 3
    (answer,) = fixed.predict("rocket orbit moon bank today the of")
    assert {*answer.labels} == {name for name, share in answer.probabilities.items() if share >= 0.9}
    chosen = [one["threshold"] for one in run.report["test"]["per_class"]]
    assert run.predictor.target.thresholds == chosen


def test_settings_that_do_not_fit_are_refused(run: Run, tmp_path: Path) -> None:
    source = run.path.parent / "posts.csv"
    for given, code in (
        ({"label_smoothing": 0.1}, "E287"),
        ({"loss": {"name": "CrossEntropyLoss"}}, "E313"),
        ({"target": "number"}, "E245"),
        ({"monitor": "accuracy"}, "E302"),
        ({"target": "class", "threshold": 0.3}, "E288"),
    ):
        with pytest.raises(TrainwrightError) as caught:
            tw.train(source, out=tmp_path / "no", **given, **QUICK)
        assert caught.value.code == code, given


def test_rare_labels_can_weigh_more(run: Run, tmp_path: Path) -> None:
    given = [(text, labels) for text, labels in rows(200) if "space" not in labels or random.Random(text).random() < 0.15]
    source = table(tmp_path / "a.csv", given)
    plain, weighed = (
        tw.train(source, out=tmp_path / name, epochs=2, threshold=0.5, class_weights=name, **QUICK)
        for name in ("none", "balanced")
    )
    recalls = [each.report["test"]["per_class"][1]["recall"] for each in (plain, weighed)]
    assert recalls[1] >= recalls[0]
    there = {name: sum(name in labels for _, labels in given) for name in LABELS}
    weights = weighed.predictor.target.loss["weights"]
    assert weights[1] == max(weights) and there["space"] == min(there.values())


@pytest.mark.parametrize("monitor", ["micro_f1", "macro_f1", "average_precision", "subset_accuracy"])
def test_any_metric_can_be_monitored(run: Run, tmp_path: Path, monitor: str) -> None:
    found = tw.train(run.path.parent / "posts.csv", out=tmp_path / "a", epochs=2, monitor=monitor, split="stratified", **QUICK)
    assert f"valid_{monitor}" in (found.path / "history.csv").read_text().splitlines()[0]
    assert found.report["valid"][monitor] > 0


def test_labels_that_training_lacks_are_named(tmp_path: Path) -> None:
    notes: list[Any] = []
    train, test = (
        table(tmp_path / "a.csv", rows(90)),
        table(tmp_path / "b.csv", [*rows(20, seed=4), ("comet", ["space", "weather"])]),
    )
    run = tw.train(train, test=test, out=tmp_path / "run", epochs=1, speed="off", listen=notes.append)
    said = [(note.value, note.why) for note in notes if isinstance(note, Note) and note.what == "not measured"]
    assert said == [("1 labels", "'weather' (1 rows): not in the training split")]
    assert run.report["rows"]["test"] == 21


def test_a_process_predicts_without_torch(run: Run, tmp_path: Path) -> None:
    code = "import sys, trainwright as tw; print(tw.predict(*sys.argv[1:3])[0].labels, *map(sys.modules.get, sys.argv[3:]))"
    words = [sys.executable, "-c", code, str(run.path), "rocket orbit moon", "torch", "polars"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == "('space',) None None"
    assert call("predict", run.path, "rocket orbit moon", cwd=tmp_path).stdout.startswith("space\t")


def test_labels_that_no_row_has_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "none.csv"
    source.write_text("text,sport,food\n" + "".join(f"some words {n} here,0,0\n" for n in range(60)))
    with pytest.raises(TrainwrightError) as caught:
        tw.load_data(source, label="sport,food", listen=lambda event: None)
    assert caught.value.code == "E289" and str(source) in str(caught.value)
