"""Language models through the public verbs."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from samples import START_ARTIST

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.tasks.language import predictor
from trainwright.watch.events import Note

ANIMALS, PLACES = ["cat", "dog", "bird", "fish"], ["house", "tree", "river", "hill"]


def story(lines: int, seed: int = 0, verb: str = "sees") -> str:
    """Lines that a model can learn: the animal decides the place."""
    draw = random.Random(seed)
    made = []
    for number in range(lines):
        place = draw.randrange(4)
        made.append(
            f"the {ANIMALS[place]} {verb} the {draw.choice(['old', 'new', 'red'])} {PLACES[place]} of day {number % 37}"
        )
    return "\n".join(made) + "\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(story(400))
    return path


def fit(source: Path | str, out: Path, **settings) -> tw.Run:
    given = {
        "epochs": 2,
        "tokenizer": "words",
        "batch_size": 4,
        "context": 16,
        "model": {"embedding": 24, "hidden": 24, "layers": 1},
    } | settings
    return tw.train(source, out=out, listen=settings.pop("listen", lambda event: None), **given)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("language")
    (folder / "story.txt").write_text(story(400))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        model = {"embedding": 24, "hidden": 64, "layers": 1, "dropout": 0.0}
        patch.setattr("trainwright.run.train.start_artist", START_ARTIST)
        return fit(folder / "story.txt", folder / "run", epochs=5, lr=0.01, batch_size=2, model=model)


def test_the_report_of_a_language_model(trained: tw.Run) -> None:
    report = trained.report
    assert (report["task"], report["unit"], report["labels"]) == ("language model", "tokens", [])
    test = report["test"]
    assert test["perplexity"] == pytest.approx(math.exp(test["loss"])) and test["n"] == report["rows"]["test"]
    assert test["perplexity"] < report["baseline"]["perplexity"] and test["accuracy"] > 0.3
    assert [each["name"] for each in report["baselines"]] == ["unigram", "bigram"]
    low, high = test["perplexity_interval"] or (0, math.inf)
    assert low < test["perplexity"] < high
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
        found.append(tw.evaluate(run, text)["perplexity"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)
    ids = run.predictor.encoder.behind_line_end(text.read_text())
    width, warm = (40, 10) if model["name"] == "lstm" else (30, 15)
    assert math.log(found[0]) == pytest.approx(hand_computed(run, ids, width, warm), abs=1e-5)


def test_the_test_scores_are_those_of_the_saved_model(trained: tw.Run, tmp_path: Path) -> None:
    whole = trained.path.parent / "story.txt"
    text = whole.read_text()
    data = json.loads((trained.path / "data.json").read_text())
    assert sum(data["characters"].values()) == len(text)
    (tmp_path / "end.txt").write_text(text[-data["characters"]["test"] :])
    again = tw.load(trained.path).evaluate(tmp_path / "end.txt")
    assert again["loss"] == pytest.approx(trained.report["test"]["loss"], rel=1e-6)
    assert again["n"] == trained.report["test"]["n"]


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bytes", "bpe"])
@pytest.mark.parametrize("name", ["lstm", "gpt"])
def test_generated_text_follows_from_the_seed(tokenizer: str, name: str, text: Path, tmp_path: Path) -> None:
    small = {"name": "lstm", "embedding": 16, "hidden": 16} if name == "lstm" else {"name": "gpt", "width": 16, "layers": 1}
    more = {"max_vocabulary": 300} if tokenizer == "bpe" else {}
    run = fit(text, tmp_path / "run", model=small, tokenizer=tokenizer, context=24, steps=3, epochs=None, **more)
    first, second = ("".join(run.generate("the cat", 60, seed=1)) for _ in range(2))
    assert first == second != "".join(run.generate("the cat", 60, seed=2))
    assert "".join(run.generate("the cat", 9, temperature=0)) == "".join(run.generate("the cat", 9, temperature=0, seed=9))
    assert "".join(run.generate("the cat", 9, top_k=1, seed=3)) == "".join(run.generate("the cat", 9, temperature=0))
    assert "<unk>" not in first and "".join(run.generate("", 0)) == ""
    bits = {name for name in run.report["test"] if name.startswith("bits")}
    assert bits == {"characters": {"bits_per_character"}, "bytes": {"bits_per_byte"}}.get(tokenizer, set())


def test_a_learned_text_is_gone_on_with(trained: tw.Run) -> None:
    said = "".join(trained.generate("the dog sees the old", 1, temperature=0))
    assert said == " tree"
    assert trained.predict("the dog sees the old")[0][0] == "tree"
    three = trained.predict(["the cat sees the", "the"], top=3)
    assert [len(each) for each in three] == [3, 3] and {label for label, _ in three[0]} == {"old", "new", "red"}


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


def test_fine_tuning_lowers_the_perplexity_on_another_corpus(trained: tw.Run, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(story(800, 7, verb="leaves").replace("old", "blue"))
    before = trained.evaluate(other)["perplexity"]
    notes: list[Note] = []
    run = tw.train(other, out=tmp_path / "kept", from_run=trained.path, epochs=1, batch_size=2, context=16, listen=notes.append)
    said = {note.what: f"{note.value} {note.why}" for note in notes if isinstance(note, Note)}
    assert "kept" in said["vocabulary"] and "weights" in said and "it goes on" in said["lr"]
    assert run.evaluate(other)["perplexity"] < before * 2 / 3
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


def test_a_classifier_does_not_generate(tmp_path: Path, news: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=1, listen=lambda event: None)
    with pytest.raises(TrainwrightError, match="another kind of model"):
        run.generate("the")


def test_a_split_without_a_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 500)
    (tmp_path / "b.txt").write_text("   ")
    with pytest.raises(TrainwrightError) as caught:
        tw.train(tmp_path / "a.txt", test=tmp_path / "b.txt", out=tmp_path / "run", listen=lambda event: None)
    assert caught.value.code in ("E161", "E168")


def test_of_a_folder_with_splits_the_test_text_is_measured(trained: tw.Run, tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        (tmp_path / f"x.{part}.txt").write_text(story(20 + 10 * number, number))
    found = trained.evaluate(tmp_path)
    assert found["n"] == 40 * 10 and found["files"] == [str(tmp_path / "x.test.txt")]


def test_a_recipe_that_contradicts_the_earlier_run_is_refused(trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    with pytest.raises(TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run", from_run=trained.path, recipe="shakespeare-char", listen=lambda event: None)
    assert caught.value.code == "E328"


def test_the_context_of_the_earlier_run_is_kept(trained: tw.Run, tmp_path: Path) -> None:
    source = trained.path.parent / "story.txt"
    run = tw.train(source, out=tmp_path / "run", from_run=trained.path, steps=1, listen=lambda event: None)
    assert run.predictor.context == trained.predictor.context == 16


def test_using_a_model_leaves_the_random_state_alone(trained: tw.Run) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    "".join(tw.load(trained.path).generate("the cat", 3))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.ones(2, requires_grad=True).sum().requires_grad
    for _ in trained.generate("the cat", 2):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
