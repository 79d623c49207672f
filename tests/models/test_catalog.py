"""A model is one file and one entry: what is added here is trained, saved, asked and listed by the public verbs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

import trainwright as tw
from trainwright.config.kinds import KINDS
from trainwright.conformance.models import check_model
from trainwright.data.shapes import TextShape, TokenShape
from trainwright.errors import TrainwrightError
from trainwright.fields import setting
from trainwright.models import registry
from trainwright.models.catalog import CATALOG, GPTSettings, Model, ModelSettings, models
from trainwright.models.protocols import TrainingHooks


class MeanSettings(ModelSettings):
    """``mean``: the mean of embeddings, then a linear classifier."""

    name: Literal["mean"] = "mean"
    width: int | None = setting(None, "embedding size", "dimensions", gt=0)


class Mean(nn.Module, TrainingHooks):
    def __init__(self, settings: MeanSettings, shape: TextShape) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(shape.vocabulary, settings.width or 8, mode="mean")
        self.classifier = nn.Linear(settings.width or 8, shape.outputs)
        self.asked = 0

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        return self.classifier(self.embedding(values, offsets))

    def init_weights(self) -> None:
        nn.init.normal_(self.embedding.weight, std=0.1)

    def add_penalty(self) -> None:
        self.asked += 1


class RecurrentSettings(ModelSettings):
    """``recurrent``: a gated recurrent language model."""

    name: Literal["recurrent"] = "recurrent"
    width: int = setting(16, "size of embedding and state", "dimensions", gt=0)


class Recurrent(nn.Module):
    """Writes down, of each training batch, its ids and the state that it begins with."""

    is_stateful = True
    seen: list[tuple[Tensor, Tensor | None, Tensor]] = []

    def __init__(self, settings: RecurrentSettings, shape: TokenShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, settings.width)
        self.gru = nn.GRU(settings.width, settings.width, batch_first=True)
        self.decoder = nn.Parameter(torch.empty(shape.vocabulary, settings.width))

    def forward(self, ids: Tensor, state: tuple[Tensor, ...] | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        features, after = self.gru(self.embedding(ids), None if state is None else state[0])
        if self.training:
            self.seen.append((ids.clone(), None if state is None else state[0].clone(), after.detach().clone()))
        return features, (after,)

    def output(self) -> tuple[Tensor, None]:
        return self.decoder, None

    def start(self, batch: int, device: torch.device) -> tuple[Tensor]:
        return (torch.zeros(1, batch, self.gru.hidden_size, device=device),)

    def init_weights(self) -> None:
        nn.init.normal_(self.decoder, std=0.1)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch):
    """Add a model as a person does: a file with the network, and one entry."""

    def add(network: type[nn.Module], entry: Model) -> None:
        module = ModuleType("added_model")
        setattr(module, network.__name__, network)
        monkeypatch.setitem(sys.modules, "added_model", module)
        CATALOG.append(entry)

    before = list(CATALOG)
    yield add
    CATALOG[:] = before


def test_an_added_model_is_trained_listed_and_derived(added, news: Path, tmp_path: Path) -> None:
    derived = lambda shape, rows: {"model.width": (rows // 100, f"{rows} rows")}  # noqa: E731
    added(Mean, Model("text", MeanSettings, "added_model:Mean", 0.05, derived, inputs="sequence"))
    check_model("text", "mean.v1")
    notes = []
    run = tw.train(news, out=tmp_path / "run", model="mean", epochs=3, listen=notes.append)
    assert run.report["model"] == "mean.v1" and run.report["test"]["accuracy"] > 0.8
    assert run.model.embedding.weight.shape[1] == run.report["rows"]["train"] // 100
    assert any(row.key == "model.width (mean)" for row in tw.settings())
    assert {"model.width", "lr"} <= {each.what for each in notes if each.kind == "note"}
    with pytest.raises(TrainwrightError, match=r"E301.*model\.wide"):
        tw.train(news, out=tmp_path / "other", model={"name": "mean", "wide": 3})


def test_training_asks_a_model_for_its_penalty(added, news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added(Mean, Model("text", MeanSettings, "added_model:Mean", inputs="sequence"))
    asked = []
    monkeypatch.setattr(Mean, "add_penalty", lambda self: asked.append(self.embedding.weight.grad is not None))
    run = tw.train(news, out=tmp_path / "run", model="mean", epochs=2, listen=lambda event: None)
    assert asked == [True] * run.report["steps"]


def test_a_recurrent_language_model_reads_the_text_in_lanes_and_goes_on_with_its_own_state(added, tmp_path: Path) -> None:
    added(Recurrent, Model("language", RecurrentSettings, "added_model:Recurrent", 0.01))
    check_model("language", "recurrent.v1")
    source = tmp_path / "letters.txt"
    source.write_text("abcdefghijklm" * 300)  # each letter tells which one must come next, also from batch to batch
    Recurrent.seen.clear()
    given = {"tokenizer": "characters", "batch_size": 4, "context": 10, "epochs": 1, "speed": "off", "device": "cpu"}
    run = tw.train(source, out=tmp_path / "run", model="recurrent", listen=lambda event: None, **given)
    predictor = run.predictor
    assert len(Recurrent.seen) == run.report["steps"] > 50
    following = {}
    for letter, after in zip("abcdefghijklm", "bcdefghijklma", strict=True):
        following[predictor.encoder.tokens.index(letter)] = predictor.encoder.tokens.index(after)
    for (before, _, after), (ids, begun, _) in zip(Recurrent.seen, Recurrent.seen[1:], strict=False):
        assert begun is not None and torch.equal(begun, after), "a batch begins with another state than the last one's"
        if len(before) == len(ids):
            last = [int(each) for each in before[:, -1]]
            assert [following.get(each) for each in last[1:]] == ids[1:, 0].tolist(), "the text does not go on"


def test_every_task_has_models_and_every_name_one_class_of_settings() -> None:
    assert {model.task for model in CATALOG} == set(KINDS)
    for model in CATALOG:
        assert models()[model.name].settings is model.settings and registry.find(model.task, model.versioned) is model


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ValidationError, match="not a multiple of 6"):
        GPTSettings(width=128, heads=3)
