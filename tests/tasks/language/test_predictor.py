"""The predictor of a language model: scores and generated text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from samples import evaluate_all
from story_samples import fit, story

import trainwright as tw
from trainwright.errors import TrainwrightError


def test_the_test_scores_are_those_of_the_saved_model(trained: tw.Run, tmp_path: Path) -> None:
    whole = trained.path.parent / "story.txt"
    text = whole.read_text()
    data = json.loads((trained.path / "data.json").read_text())
    assert sum(data["characters"].values()) == len(text)
    (tmp_path / "end.txt").write_text(text[-data["characters"]["test"] :])
    again = evaluate_all(tw.load(trained.path), tmp_path / "end.txt")
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


def test_a_classifier_does_not_generate(tmp_path: Path, news: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=1, listen=lambda event: None)
    with pytest.raises(TrainwrightError, match="another kind of model"):
        run.generate("the")


def test_of_a_folder_with_splits_the_test_text_is_measured(trained: tw.Run, tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        (tmp_path / f"x.{part}.txt").write_text(story(20 + 10 * number, number))
    found = evaluate_all(trained, tmp_path)
    assert found["n"] == 40 * 10 and found["files"] == [str(tmp_path / "x.test.txt")]


def test_using_a_model_leaves_the_random_state_alone(trained: tw.Run) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    "".join(tw.load(trained.path).generate("the cat", 3))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.ones(2, requires_grad=True).sum().requires_grad
    for _ in trained.generate("the cat", 2):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
