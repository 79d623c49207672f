"""States, directions, planes and losses around a network, against NumPy and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from trainwright.evaluation import landscape
from trainwright.watch.events import Refused, Step


class Small(nn.Module):
    """Every kind of parameter there is: filters, rows, a recurrent layer, norms, biases, one that is used twice, one frozen."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv, self.norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
        self.embedding, self.output = nn.Embedding(6, 5), nn.Linear(5, 6)
        self.output.weight = self.embedding.weight
        self.rnn, self.frozen = nn.LSTM(3, 2), nn.Linear(3, 3)
        self.frozen.requires_grad_(False)
        self.norm.running_mean.normal_()  # type: ignore[union-attr]
        with torch.no_grad():
            self.embedding.weight[2] = 0.0


def test_a_state_is_put_back_as_it_was() -> None:
    model = Small()
    state = landscape.state_of(model)
    parameters = sum(each.numel() for each in model.parameters())
    assert len(state) == parameters + 8  # mean and variance of four channels; the table that is used twice counts once
    before = {name: value.clone() for name, value in model.state_dict().items()}
    landscape.place(model, state * 2 + 1)
    assert torch.equal(model.conv.bias, before["conv.bias"] * 2 + 1)
    assert torch.equal(model.norm.running_mean, before["norm.running_mean"] * 2 + 1)  # type: ignore[arg-type]
    landscape.place(model, state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_each_filter_of_a_direction_is_as_long_as_the_network_s_own() -> None:
    model = Small()
    direction, again, other = (landscape.random_direction(model, seed) for seed in (0, 0, 1))
    assert (direction == again).all() and not (direction == other).all()
    place, checked = 0, 0
    for name, parameter in model.named_parameters():
        part = direction[place : place + parameter.numel()].reshape(parameter.shape)
        place += parameter.numel()
        if parameter.ndim == 1 or name.startswith("frozen"):
            assert not part.any(), name
            continue
        for row, own in zip(part, parameter.detach().numpy(), strict=True):
            assert np.linalg.norm(row) == pytest.approx(np.linalg.norm(own), rel=1e-5, abs=1e-12)
            checked += 1
    assert checked == 4 + 6 + 8 + 8
    assert len(direction) == place + 8 and not direction[place:].any()  # the running statistics of a centre stay


def wander(count: int, width: int, more: int = 0) -> np.ndarray:
    draw = np.random.default_rng(5)
    return draw.normal(size=(count, width + more)).cumsum(axis=0).astype(np.float32)


def test_principal_directions_are_those_of_a_singular_value_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape, "BLOCK", 7)
    states = wander(9, 50, more=4)
    found, shares = landscape.principal_directions(states, 50)
    centred = states[:, :50].astype(np.float64) - states[:, :50].mean(axis=0, dtype=np.float64)
    _, sizes, wanted = np.linalg.svd(centred, full_matrices=False)
    assert np.abs(found[:, :50] @ wanted[:2].T).round(5).tolist() == [[1, 0], [0, 1]]
    assert not found[:, 50:].any()
    assert shares[:8] == pytest.approx(sizes[:8] ** 2 / (sizes**2).sum(), rel=1e-9)
    line = np.outer(np.arange(4), np.arange(1, 6)).astype(np.float32)
    along, shares = landscape.principal_directions(line, 5)
    assert len(along) == 1 and shares[0] == pytest.approx(1)
    assert np.abs(along[0]) == pytest.approx(np.arange(1, 6) / 55**0.5, rel=1e-6)
    assert len(landscape.principal_directions(np.ones((3, 5), np.float32), 5)[0]) == 0


def test_a_projection_is_the_nearest_point_of_the_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape, "BLOCK", 7)
    states, draw = wander(9, 50), np.random.default_rng(6)
    directions = draw.normal(size=(2, 50)).astype(np.float32)  # neither of length 1, nor at right angles
    points, share = landscape.project(states, states[-1], directions, 50)
    wanted = np.linalg.lstsq(directions.T.astype(np.float64), (states - states[-1]).T.astype(np.float64), rcond=None)[0].T
    assert points == pytest.approx(wanted, abs=1e-5) and points[-1] == pytest.approx([0, 0])
    onto = wanted @ directions
    assert share == pytest.approx(onto.var(axis=0).sum() / states.var(axis=0).sum(), rel=1e-4)
    own, shares = landscape.principal_directions(states, 50)
    assert landscape.project(states, states[-1], own, 50)[1] == pytest.approx(shares[:2].sum(), rel=1e-5)
    more = np.hstack([states, 100 * states[:, :3]])  # with buffers, which do not count
    wider = np.hstack([own, np.zeros((2, 3), np.float32)])
    assert landscape.project(more, more[-1], wider, 50)[1] == pytest.approx(shares[:2].sum(), rel=1e-5)


def test_a_second_direction_at_right_angles() -> None:
    draw = np.random.default_rng(7)
    first = draw.normal(size=20)
    found = landscape.across((first / np.linalg.norm(first)).astype(np.float32), draw.normal(size=20).astype(np.float32))
    assert found @ found.T == pytest.approx(np.eye(2), abs=1e-6)


class Bowl(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0]]))


def squares(model: nn.Module) -> float:
    return float((model.weight.detach().double() ** 2).sum())  # type: ignore[operator]


def test_losses_on_a_plane_and_a_line_for_any_number_of_workers() -> None:
    model = Bowl()
    centre, directions = landscape.state_of(model), np.eye(3, dtype=np.float32)[:2]
    x, y = np.array([-1.0, 0.0, 2.0]), np.array([-0.5, 0.0])
    points, ticks = landscape.plane(centre, directions, x, y), []
    found = [landscape.losses(points, 6, model, squares, workers, lambda: ticks.append(0)) for workers in (1, 2, 5)]
    assert found[0].tolist() == [(1 + a) ** 2 + (-2 + b) ** 2 + 9 for b in y for a in x] and len(ticks) == 18
    assert all((each == found[0]).all() for each in found) and found[0][4] == squares(model)
    assert torch.equal(landscape.state_of(model), centre)  # the network itself has not moved
    start = torch.tensor([7.0, 7.0, 5.0])
    way = landscape.line(start, centre, 2, np.array([0.0, 0.5, 1.0]))
    assert [way(n).tolist() for n in range(3)] == [[7, 7, 3], [4, 2.5, 3], [1, -2, 3]]  # beyond the parameters: the end's


def test_what_is_not_finite_has_no_number_and_what_raises_is_raised() -> None:
    points = landscape.plane(torch.zeros(3), np.eye(3, dtype=np.float32)[:2], np.array([0.0, 1.0]), np.array([0.0]))
    found = landscape.losses(
        points, 2, Bowl(), lambda model: float("inf") if float(model.weight.detach()[0, 0]) else 2.0, 2, lambda: None
    )
    assert found[0] == 2.0 and np.isnan(found[1])
    points = landscape.plane(torch.zeros(3), np.eye(3, dtype=np.float32)[:2], np.arange(5.0), np.array([0.0]))
    with pytest.raises(ZeroDivisionError):  # and no worker waits for a copy that is not given back
        landscape.losses(points, 5, Bowl(), lambda model: 1 / 0, 2, lambda: None)


def test_states_are_taken_after_the_updates_that_are_wanted(tmp_path: Path) -> None:
    model = Bowl()
    recorder = landscape.Recorder(model, [4, 2], tmp_path / "states")
    for step in range(1, 6):
        with torch.no_grad():
            model.weight += 1
        recorder(Step(step, 1, 0.0, 1, 0.1) if step != 4 else Refused(step, 1, "loss", "", ""))
    assert recorder.steps == [0, 2, 4]
    assert recorder.states.tolist() == [[1, -2, 3], [3, 0, 5], [5, 2, 7]]
    assert landscape.recorded(recorder.states, torch.device("cpu"))(1).tolist() == [3, 0, 5]
