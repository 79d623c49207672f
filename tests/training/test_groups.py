"""Groups of parameters: hidden matrices for Muon, no weight decay on biases and norms, modules with a rate of their own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from model_samples import build
from torch import nn

import trainwright as tw
from trainwright.config.settings import Named, Schedule
from trainwright.data.shapes import ImageShape, TableShape, TextShape, TokenShape
from trainwright.errors import SettingError, TrainwrightError
from trainwright.training.groups import parameter_groups
from trainwright.training.muon import Muon
from trainwright.training.optim import groups_for, lean_step, make_optimizer, make_schedules

SHAPES = {
    "text": TextShape(30, 3),
    "language": TokenShape(30),
    "image": ImageShape(1, 8, 8, 3),
    "table": TableShape(4, (3, 5), 2),
}
BLOCK = {f"blocks.0.{each}.weight" for each in ("attention_in", "attention_out", "up", "down")}
LSTM = {"layers": 1, "tied": True, "dropout": 0.0, "hidden": 8, "embedding": 8}


def names(model: nn.Module, groups: list[dict[str, Any]], **wanted: Any) -> set[str]:
    """The parameters of the groups that have these values."""
    told = {id(each): name for name, each in model.named_parameters()}
    fitting = [group for group in groups if all(group.get(key) == value for key, value in wanted.items())]
    return {told[id(each)] for group in fitting for each in group["params"]}


@pytest.mark.parametrize(
    ("task", "name", "changes", "hidden"),
    [
        ("text", "bag", {"embedding": 8}, set()),
        ("text", "bag", {"embedding": 8, "hidden": [6]}, {"classifier.0.weight"}),
        ("text", "textcnn", {"widths": [2, 3]}, {"convolutions.0.weight", "convolutions.1.weight"}),
        ("language", "gpt", {"layers": 1}, BLOCK),
        ("language", "gpt", {"layers": 1, "tied": False}, BLOCK),
        ("language", "lstm", LSTM, {"lstm.weight_ih_l0", "lstm.weight_hh_l0"}),
        ("image", "mlp", {"hidden": [6, 5], "dropout": 0.0}, {"trunk.0.weight", "trunk.2.weight"}),
        ("table", "linear", {}, set()),
    ],
)
def test_hidden_matrices_are_neither_embeddings_nor_the_output(task: str, name: str, changes: Any, hidden: set[str]) -> None:
    model = build(task, f"{name}.v1", SHAPES[task], **changes)
    groups = parameter_groups(model)
    assert names(model, groups, hidden=True) == hidden
    vectors = {each for each, parameter in model.named_parameters() if parameter.ndim < 2}
    assert names(model, groups, weight_decay=0.0) == vectors
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_a_model_whose_output_layer_shares_its_embedding() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.inner, self.decoder = nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9, bias=False)
            self.decoder.weight = self.embedding.weight

    model = Tied()
    assert names(model, parameter_groups(model), hidden=True) == {"inner.weight"}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_is_that_of_torch_for_matrices_and_adamw_for_the_rest(layout: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 6, 3), nn.Flatten(), nn.Linear(6, 5), nn.Linear(5, 3)).to(memory_format=layout)
    kernel, linear, last = (model[place].weight for place in (0, 2, 3))
    biases = [model[place].bias for place in (0, 2, 3)]
    flat, inner = (nn.Parameter(each.detach().reshape(len(each), -1).clone()) for each in (kernel, linear))
    rest = [nn.Parameter(each.detach().clone()) for each in (last, *biases)]
    theirs = [torch.optim.Muon([flat, inner], lr=0.01, weight_decay=0.2, adjust_lr_fn="match_rms_adamw")]
    theirs.append(
        torch.optim.AdamW([{"params": rest[:1]}, {"params": rest[1:], "weight_decay": 0.0}], lr=0.01, weight_decay=0.2)
    )
    ours = Muon(parameter_groups(model), lr=0.01, weight_decay=0.2)
    for _ in range(3):
        for mine, other in zip((kernel, linear, last, *biases), (flat, inner, *rest), strict=True):
            mine.grad = torch.sin(3 * mine.detach())
            other.grad = mine.grad.reshape(other.shape).clone()
        ours.step()
        for each in theirs:
            each.step()
    for mine, other in zip((kernel, linear, last, *biases), (flat, inner, *rest), strict=True):
        torch.testing.assert_close(mine.reshape(other.shape), other)


def test_weight_decay_passes_biases_and_norms_over() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    nn.init.ones_(model[1].bias)
    before = copy.deepcopy(model)
    named = Named(name="SGD", weight_decay=0.5)
    for decay, held in (("matrices", {"0.weight", "2.weight"}), ("all", set(dict(model.named_parameters())))):
        moved = copy.deepcopy(before)
        optimizer = make_optimizer(named, groups_for(named, moved, decay, {}), 0.1)
        for each in moved.parameters():
            each.grad = torch.zeros_like(each)
        lean_step(optimizer)()
        pairs = zip(before.named_parameters(), moved.parameters(), strict=True)
        assert {name for (name, old), new in pairs if not torch.equal(old, new)} == held
    for same in (Named(name="AdamW", weight_decay=0.0), Named(name="SGD")):  # nothing is held back: one group, as ever
        assert all(isinstance(each, nn.Parameter) for each in groups_for(same, before, "matrices", {}))


def test_modules_learn_at_their_part_of_the_rate() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)))
    named, rates = Named(name="SGD"), {"0": 0.1, "1": 2.0, "1.1.bias": 0.0}
    optimizer = make_optimizer(named, groups_for(named, model, "all", rates), 0.5)
    parts = {each: group["lr"] for group in optimizer.param_groups for each in names(model, [group])}
    assert parts == pytest.approx(
        {"0.weight": 0.05, "0.bias": 0.05, "1.0.weight": 1, "1.0.bias": 1, "1.1.weight": 1, "1.1.bias": 0}
    )
    (cycle,) = make_schedules([Schedule(name="OneCycleLR", max_lr=1.0, cycle_momentum=False)], 0, optimizer, 10, 1)
    highest = [group["lr"] for group in optimizer.param_groups]
    for _ in range(9):
        lean_step(optimizer)()
        cycle.advance(None)
        highest = [max(old, group["lr"]) for old, group in zip(highest, optimizer.param_groups, strict=True)]
    assert sorted(set(highest)) == pytest.approx([0, 0.1, 2], abs=0.05)
    with pytest.raises(TrainwrightError, match=r"E550.*'1.2'"):
        parameter_groups(model, {"1.2": 0.1})


def test_muon_asks_for_groups() -> None:
    with pytest.raises(TrainwrightError, match="E551"):
        tw.Muon(nn.Linear(2, 2).parameters(), lr=0.1)


def test_muon_with_rates_trains_a_table_that_is_verified_and_replayed(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(120, 4))
    frame = pl.DataFrame(
        {f"x{place}": values[:, place] for place in range(4)} | {"y": ["a" if each > 0 else "b" for each in values[:, 0]]}
    )
    events: list[Any] = []
    run = tw.train(
        frame, label="y", optimizer="Muon", rates={"output": 0.5}, ema=0.5, epochs=2, out=tmp_path / "run", listen=events.append
    )
    said = {event.what: event for event in events if event.kind == "note"}
    assert said["decay"].value == "matrices" and said["rates"].value == "output 0.5" and said["ema"].value == "0.5"
    assert said["Muon"].value.startswith("7,")  # not the output layer, and no scales and biases of the members
    assert tw.replay(run, source=frame).wrong == []
    with pytest.raises(SettingError, match=r"E552.*AdamWScheduleFree"):
        tw.train(frame, label="y", optimizer="AdamWScheduleFree", ema=0.5, out=tmp_path / "no", listen=events.append)
