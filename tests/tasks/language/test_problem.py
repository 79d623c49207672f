"""Language models through the public verbs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from samples import evaluate_all
from story_samples import fit, story

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.tasks.language import predictor
from trainwright.watch import scores
from trainwright.watch.events import Note


def test_the_report_of_a_language_model(trained: tw.Run) -> None:
    report = trained.report
    assert (report["task"], report["unit"], report["labels"]) == ("language model", "tokens", [])
    test = report["test"]
    assert test["perplexity"] == pytest.approx(math.exp(test["loss"])) and test["n"] == report["rows"]["test"]
    assert test["perplexity"] < report["baseline"]["perplexity"] and test["accuracy"] > 0.3
    assert [each["name"] for each in report["baselines"]] == ["unigram", "bigram"]
    low, high = test["perplexity_interval"] or (0, math.inf)
    assert low < test["perplexity"] < high
    assert [math.exp(end) for end in test["loss_interval"] or ()] == pytest.approx(test["perplexity_interval"] or [])
    history = pl.read_csv(trained.path / "history.csv")
    assert history["valid_perplexity"].to_list() == pytest.approx([math.exp(x) for x in history["valid_loss"]])
    assert (trained.path / "plots" / "curves.png").is_file() and "perplexity" in (trained.path / "report.html").read_text()
    assert "erplexity" in (trained.path / "model" / "README.md").read_text()


def hand_computed(run: tw.Run, ids: np.ndarray, width: int, warm: int) -> float:
    """The loss by a plain float64 loop over windows: no batches, no masks."""
    model = run.predictor.model.double()
    total, count, place = 0.0, 0, 0
    with torch.inference_mode():
        while place < len(ids) - 1:
            first = 0 if place == 0 else place - warm
            window = torch.from_numpy(ids[first : first + width + 1].astype(np.int64))
            features, _ = model(window[None, :-1])
            weight, bias = model.output()
            logits = features[0] @ weight.T + (0 if bias is None else bias)
            for position in range(place - first, len(window) - 1):
                total -= logits[position].log_softmax(0)[window[position + 1]].item()
                count, place = count + 1, place + 1
    model.float()
    assert count == len(ids) - 1
    return total / count


@pytest.mark.parametrize("model", [{"name": "lstm", "embedding": 16, "hidden": 16}, {"name": "gpt", "width": 16, "layers": 2}])
def test_perplexity_does_not_depend_on_the_batch_and_is_the_hand_computed_one(
    model: dict, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "LSTM_WINDOW", 40)
    monkeypatch.setattr(predictor, "LSTM_WARM", 10)
    run = fit(text, tmp_path / "run", model=model, context=30, epochs=1)
    found = []
    for batch in (1, 8, 64):
        monkeypatch.setattr(predictor, "BATCH", batch)
        found.append(evaluate_all(run, text)["perplexity"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)
    ids = run.predictor.encoder.behind_line_end(text.read_text())
    width, warm = (40, 10) if model["name"] == "lstm" else (30, 15)
    assert math.log(found[0]) == pytest.approx(hand_computed(run, ids, width, warm), abs=1e-5)


def test_the_same_command_gives_the_same_model_and_the_cache_changes_nothing(text: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    first = fit(text, tmp_path / "1", model={"embedding": 16, "hidden": 16, "dropout": 0.3})
    monkeypatch.setattr("trainwright.data.read.running_text.read_text", None)  # a second reading would fail
    second = fit(text, tmp_path / "2", model={"embedding": 16, "hidden": 16, "dropout": 0.3})
    assert first.report["test"] == second.report["test"]
    weights = [(run.path / "model" / "model.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] == weights[1]


def test_a_folder_with_named_files_is_split_by_them(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number, part in enumerate(("train", "valid", "test")):
        (folder / f"my.{part}.txt").write_text(story(200 if part == "train" else 30, number))
    run = fit(folder, tmp_path / "run", epochs=1)
    rows = run.report["rows"]
    assert rows["train"] == 200 * 10 and rows["valid"] == rows["test"] == 30 * 10
    data = json.loads((run.path / "data.json").read_text())
    assert data["unknown"] == {"train": 0, "valid": 0, "test": 0} and set(data["repeated_lines"]) == {"valid", "test"}


@pytest.mark.parametrize("tokenizer", ["words", "characters"])
def test_passages_of_test_that_are_in_train_have_a_price(tokenizer: str, tmp_path: Path) -> None:
    folder, train, test = tmp_path / "corpus", story(200, 0), story(30, 2)
    folder.mkdir()
    copied = test[:300] + train[400:1400] + test[300:]
    for name, content in {"train": train, "valid": story(30, 1), "test": copied}.items():
        (folder / f"my.{name}.txt").write_text(content)
    notes: list[Note] = []
    run = fit(folder, tmp_path / "run", epochs=1, tokenizer=tokenizer, listen=notes.append)
    rows = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    tokens, length = (list(copied), 200) if tokenizer == "characters" else (rows["truth"].to_list(), 50)
    known = train if tokenizer == "characters" else " ".join(train.replace("\n", " <eos> ").split())
    blank = "" if tokenizer == "characters" else " "
    within = np.zeros(len(tokens), bool)
    for at in range(len(tokens) - length + 1):
        if blank.join(tokens[at : at + length]) in known:
            within[at : at + length] = True
    found = run.report["without_leaked"]
    assert (found["split"], found["rows"], found["n"]) == ("test", within.sum(), (~within).sum())
    assert 950 / (1 if tokenizer == "characters" else 6) < within.sum() < len(tokens) / 2
    assert found["perplexity"] == pytest.approx(math.exp(rows.filter(~within)["loss"].mean()), rel=1e-5)
    assert found["perplexity_interval"] is None or found["perplexity_interval"][0] < found["perplexity"]
    (said,) = (note for note in notes if isinstance(note, Note) and note.what == "leak" and "runs of" in note.why)
    assert said.value == f"{within.sum():,}" and f"runs of {length} or more" in said.why
    (fact,) = (each for each in scores.facts(run.report) if each.name == "without leaked tokens")
    assert "in passages of train" in fact.remark
    leak = next(
        each for each in tw.inspect(folder, tokenizer=tokenizer).findings if each.unit == "tokens" and each.name == "leak"
    )
    assert leak.count == within.sum() and leak.where == "train-test"


def test_fine_tuning_lowers_the_perplexity_on_another_corpus(trained: tw.Run, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(story(800, 7, verb="leaves").replace("old", "blue"))
    before = evaluate_all(trained, other)["perplexity"]
    notes: list[Note] = []
    run = tw.train(other, out=tmp_path / "kept", from_run=trained.path, epochs=1, batch_size=2, context=16, listen=notes.append)
    said = {note.what: f"{note.value} {note.why}" for note in notes if isinstance(note, Note)}
    assert "kept" in said["vocabulary"] and "weights" in said and "it goes on" in said["lr"]
    assert evaluate_all(run, other)["perplexity"] < before * 2 / 3
    more = tw.train(other, out=tmp_path / "more", from_run=trained.path, epochs=1, vocabulary="extend", listen=notes.append)
    assert "2 new ones" in {note.what: f"{note.value} {note.why}" for note in notes if isinstance(note, Note)}["vocabulary"]
    assert more.predictor.encoder.size == trained.predictor.encoder.size + 2
    assert "leaves" in more.predictor.encoder.tokens and trained.predictor.encoder.tokens == run.predictor.encoder.tokens


def test_freezing(trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    run = tw.train(source, out=tmp_path / "run", from_run=trained.path, epochs=1, freeze=["lstm"], listen=lambda event: None)
    old, new = trained.predictor.model.state_dict(), run.predictor.model.state_dict()
    assert all(torch.equal(old[name], new[name]) == name.startswith("lstm.") for name in old)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tokenizer": "characters"}, "E328"),
        ({"model": {"hidden": 77}}, "E328"),
        ({"model": "gpt"}, "E328"),
        ({"task": "text"}, "E327"),
        ({"freeze": ["lstn"]}, "E325"),
        ({"min_count": 3}, "E329"),
        ({"freeze": ["lstm", "embedding", "decoder", "bias"]}, "E326"),
    ],
    ids=str,
)
def test_fine_tuning_that_cannot_be(change: dict, code: str, trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    with pytest.raises(TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run", from_run=trained.path, listen=lambda event: None, **change)
    assert caught.value.code == code and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"tokenizer": "basic-english"}, "E302"),
        ({"model": "bag"}, "E322"),
        ({"lowercase": False}, "E321"),
        ({"loss": "MSELoss"}, "E313"),
        ({"valid_fraction": 0.6, "test_fraction": 0.5}, "E302"),
        ({"tokenizer": "bytes", "max_vocabulary": 50}, "E329"),
        ({"vocabulary": "extend"}, "E329"),
        ({"tokenizer": "characters", "min_count": 1_000_000}, "E218"),
    ],
    ids=str,
)
def test_mistakes_in_settings(settings: dict, code: str, text: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainwrightError) as caught:
        tw.train(text, out=tmp_path / "run", listen=lambda event: None, **settings)
    assert caught.value.code == code and not (tmp_path / "run").exists()


def test_the_reference_of_python(tmp_path: Path) -> None:
    run = tw.train("python-reference", out=tmp_path / "run", steps=3, model={"hidden": 16, "layers": 1}, listen=lambda e: None)
    assert run.report["rows"]["train"] > 300_000 and run.report["test"]["bits_per_character"] < 8


def test_a_split_without_a_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 500)
    (tmp_path / "b.txt").write_text("   ")
    with pytest.raises(TrainwrightError) as caught:
        tw.train(tmp_path / "a.txt", test=tmp_path / "b.txt", out=tmp_path / "run", listen=lambda event: None)
    assert caught.value.code in ("E161", "E168")


def test_a_recipe_that_contradicts_the_earlier_run_is_refused(trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    with pytest.raises(TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run", from_run=trained.path, recipe="shakespeare-char", listen=lambda event: None)
    assert caught.value.code == "E328"


def test_the_context_of_the_earlier_run_is_kept(trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    run = tw.train(source, out=tmp_path / "run", from_run=trained.path, steps=1, listen=lambda event: None)
    assert run.predictor.context == trained.predictor.context == 16
