"""Updates of the rows of a batch alone come to what updates of the whole table come to, and touch nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from breaking import Killed, at, kept, same
from hypothesis import given
from hypothesis import strategies as st
from samples import news_rows, write_csv
from torch import nn

import trainwright as tw
from trainwright.config.settings import Named
from trainwright.data.batches.base import Batch
from trainwright.data.shapes import TextShape
from trainwright.data.text.batches import ragged_batches
from trainwright.data.text.ragged import Ragged, stable_argsort
from trainwright.errors import TrainingError
from trainwright.models.bag import Bag, Pooled
from trainwright.models.catalog import BagSettings
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.store.checkpoint import read
from trainwright.training.optim import make_optimizer
from trainwright.training.state import Tally
from trainwright.training.step import Learner, update
from trainwright.watch.events import Step

VOCABULARY, CLASSES, TEXTS = 4096, 3, 6
OPTIMIZERS: dict[str, tuple[type, dict[str, Any]]] = {
    "SGD": (torch.optim.SGD, {}),
    "Adagrad": (torch.optim.Adagrad, {"lr_decay": 0.01}),
}
CLIPS = [{}, {"clip": 0.05}, {"clip_value": 1e-3}]


def bag(embedding: int, weighting: str) -> Bag:
    torch.manual_seed(0)
    network = Bag(BagSettings(embedding=embedding, weighting=weighting, init_range=0.5), TextShape(VOCABULARY, CLASSES))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.5, 0.5)
    return network


def batch(number: int, weighting: str, tokens: int = 12, kind: torch.dtype = torch.float32) -> Batch:
    """Texts of different lengths, one of them empty, in which some tokens come several times."""
    draw = np.random.default_rng(number)
    lengths = draw.integers(1, tokens, TEXTS)
    lengths[draw.integers(TEXTS)] = 0
    values = torch.from_numpy(draw.integers(0, VOCABULARY // 2, lengths.sum(), dtype=np.int32))
    values[: len(values) // 3] = values[0]
    offsets = torch.from_numpy((np.cumsum(lengths) - lengths).astype(np.int32))
    weights = [torch.from_numpy(draw.random(len(values))).to(kind)] if weighting == "tf-idf" else []
    return Batch((values, offsets, *weights), torch.from_numpy(draw.integers(0, CLASSES, TEXTS)), TEXTS, np.arange(TEXTS))


def learner(network: Bag, optimizer: str, **changes: Any) -> Learner:
    arguments = OPTIMIZERS[optimizer][1] if optimizer in OPTIMIZERS else {}
    made = make_optimizer(Named(name=optimizer, **arguments), list(network.parameters()), 0.5)
    return Learner(Forward(network), Objective(nn.CrossEntropyLoss()), made, **changes)


def by_hand(
    network: Bag, batches: list[Batch], optimizer: torch.optim.Optimizer, clip: float = 0, clip_value: float = 0
) -> None:
    """One update as torch's own parts make it, with the gradient of the whole table."""
    optimizer.zero_grad()
    for each in batches:
        values, offsets, *weights = each.inputs
        mode = "sum" if weights else "mean"
        table = network.embedding.weight
        sums = nn.functional.embedding_bag(
            values, table, offsets, mode=mode, per_sample_weights=weights[0] if weights else None
        )
        (nn.functional.cross_entropy(network.classifier(sums), each.targets) / len(batches)).backward()
    if clip:
        nn.utils.clip_grad_norm_(network.parameters(), clip)
    if clip_value:
        nn.utils.clip_grad_value_(network.parameters(), clip_value)
    optimizer.step()


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("clips", CLIPS, ids=str)
@pytest.mark.parametrize("weighting", ["none", "tf-idf"])
@pytest.mark.parametrize("embedding", [0, 8])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_many_updates_of_rows_are_those_of_the_table(
    optimizer: str, embedding: int, weighting: str, clips: dict[str, float], window: int
) -> None:
    rows, whole = (bag(embedding, weighting).double() for _ in range(2))  # Adagrad makes much of the last bits of float32
    own = learner(rows, optimizer, **clips)
    kind, arguments = OPTIMIZERS[optimizer]
    hand = kind(whole.parameters(), lr=0.5, **arguments)
    for number in range(12):
        batches = [batch(number * window + place, weighting, kind=torch.float64) for place in range(window)]
        update(own, batches, number, Tally())
        assert rows.embedding.weight.grad.is_sparse
        by_hand(whole, batches, hand, **clips)
    for one, two in zip(rows.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(one, two, rtol=1e-9, atol=1e-9)
    for one, two in zip(own.optimizer.state.values(), hand.state.values(), strict=True):
        assert all(torch.allclose(one[name], two[name], rtol=1e-9, atol=1e-9) for name in two)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rows_that_are_not_in_the_batch_stay_to_the_bit(optimizer: str) -> None:
    own = learner(bag(8, "none"), optimizer)
    for number in range(3):
        given = batch(number, "none")
        table = own.model.embedding.weight
        before, kept = table.detach().clone(), copy.deepcopy(own.optimizer.state_dict()["state"])
        update(own, [given], number, Tally())
        there = torch.zeros(VOCABULARY, dtype=torch.bool)
        there[given.inputs[0].long()] = True
        assert torch.equal(table[~there], before[~there]) and not torch.equal(table[there], before[there])
        for name, value in kept.get(0, {}).items():
            now = own.optimizer.state_dict()["state"][0][name]
            assert not torch.equal(now, value) and (value.ndim == 0 or torch.equal(now[~there], value[~there]))
    assert [each is table for each in own.optimizer.param_groups[0]["params"]] == [True, False, False]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_is_refused_before_anything_moves(optimizer: str, where: str) -> None:
    network = bag(8, "none")
    own = learner(network, optimizer)
    if where == "loss":
        network.embedding.weight.data[batch(0, "none").inputs[0][0]] = torch.inf
    else:  # the last layer learns from finite numbers, the table does not
        network.classifier.register_full_backward_hook(lambda module, given, came: (given[0] * torch.nan,))
    before = copy.deepcopy((network.state_dict(), own.optimizer.state_dict()))
    with pytest.raises(TrainingError, match="E501") as caught:
        update(own, [batch(1, "none"), batch(0, "none")], 7, Tally())
    assert caught.value.layers == ["embedding.weight"] and caught.value.quantity == where
    assert same(before, (network.state_dict(), own.optimizer.state_dict()))


def test_a_batch_with_much_of_the_table_is_updated_whole() -> None:
    rows, whole = bag(8, "none"), bag(8, "none")
    own, hand = learner(rows, "Adagrad"), torch.optim.Adagrad(whole.parameters(), lr=0.5, lr_decay=0.01)
    kinds = set()
    for number in range(6):
        given = batch(number, "none", tokens=12 if number % 2 else 1000)
        update(own, [given], number, Tally())
        kinds.add(rows.embedding.weight.grad.is_sparse)
        by_hand(whole, [given], hand)
    assert kinds == {True, False}
    assert torch.allclose(rows.embedding.weight, whole.embedding.weight, atol=1e-6)


MOVING = ["AdamW", "SGD(momentum=0.9)", "SGD(weight_decay=0.1)", "Adagrad(weight_decay=0.1)", "OneCycleLR"]


@pytest.mark.parametrize("name", MOVING)
def test_where_other_rows_would_move_the_gradient_has_them(name: str) -> None:
    network = bag(8, "none")
    kind, _, argument = name.removesuffix(")").partition("(")
    key, _, value = argument.partition("=")
    chosen = Named(name="SGD" if kind == "OneCycleLR" else kind, **({key: float(value)} if key else {}))
    optimizer = make_optimizer(chosen, list(network.parameters()), 0.1)
    if kind == "OneCycleLR":  # it gives the optimiser a momentum
        torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
    own = Learner(Forward(network), Objective(nn.CrossEntropyLoss()), optimizer)
    update(own, [batch(0, "none")], 0, Tally())
    assert not network.embedding.weight.grad.is_sparse


def test_a_batch_of_empty_texts_moves_the_bias_alone() -> None:
    network = bag(0, "none")
    own, before = learner(network, "SGD"), copy.deepcopy(network)
    empty = Batch((torch.zeros(0, dtype=torch.int32), torch.zeros(2, dtype=torch.int32)), torch.tensor([0, 0]), 2, None)
    update(own, [empty], 0, Tally())
    assert torch.equal(network.embedding.weight, before.embedding.weight)
    assert network.classifier.bias[0] > before.classifier.bias[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_finite_differences(weighted: bool) -> None:
    table = torch.randn(40, 2, dtype=torch.float64, requires_grad=True)
    values, offsets = torch.tensor([3, 3, 0, 5, 3], dtype=torch.int32), torch.tensor([0, 2, 2], dtype=torch.int32)
    weights = torch.rand(5, dtype=torch.float64) if weighted else None
    assert torch.autograd.gradcheck(lambda table: Pooled.apply(table, values, offsets, weights, False, None), (table,))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [40, 70_000])
def test_batches_that_come_transposed_have_the_gradient_of_those_that_do_not(weighted: bool, size: int) -> None:
    draw = np.random.default_rng(0)
    lengths = draw.integers(0, 6, 30)
    offsets, tokens = np.concatenate([[0], np.cumsum(lengths)]), int(lengths.sum())
    weights = draw.random(tokens, np.float32) if weighted else None
    texts = Ragged(draw.integers(0, size, tokens).astype(np.int32), offsets, weights)
    table, seen = torch.randn(size, 3, requires_grad=True), 0
    batches = ragged_batches(texts, np.arange(30), batch_size=7, seed=1, device=torch.device("cpu"), transposed=size)
    for batch in batches.epoch(0):
        values, starts, *rest = batch.inputs
        inputs = table, values, starts, rest[0] if rest else None, False
        given, made = (
            torch.autograd.grad((Pooled.apply(*inputs, turned) * torch.arange(batch.size)[:, None]).sum(), table)[0]
            for turned in (batch.named["transposed"], None)
        )
        assert torch.equal(given, made)
        seen += batch.size
    assert seen == 30


@given(st.lists(st.integers(0, (1 << 20) - 1), max_size=50))
def test_ids_beyond_16_bits_are_sorted_too(ids: list[int]) -> None:
    found = np.array(ids, np.int32)
    repeated = np.concatenate([found, found[::-1]])
    assert np.array_equal(stable_argsort(repeated, 1 << 20), np.argsort(repeated, kind="stable"))


@pytest.mark.parametrize(("optimizer", "threads"), [("SGD", 1), ("SGD", 2), ("Adagrad", 2)])
def test_a_killed_run_goes_on_to_the_same_bits(optimizer: str, threads: int, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "news.csv", news_rows(60))
    settings = {"model": {"embedding": 4, "ngrams": 3}, "optimizer": optimizer, "batch_size": 2, "epochs": 2, "lr": 0.1}
    settings |= {"accumulate": 2, "checkpoint_every": "5steps", "threads": threads}
    tw.train(source, out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        tw.train(source, out=tmp_path / "killed", listen=at(Step, step=17), **settings)
    assert read(next((tmp_path / "killed/checkpoints").glob("step-*17"))).state["position"]["batch"]
    tw.resume(tmp_path / "killed")
    assert same(kept(tmp_path / "whole"), kept(tmp_path / "killed"))


class Own(nn.Module):
    """A network of somebody's own whose embedding has sparse gradients, which come token by token."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(50, 3, sparse=True)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids).mean(dim=1)


@pytest.mark.parametrize(("kind", "clip"), [("SGD", 0), ("SGD", 0.01), ("SparseAdam", 0), ("SparseAdam", 0.01)])
def test_sparse_gradients_of_own_networks_are_clipped_and_applied(kind: str, clip: float) -> None:
    draw = torch.Generator().manual_seed(1)
    inputs, targets = torch.randint(0, 20, (32, 4), generator=draw), torch.randint(0, 3, (32,), generator=draw)
    own, hand = Own(), Own()
    loss, optimizers = nn.CrossEntropyLoss(), [getattr(torch.optim, kind)(each.parameters(), lr=0.1) for each in (own, hand)]
    options = {"optimizer": optimizers[0], "epochs": 1, "batch_size": 8, "shuffle": False, "clip": clip}
    list(tw.fit(own, (inputs, targets), loss=loss, **options))
    for first in range(0, 32, 8):
        optimizers[1].zero_grad()
        loss(hand(inputs[first : first + 8]), targets[first : first + 8]).backward()
        gradient = hand.embedding.weight.grad.coalesce()
        norm = float(gradient.values().norm())
        hand.embedding.weight.grad = gradient * min(1.0, clip / norm) if clip else gradient
        optimizers[1].step()
    assert torch.allclose(own.embedding.weight, hand.embedding.weight, atol=1e-6)
