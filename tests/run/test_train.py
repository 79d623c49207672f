"""tw.train from a file to a model: sources of every kind, splits, settings, the cache, and what data.json says."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import zstandard
from safetensors.numpy import load_file
from samples import news_rows, rows_measured, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.plain_files import read_lines
from trainwright.watch.events import Note

ROWS = news_rows(240)


def fit(source, folder: Path, **options):
    return tw.train(source, out=folder / "run", listen=lambda event: None, **{"epochs": 2, **options})


def data(run) -> dict:
    return json.loads((run.path / "data.json").read_text())


def sources(folder: Path) -> dict[str, Path]:
    """The same rows in every format."""
    frame = pl.DataFrame(ROWS, schema=["label", "text"], orient="row")
    made = {
        name: folder / name
        for name in ("a.csv", "a.tsv", "semi.txt", "a.csv.gz", "a.csv.zst", "a.parquet", "a.jsonl", "a.json")
    }
    frame.write_csv(made["a.csv"])
    frame.write_csv(made["a.tsv"], separator="\t")
    frame.write_csv(made["semi.txt"], separator=";", quote_style="always")
    made["a.csv.gz"].write_bytes(gzip.compress(made["a.csv"].read_bytes()))
    made["a.csv.zst"].write_bytes(zstandard.compress(made["a.csv"].read_bytes()))
    frame.write_parquet(made["a.parquet"])
    frame.write_ndjson(made["a.jsonl"])
    frame.write_json(made["a.json"])
    for name, encoding in (("bom", "utf-8-sig"), ("utf16", "utf-16"), ("latin", "latin-1")):
        made[name] = folder / f"{name}.csv"
        made[name].write_bytes((made["a.csv"].read_text() + "sport,caf\u00e9 goal\n").encode(encoding))
    made["fasttext"] = folder / "fast.txt"
    made["fasttext"].write_text("".join(f"__label__{label} {text}\n" for label, text in ROWS))
    made["bare"] = write_csv(folder / "bare.csv", ROWS, ())
    made["folder"] = folder / "classes"
    for number, (label, text) in enumerate(ROWS):
        (made["folder"] / label).mkdir(parents=True, exist_ok=True)
        (made["folder"] / label / f"{number:04}.txt").write_text(text)
    return made


def test_every_format_gives_the_same_model(tmp_path: Path) -> None:
    made = sources(tmp_path)
    reference = None
    for name, path in made.items():
        run = fit(path, tmp_path / f"runs-{name}", epochs=6)
        weights = load_file(run.path / "model" / "model.safetensors")
        rows = data(run)["rows"]
        extra = name in ("bom", "utf16", "latin")
        assert sum(rows.values()) == 240 + extra, name
        if not extra and name != "folder":  # the folder's rows stand in another order
            reference = reference or weights
            assert all(np.array_equal(weights[key], reference[key]) for key in reference), name
        assert run.report["test"]["accuracy"] > 0.6, name
        assert run.predict(["goal of the match"])[0][0] == "sport", name


def test_title_and_description_without_a_header(tmp_path: Path) -> None:
    rows = [(str("sms".index(label[0]) + 1), text[:20].title(), text) for label, text in ROWS]
    source = write_csv(tmp_path / "train.csv", rows, ())
    run = fit(source, tmp_path)
    assert data(run)["columns"] == {"text": ["column_2", "column_3"], "label": "column_1"}


def test_given_splits_are_respected(tmp_path: Path) -> None:
    train, valid, test = (
        write_csv(tmp_path / f"{n}.csv", news_rows(c, s)) for n, c, s in (("a", 200, 1), ("b", 50, 2), ("c", 60, 3))
    )
    run = fit(train, tmp_path, valid=valid, test=test)
    assert data(run)["rows"] == {"train": 200, "valid": 50, "test": 60}
    assert run.report["valid"]["n"] == 50 and run.report["test"]["n"] == 60


def test_a_folder_with_its_own_splits(tmp_path: Path) -> None:
    for split, count, seed in (("train", 150, 1), ("test", 60, 2)):
        for number, (label, text) in enumerate(news_rows(count, seed)):
            (tmp_path / "set" / split / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / split / label / f"{number}.txt").write_text(text)
    rows = data(fit(tmp_path / "set", tmp_path))["rows"]
    assert rows["test"] == 60 and rows["train"] + rows["valid"] == 150


def test_what_data_json_says(tmp_path: Path) -> None:
    train = write_csv(
        tmp_path / "a.csv",
        [*ROWS, ROWS[0], ("money" if ROWS[1][0] != "money" else "sport", ROWS[1][1]), ("sport", ""), ("", "x y z")],
    )
    test = write_csv(tmp_path / "t.csv", [*news_rows(30, 5), ROWS[0], ROWS[2], ("weather", "rain and wind")])
    notes = []
    run = tw.train(train, test=test, out=tmp_path / "run", epochs=1, listen=notes.append)
    found = data(run)
    assert found["classes"].keys() == {"sport", "money", "space"}
    assert found["audit"]["empty"] == 1 and found["audit"]["conflicts"] == 1
    assert found["audit"]["across"]["train-test"] + found["audit"]["across"]["valid-test"] >= 2
    assert {(Path(r["file"]).name, r["row"], r["reason"]) for r in found["rejected_rows"]} == {
        ("a.csv", 245, "no label"),
        ("t.csv", 34, "label 'weather' is not in the training split"),
    }
    said = {note.what for note in notes if isinstance(note, Note)}
    assert said >= {
        "label",
        "text",
        "split",
        "classes",
        "left out",
        "duplicate rows",
        "conflicts",
        "vocabulary",
        "lr",
    }


@pytest.mark.parametrize(
    ("split", "unused"), [("content", "price, maker, day"), ("group:maker", "price, day"), ("time:day", "price, maker")]
)
def test_columns_that_a_text_run_does_not_use_are_named(split: str, unused: str, tmp_path: Path) -> None:
    rows = [(*row, f"{place % 7}.5", f"m{place % 20}", f"2026-01-{place % 28 + 1:02}") for place, row in enumerate(ROWS)]
    source = write_csv(tmp_path / "a.csv", rows, ("label", "text", "price", "maker", "day"))
    notes: list = []
    given = {"epochs": 1, "text": "text", "label": "label", "split": split}
    for _ in range(2):  # the second comes from the cache
        tw.train(source, runs=tmp_path / "runs", listen=notes.append, **given)
    said = [note for note in notes if isinstance(note, Note) and note.what == "left out"]
    assert [note.value for note in said] == [unused] * 2 and "text=NAME,NAME" in said[0].why
    notes.clear()
    tw.train(source, runs=tmp_path / "runs", listen=notes.append, **given | {"text": "text,price,maker,day"})
    assert not [note for note in notes if isinstance(note, Note) and note.what == "left out"]


def test_a_given_setting_is_kept_and_the_rest_derived(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", ROWS)
    notes = []
    tw.train(source, out=tmp_path / "run", epochs=1, lr=0.5, model={"ngrams": 1}, listen=notes.append)
    said = {note.what for note in notes if isinstance(note, Note)}
    assert "lr" not in said and "epochs" not in said and "model.ngrams" not in said and "batch_size" in said
    text = (tmp_path / "run" / "settings.toml").read_text()
    assert "lr = 0.5" in text and "ngrams = 1" in text and 'source = "' in text


def test_characters_are_derived_given_and_switched_off(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", ROWS)
    chosen = {"derived": {}, "off": {"model": {"chars": "none"}}, "given": {"model": {"chars": "5,3,3"}}}
    chosen |= {"spelled": {"tokenizer": "characters"}, "means": {"model": {"embedding": 8}}}
    found = {name: fit(source, tmp_path / name, epochs=1, **settings) for name, settings in chosen.items()}
    settings = {name: tomllib.loads((run.path / "settings.toml").read_text())["model"] for name, run in found.items()}
    lengths = {name: each["chars"] for name, each in settings.items()}
    assert lengths == {"derived": [4], "off": [], "given": [3, 5], "spelled": [], "means": []}


@pytest.mark.parametrize("how", ["content", "stratified", "group:label2", "time:when"])
def test_every_way_to_split(how: str, tmp_path: Path) -> None:
    rows = [(label, text, str(number % 30), f"2026-01-{number % 28 + 1:02}") for number, (label, text) in enumerate(ROWS)]
    source = write_csv(tmp_path / "a.csv", rows, ("label", "text", "label2", "when"))
    found = data(fit(source, tmp_path, split=how, text=["text"], label="label"))["rows"]
    assert found["valid"] > 5 and found["test"] > 5 and sum(found.values()) == 240


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "textcnn"},
        {"model": "lstm"},
        {"model": {"embedding": 16, "hidden": [16], "dropout": 0.1}},
        {"model": {"embedding": 16, "weighting": "tf-idf", "ngrams": 2}},
        {"optimizer": {"name": "SGD", "momentum": 0.9}, "lr": 0.5, "clip": 1.0},
        {"optimizer": "Adagrad", "lr": 0.3, "accumulate": 3, "batch_size": 16},
        {"class_weights": "balanced", "label_smoothing": 0.1, "warmup": 0.1},
        {"loss": "MultiMarginLoss", "schedule": []},
        {"loss": {"name": "BCEWithLogitsLoss"}, "clip_value": 0.5},
        {"tokenizer": "characters", "model": {"ngrams": 3}},
        {"valid_fraction": 0.0, "epochs": 3},
        {"test_fraction": 0.0},
        {"max_vocabulary": 30},
    ],
    ids=str,
)
def test_settings_work_and_the_saved_model_is_the_measured_one(settings: dict, tmp_path: Path) -> None:
    run = fit(write_csv(tmp_path / "a.csv", ROWS), tmp_path, **{"epochs": 6, **settings})
    report = run.report
    measured = report["test"] or report["valid"]
    assert measured["accuracy"] > 0.55
    again = tw.load(run.path)
    whole = write_csv(tmp_path / "whole.csv", ROWS)
    assert run.evaluate(whole) == again.evaluate(whole) and rows_measured(run.evaluate(whole)) == 240
    parts = [again.predict([text])[0] for _, text in ROWS[:20]]
    together = again.predict([text for _, text in ROWS[:20]])
    assert [label for label, _ in parts] == [label for label, _ in together]
    assert [p for _, p in parts] == pytest.approx([p for _, p in together], abs=1e-6)


def test_the_cache_gives_the_same_run_or_is_made_anew(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    source = write_csv(tmp_path / "a.csv", ROWS)
    first = tw.train(source, out=tmp_path / "1", epochs=2, listen=lambda event: None)
    with monkeypatch.context() as patch:
        patch.setattr("trainwright.tasks.text.problem.read", None)  # a second reading would fail
        second = tw.train(source, out=tmp_path / "2", epochs=2, listen=lambda event: None)
        assert first.report["test"] == second.report["test"] and data(first) == data(second)
        with pytest.raises(TypeError):  # another setting that shapes the data is another entry
            tw.train(source, out=tmp_path / "3", epochs=2, min_count=1, listen=lambda event: None)
    (entry,) = [each for each in tw.cache() if each["source"] == str(source)]
    path = Path(entry["path"], "arrays.safetensors")
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    said: list[object] = []
    third = tw.train(source, out=tmp_path / "4", epochs=2, listen=said.append)
    assert [each[2] for each in said if isinstance(each, Note) and each[:2] == ("cache", "damaged")]
    assert first.report["test"] == third.report["test"]
    content[-9] ^= 1
    assert path.read_bytes() == content, "it was encoded again"


def test_the_run_in_python(trained) -> None:
    assert trained.predict("goal for the team")[0][0] == "sport"
    two = trained.predict(["goal", "shares"], top=2)
    assert [len(found) for found in two] == [2, 2] and two[0][0][1] >= two[0][1][1]
    assert trained.predict([]) == []
    assert tw.predict(trained.path, ["moon"]) == trained.predict(["moon"])
    assert tw.evaluate(trained.path) == {"split": "test", **trained.report["test"]}
    assert not trained.model.training and repr(trained).startswith("Run(")
    assert [found["run"] for found in tw.runs(trained.path.parent)] == [str(trained.path)]
    assert {row.key for row in tw.settings()} >= {"lr", "epochs"} and "news" in tw.recipes()


def test_the_test_split_is_measured_once_by_the_best_epoch(trained) -> None:
    report = trained.report
    test = report["test"]
    assert sum(map(sum, test["confusion"])) == test["n"] == report["rows"]["test"]
    assert test["accuracy"] == sum(test["confusion"][i][i] for i in range(3)) / test["n"]
    assert report["baseline"]["accuracy"] < test["interval"][0]
    assert (trained.path / "report.html").read_text().count("<figure>") >= 4


def test_the_documentation_of_python(tmp_path: Path) -> None:
    run = fit("python-docs", tmp_path, epochs=1)
    assert run.report["test"]["accuracy"] > 0.5 and len(run.report["labels"]) > 10


def test_the_kept_model_is_that_of_the_best_epoch(tmp_path: Path) -> None:
    noisy = [(ROWS[number - 7][0] if number % 2 else label, text) for number, (label, text) in enumerate(ROWS)]
    source = write_csv(tmp_path / "a.csv", noisy)  # labels that cannot be learned: soon only the training loss falls
    run = fit(source, tmp_path, epochs=12, lr=0.5, schedule=[], monitor="loss", class_weights="balanced")
    history = pl.read_csv(run.path / "history.csv")
    best = int(history["valid_loss"].arg_min() or 0)
    assert best + 1 == run.report["best_epoch"] < 12
    assert run.report["valid"]["loss"] == pytest.approx(history["valid_loss"][best], rel=1e-6)
    assert history["valid_loss"][best] < history["valid_loss"][-1] * 0.99


def test_training_leaves_the_persons_random_state_alone(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    fit(write_csv(tmp_path / "a.csv", ROWS), tmp_path, epochs=1, model={"embedding": 4, "dropout": 0.5})
    assert torch.equal(torch.random.get_rng_state(), state)


def test_torchs_compiler_is_never_imported(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", ROWS)
    code = (
        "import sys\nimport trainwright as tw\n"
        f"tw.train({str(source)!r}, out={str(tmp_path / 'run')!r}, epochs=1, listen=lambda event: None)\n"
        "assert 'torch' in sys.modules and 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_single_class_to_train_on_is_no_classifier(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", [("sport", text) for _, text in ROWS[:60]])
    test = write_csv(tmp_path / "test.csv", ROWS[60:100])
    with pytest.raises(TrainwrightError) as caught:
        tw.train(train, test=test, out=tmp_path / "run", listen=lambda event: None)
    assert caught.value.code == "E216" and not (tmp_path / "run").exists()


def test_the_split_that_is_said_is_the_split_that_is_measured(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "a.csv", ROWS)
    test = write_csv(tmp_path / "t.csv", [*news_rows(15, 5), ("weather", "rain"), ("weather", "wind")])
    notes = []
    run = tw.train(train, test=test, out=tmp_path / "run", epochs=1, listen=notes.append)
    said = next(note.value for note in notes if isinstance(note, Note) and note.what == "split")
    assert "test 15" in said and run.report["test"]["n"] == 15


def test_classes_that_are_numbered_are_not_misspelt(tmp_path: Path) -> None:
    rows = [(f"class_{number % 2 + 1}", text) for number, (_, text) in enumerate(ROWS[:60])] + [("class_10", "one of its own")]
    fit(write_csv(tmp_path / "a.csv", rows), tmp_path, epochs=1)


def test_nothing_left_to_train_on_is_refused(tmp_path: Path) -> None:
    rows = [(label, text, "only") for label, text in ROWS[:20]]
    source = write_csv(tmp_path / "a.csv", rows, ("label", "text", "site"))
    for fraction in ({"test_fraction": 0.99}, {"valid_fraction": 0.99}):
        given = {"valid_fraction": 0.0, "test_fraction": 0.0} | fraction
        with pytest.raises(TrainwrightError) as caught:
            fit(source, tmp_path, split="group:site", text=["text"], label="label", **given)
        assert caught.value.code == "E221"


def test_a_rate_that_is_given_is_the_highest_of_one_cycle(tmp_path: Path) -> None:
    events = []
    tw.train(
        write_csv(tmp_path / "a.csv", ROWS),
        out=tmp_path / "run",
        epochs=2,
        lr=0.003,
        schedule="OneCycleLR",
        listen=events.append,
    )
    rates = [event.lr for event in events if event.kind == "step"]
    assert max(rates) == pytest.approx(0.003, rel=0.05)


def test_the_answer_is_the_class_that_was_measured() -> None:
    from trainwright.data.labels import LabelEncoder
    from trainwright.tasks.class_target import ClassTarget

    logits = np.array([[18.0, 25.0, -5.0], [1.1, 1.3, 0.0]], np.float32)
    for loss in ("BCEWithLogitsLoss", "MSELoss", "CrossEntropyLoss"):
        target = ClassTarget(LabelEncoder(("a", "b", "c")), {"loss": {"name": loss}, "smoothing": 0.0, "weights": None})
        assert [answer[0][0] for answer in target.answers(logits, 1)] == ["b", "b"]


def test_what_was_derived_is_kept_with_its_reasons(tmp_path: Path) -> None:
    said: list[Note] = []
    run = tw.train(
        write_csv(tmp_path / "news.csv", ROWS),
        out=tmp_path / "run",
        epochs=1,
        listen=lambda event: said.append(event) if isinstance(event, Note) else None,
    )
    kept = [event for event in read_lines(run.path / "events.jsonl") if event["event"] == "note"]
    assert [(note["what"], note["value"], note["why"]) for note in kept] == [tuple(map(str, note)) for note in said]
    assert {"lr", "batch_size", "split"} <= {note["what"] for note in kept}


@pytest.mark.parametrize("name", ["out", "runs", "from_run", "valid", "test"])
def test_an_empty_name_is_not_the_current_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tw.TrainwrightError, match=f"E169: {name}=''"):
        tw.train("iris", **{name: ""})
    assert not [*tmp_path.iterdir()]


def test_an_empty_name_is_no_run_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = torch.nn.Linear(2, 2)
    job = {"loss": torch.nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(net.parameters(), lr=0.1), "epochs": 1, "out": ""}
    calls = [
        lambda: tw.resume(""),
        lambda: tw.load(""),
        lambda: tw.verify(""),
        lambda: tw.replay(tmp_path, out=""),
        lambda: tw.story(tmp_path, out=""),
        lambda: tw.landscape(tmp_path, out=""),
        lambda: list(tw.fit(net, (torch.zeros(4, 2), torch.zeros(4, dtype=torch.long)), **job)),
    ]
    for call in calls:
        with pytest.raises(tw.TrainwrightError, match="E169"):
            call()
    assert not [*tmp_path.iterdir()]
