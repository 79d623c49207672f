"""A bag answered for by numpy against the network itself, and against what the network is made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import news_rows, reseal, write_csv

import trainwright as tw
from trainwright.data.labels import LabelEncoder
from trainwright.data.shapes import TextShape
from trainwright.data.text.batches import ragged_batches
from trainwright.data.text.ragged import Ragged
from trainwright.models import registry
from trainwright.models.bag_numpy import NumpyBag, layout
from trainwright.models.catalog import BagSettings
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.text.predictor import PLAIN, TextPredictor

SETTINGS = st.builds(
    BagSettings,
    embedding=st.integers(0, 5),
    weighting=st.sampled_from(["none", "tf-idf"]),
    hidden=st.lists(st.integers(1, 4), max_size=2),
    dropout=st.sampled_from([0.0, 0.5]),
)
SHAPES = st.builds(TextShape, st.integers(3, 40), st.integers(1, 4))
WORDS = ["the", "market", "moon", "goal", "bank", "said", "n7", "don't", "zzz", "\u00c9t\u00e9", "\u017eivot", "\u2019s"]
WORDS += ["\ufb01n", "\u4e2d\u6587", "\U0001f680", "\u0130", "\u03a3\u03c2", "e\u0301"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=12).map(" ".join), min_size=1, max_size=5)


def network(wanted: BagSettings, shape: TextShape, seed: int) -> torch.nn.Module:
    """Every parameter drawn, also those that begin at zero."""
    found = registry.build("text", "bag.v1", wanted, shape).eval()
    draw = torch.Generator().manual_seed(seed)
    for parameter in found.parameters():
        parameter.data.normal_(generator=draw)
    return found


def weights_of(found: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: each.numpy() for name, each in found.state_dict().items()}


@settings(max_examples=60, deadline=None)
@given(SETTINGS, SHAPES, st.lists(st.integers(0, 9), max_size=8), st.integers(0, 99))
def test_the_outputs_of_the_network(wanted: BagSettings, shape: TextShape, lengths: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    offsets = np.cumsum([0, *lengths])
    values = draw.integers(1, shape.vocabulary, offsets[-1]).astype(np.int32)
    weights = draw.random(len(values), np.float32) if wanted.weighting == "tf-idf" else None
    texts = Ragged(values, offsets, weights)
    model = network(wanted, shape, seed)
    found = NumpyBag(wanted, shape, weights_of(model))(texts)
    batches = ragged_batches(texts, np.zeros(len(texts), np.int64), batch_size=3, seed=None, device=torch.device("cpu"))
    with torch.no_grad():
        outputs = [model(*batch.inputs).numpy() for batch in batches.epoch(0)]
    assert found.dtype == np.float32 and found.shape == (len(lengths), shape.outputs)
    np.testing.assert_allclose(found, np.concatenate(outputs) if outputs else found, rtol=1e-5, atol=1e-5)


def test_many_texts_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    draw, wanted, shape = np.random.default_rng(0), BagSettings(embedding=0, weighting="none"), TextShape(50, 2)
    texts = Ragged(draw.integers(1, 50, 300).astype(np.int32), np.cumsum([0, 0, 100, 1, 0, 99, 100, 0]))
    bag = NumpyBag(wanted, shape, weights_of(network(wanted, shape, 0)))
    whole = bag(texts)
    monkeypatch.setattr("trainwright.models.bag_numpy.CHUNK_VALUES", 40)
    assert len(list(texts.cuts(20))) > 3
    np.testing.assert_array_equal(bag(texts), whole)


@pytest.mark.parametrize("embedding", [0, 3])
def test_what_grows_beyond_all_numbers_is_no_warning(embedding: int) -> None:
    wanted, shape = BagSettings(embedding=embedding, weighting="tf-idf"), TextShape(5, 2)
    state = {name: np.full_like(each, 3e38) for name, each in weights_of(network(wanted, shape, 0)).items()}
    texts = Ragged(np.array([2, 3], np.int32), np.array([0, 2]), np.array([2, -1], np.float32))
    logits = NumpyBag(wanted, shape, state)(texts)
    assert not np.isfinite(logits).any()
    for loss in PLAIN:
        target = ClassTarget(LabelEncoder(("a", "b")), {"loss": {"name": loss}, "smoothing": 0.0, "weights": None})
        assert len(target.answers(logits, 2)[0]) == 2


@settings(max_examples=60, deadline=None)
@given(SETTINGS, SHAPES)
def test_the_layout_is_that_of_the_network(wanted: BagSettings, shape: TextShape) -> None:
    state = registry.build("text", "bag.v1", wanted, shape).state_dict()
    forms = {name: (str(each.dtype).removeprefix("torch."), tuple(each.shape)) for name, each in state.items()}
    assert layout(wanted, shape)[1] == forms


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tw.Run]:
    """Bags of both kinds with the losses that numpy knows, one of characters; and one whose loss only torch can judge."""
    folder = tmp_path_factory.mktemp("bags")
    source = write_csv(folder / "news.csv", news_rows(120))
    wanted: dict[str, dict[str, Any]] = {
        "linear": {"model": {"name": "bag", "embedding": 0, "ngrams": 3, "weighting": "tf-idf"}, "loss": "BCEWithLogitsLoss"},
        "margins": {"loss": "SquaredHingeLoss", "class_weights": "balanced"},
        "embedded": {
            "model": {"name": "bag", "embedding": 6, "ngrams": 2, "weighting": "none", "hidden": [5], "dropout": 0.2},
            "loss": "CrossEntropyLoss",
            "tokenizer": "basic-english",
            "max_tokens": 6,
        },
        "weighted": {"model": "bag", "loss": "CrossEntropyLoss", "class_weights": "balanced", "tokenizer": "characters"},
        "smoothed": {"model": "bag", "label_smoothing": 0.1},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        return {
            name: tw.train(source, out=folder / name, epochs=2, listen=lambda event: None, **settings)
            for name, settings in wanted.items()
        }


@pytest.mark.parametrize("name", ["linear", "margins", "embedded", "weighted", "smoothed"])
@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_the_answers_of_the_network(name: str, texts: list[str], runs: dict[str, tw.Run]) -> None:
    predictor = runs[name].predictor
    assert isinstance(predictor, TextPredictor)
    assert (predictor._numpy is None) == (name == "smoothed")
    items = predictor.items(texts)
    outputs = predictor.outputs(items, np.zeros(len(texts), np.int64)).outputs
    scores = {"linear": outputs.sigmoid(), "margins": (5 * outputs).softmax(dim=1)}.get(name, outputs.softmax(dim=1))
    wanted = scores / scores.sum(dim=1, keepdim=True)
    for answers, shares in zip(runs[name].predict(texts, top=3), wanted.tolist(), strict=True):
        assert [share for _, share in answers] == pytest.approx(sorted(shares, reverse=True), abs=1e-6)
        assert dict(answers) == pytest.approx(dict(zip(predictor.labels, shares, strict=True)), abs=1e-6)


@pytest.mark.parametrize("name", ["linear", "embedded"])
def test_a_file_gets_the_answers_of_its_texts(name: str, runs: dict[str, tw.Run], tmp_path: Path) -> None:
    rows = news_rows(30, seed=5)
    found = runs[name].predictor.predict_file(write_csv(tmp_path / "new.csv", rows), top=2)
    for given_, answers in zip(found.answers, runs[name].predict([text for _, text in rows], top=2), strict=True):
        assert given_ == [(label, pytest.approx(share, abs=1e-6)) for label, share in answers]


def test_a_bag_whose_loss_only_torch_knows_is_judged_by_it(runs: dict[str, tw.Run], tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(runs["linear"].path, copy)
    meta = json.loads((copy / "model" / "model.json").read_text())
    meta["objective"]["loss"] = {"name": "CrossEntropyLoss", "canary": 1}
    (copy / "model" / "model.json").write_text(json.dumps(meta))
    reseal(copy / "model")
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.load(copy).predict("moon")
    assert caught.value.code == "E404" and "canary" in str(caught.value)
