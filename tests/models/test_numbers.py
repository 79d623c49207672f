"""Embeddings of numbers, and several networks in one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from trainwright.data.shapes import TableShape
from trainwright.models import registry
from trainwright.models.catalog import MLPSettings
from trainwright.models.members import MemberLinear, MemberOutput
from trainwright.models.numbers import BINS, FAR, ROWS_A_BIN, Piecewise, RobustScale, sampled
from trainwright.models.objective import MemberObjective, Objective


def fitted(column: np.ndarray) -> Piecewise:
    found = Piecewise(1)
    with torch.no_grad():
        found.fit(column[:, None].astype(np.float64))
    return found


def shares(embedding: Piecewise, value: float) -> np.ndarray:
    """Which shares of its bins a value has, from outside: what one bend after the other adds."""
    embedding.line.data.zero_()
    found = []
    for place in range(BINS):
        embedding.bends.data.zero_()
        embedding.bends.data[0, place] = 1.0
        found.append(embedding(torch.tensor([[value]]))[0, 0].item())
    return np.array(found)


def test_bins_hold_equally_many_rows_and_a_value_its_share_of_each() -> None:
    draw = np.random.default_rng(0)
    column = draw.exponential(size=3201)
    embedding = fitted(column)
    for value in (float(np.quantile(column, 0.3)), float(column.max()), -5.0):
        below = np.clip(np.mean(column <= value) * BINS - np.arange(BINS), 0, 1)
        assert np.abs(shares(embedding, value) - below).max() < 0.08  # between two rows it is a line


def test_few_different_values_have_a_bin_between_each_two() -> None:
    hours = np.repeat(np.arange(24.0), 50)
    embedding = fitted((hours - hours.mean()) / hours.std())
    assert int((embedding.steepness > 0).sum()) == 23
    found = shares(embedding, float((7 - hours.mean()) / hours.std()))
    assert found[:23].round(4).tolist() == [1.0] * 7 + [0.0] * 16 and not found[23:].any()


def test_few_rows_have_few_bins() -> None:
    assert int((fitted(np.random.default_rng(0).normal(size=80)).steepness > 0).sum()) == 80 // ROWS_A_BIN


def test_a_constant_and_values_far_off_stay_finite() -> None:
    embedding = fitted(np.ones(40))
    embedding.init_weights()
    far = torch.tensor([[0.0], [1.0], [torch.finfo(torch.float32).max], [-torch.finfo(torch.float32).max]])
    assert embedding(far).isfinite().all()


def test_far_numbers_are_bent_and_near_ones_are_not() -> None:
    scale = RobustScale(1)
    with torch.no_grad():
        scale.fit(np.linspace(10, 20, 1001)[:, None])
    found = scale(torch.tensor([[15.0], [16.0], [1000.0], [1e30]]))[:, 0]
    assert found[0] == 0 and abs(found[1] - 0.2) < 1e-3
    assert found[1] < found[2] < FAR and abs(found[3] - FAR) < 1e-5


def test_a_million_rows_are_sampled_to_the_end() -> None:
    rows = sampled(np.arange(1_000_000, dtype=np.float32)[:, None])
    assert len(rows) == 100_000 and rows[-1, 0] >= 999_980


def test_members_are_networks_of_their_own() -> None:
    """Each member is the network whose matrix is the shared one between its two scales."""
    torch.manual_seed(0)
    layer, output = MemberLinear(3, 5, 4), MemberOutput(3, 4, 2)
    for parameter in (*layer.parameters(), *output.parameters()):
        torch.nn.init.normal_(parameter)
    rows = torch.randn(7, 5)
    found = output.train()(torch.relu(layer(rows[:, None])))
    for member in range(3):
        matrix = layer.after[member][:, None] * layer.weight * layer.before[member]
        hidden = torch.relu(rows @ matrix.T + layer.bias[member])
        torch.testing.assert_close(found[:, member], hidden @ output.weight[member] + output.bias[member])
    torch.testing.assert_close(output.eval()(torch.relu(layer(rows[:, None]))), found.mean(dim=1))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_members_is_the_mean_of_theirs(weighted: bool) -> None:
    torch.manual_seed(0)
    outputs, targets = torch.randn(6, 3, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    rows = torch.tensor([1.0, 2.0, 0.0, 1.0, 3.0, 1.0]) if weighted else None
    loss = torch.nn.CrossEntropyLoss()
    alone = [Objective(loss)(outputs[:, member], targets, rows)[0] for member in range(3)]
    objective = MemberObjective(loss)
    torch.testing.assert_close(objective(outputs, targets, rows)[0], torch.stack(alone).mean())
    plain = outputs.mean(dim=1)
    assert objective.answers(outputs).equal(plain)
    assert objective(plain, targets, rows)[0].equal(Objective(loss)(plain, targets, rows)[0])


def test_a_network_learns_quantiles_from_the_training_rows() -> None:
    settings = MLPSettings(hidden=[8], dropout=0.0, numbers="piecewise", members=2)
    network = registry.build("table", "mlp.v1", settings, TableShape(2, (), 1))
    numeric = np.column_stack([np.arange(1000), np.zeros(1000)]).astype(np.float32)
    network.fit_to(SimpleNamespace(inputs=(numeric, np.zeros((1000, 0), np.int32))))
    edges = network.state_dict()["numbers.edges"]
    np.testing.assert_allclose(edges[0], np.quantile(numeric[:, 0], np.arange(BINS) / BINS), rtol=1e-5)
    assert not network.state_dict()["numbers.steepness"][1].any()


def test_a_model_from_before_is_the_network_that_it_was() -> None:
    """Its settings say nothing of numbers and members."""
    network = registry.build("table", "mlp.v1", MLPSettings(hidden=[8], dropout=0.0), TableShape(2, (3,), 4))
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    trunk, output = {"trunk.0.weight": (8, 4), "trunk.0.bias": (8,)}, {"output.weight": (4, 8), "output.bias": (4,)}
    assert shapes == {"embeddings.0.weight": (3, 2)} | trunk | output
