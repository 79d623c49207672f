"""Going on from an earlier run of a text classifier: labels, vocabulary, rate, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

NETWORK = {"embedding": 16, "ngrams": 1}


def fit(source: Path, out: Path, notes: list | None = None, **settings) -> tw.Run:
    return tw.train(source, out=out, listen=(notes if notes is not None else []).append, **settings)


def said(notes: list) -> dict[str, str]:
    return {note.what: f"{note.value} {note.why}" for note in notes if isinstance(note, Note)}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("first")
    return fit(write_csv(folder / "a.csv", news_rows(300)), folder / "run", epochs=8, model=NETWORK)


def renamed(rows: list[tuple[str, str]], old: str, new: str) -> list[tuple[str, str]]:
    return [(new if label == old else label, text) for label, text in rows]


def test_more_of_the_same_starts_from_what_was_learned(first: tw.Run, tmp_path: Path) -> None:
    notes: list = []
    more = write_csv(tmp_path / "b.csv", news_rows(100, seed=9))
    run = fit(more, tmp_path / "run", notes, from_run=first.path, epochs=0)
    old, new = first.predictor.model.state_dict(), run.predictor.model.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old)
    found = said(notes)
    assert "kept" in found["vocabulary"] and "0.3 of 0.01" in found["lr"] and "5 kept" not in found.get("new", "")
    assert run.predictor.encoder.tokens == first.predictor.encoder.tokens


def test_a_new_class_starts_anew_beside_those_that_are_kept(first: tw.Run, tmp_path: Path) -> None:
    notes: list = []
    more = write_csv(tmp_path / "b.csv", renamed(news_rows(200, seed=9), "money", "finance"))
    run = fit(more, tmp_path / "run", notes, from_run=first.path, epochs=0)
    old, new = (each.predictor.model.state_dict() for each in (first, run))
    assert torch.equal(old["embedding.weight"], new["embedding.weight"])
    before, after = first.predictor.labels, run.predictor.labels
    assert before == ("money", "space", "sport") and after == ("finance", "space", "sport")
    name = next(name for name in old if name.startswith("classifier") and name.endswith("weight"))
    for label in ("space", "sport"):
        assert torch.equal(old[name][before.index(label)], new[name][after.index(label)])
    assert not torch.equal(old[name][0], new[name][0])
    assert name in said(notes)["partly kept"]
    trained = fit(more, tmp_path / "trained", from_run=first.path, epochs=4)
    assert trained.report["test"]["accuracy"] > 0.7


def test_the_vocabulary_can_be_extended(first: tw.Run, tmp_path: Path) -> None:
    rows = [(label, f"{text} zebra") for label, text in news_rows(120, seed=5)]
    notes: list = []
    source = write_csv(tmp_path / "b.csv", rows)
    run = fit(source, tmp_path / "run", notes, from_run=first.path, epochs=1, vocabulary="extend", freeze=["classifier"])
    old, new = first.predictor.encoder.tokens, run.predictor.encoder.tokens
    assert new[: len(old)] == old and "zebra" in new[len(old) :] and "zebra" not in old
    assert "new ones added" in said(notes)["vocabulary"] and "classifier" in said(notes)["frozen"]
    assert len(run.predictor.model.state_dict()["embedding.weight"]) == len(new)
    for name, value in first.predictor.model.state_dict().items():
        if name.startswith("classifier"):
            assert torch.equal(value, run.predictor.model.state_dict()[name])
    assert first.predictor.encoder.size == len(old)  # the earlier run is as it was


def test_a_linear_model_keeps_the_classes_that_both_know(tmp_path: Path) -> None:
    first = fit(write_csv(tmp_path / "a.csv", news_rows(200)), tmp_path / "first", epochs=2)
    more = write_csv(tmp_path / "b.csv", renamed(news_rows(100, seed=9), "money", "finance"))
    run = fit(more, tmp_path / "second", from_run=first.path, epochs=0)
    old, new = (each.predictor.model.state_dict()["embedding.weight"] for each in (first, run))
    assert torch.equal(old[:, 1:], new[:, 1:]) and not new[:, 0].any() and old[:, 0].any()


def test_what_cannot_go_on(first: tw.Run, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "b.csv", news_rows(60, seed=3))
    linear = fit(source, tmp_path / "linear", epochs=1)
    strange = write_csv(tmp_path / "c.csv", [(f"new {label}", text) for label, text in news_rows(60, seed=4)])
    other = tmp_path / "text.txt"
    other.write_text("a text that goes on and on\n" * 50)
    for number, (place, run, change, code) in enumerate(
        (
            (source, first, {"tokenizer": "characters"}, "E328"),
            (source, first, {"model": {"embedding": 32}}, "E328"),
            (source, first, {"model": "lstm"}, "E328"),
            (source, first, {"freeze": ["clasifier"]}, "E325"),
            (strange, linear, {}, "E324"),
            (other, first, {"task": "language"}, "E327"),
            (other, first, {}, "E327"),  # running text, which a classifier cannot go on with
            (source, tmp_path / "nothing", {}, "E403"),
        )
    ):
        with pytest.raises(TrainwrightError) as caught:
            fit(place, tmp_path / f"refused{number}", from_run=getattr(run, "path", run), **change)
        assert caught.value.code == code and not (tmp_path / f"refused{number}").exists()


def test_the_bundle_of_a_run_that_went_on_is_whole(first: tw.Run, tmp_path: Path) -> None:
    more = write_csv(tmp_path / "b.csv", renamed(news_rows(150, seed=9), "money", "finance"))
    run = fit(more, tmp_path / "run", from_run=first.path, epochs=2)
    texts = [text for _, text in news_rows(20, seed=2)]
    shares = np.array([[p for _, p in each] for each in tw.load(run.path).predict(texts, top=3)])
    assert shares.shape == (20, 3) and np.allclose(shares.sum(axis=1), 1, atol=1e-5)
