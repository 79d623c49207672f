"""Averages of parameters: the numbers of torch's own, to the bit, and swapping that leaves no trace."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import trainwright as tw
from trainwright.training.averages import MovingAverages

X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def test_averages_are_those_of_torch() -> None:
    model, other = network(), network()
    theirs = AveragedModel(other, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    list(
        tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=3, batch_size=20, ema=0.9, shuffle=False)
    )
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(3):
        for low in range(0, 60, 20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(other(X[low : low + 20]), Y[low : low + 20]).backward()
            optimizer.step()
            theirs.update_parameters(other)
    assert all(map(torch.equal, model.state_dict().values(), theirs.module.state_dict().values()))
    assert not torch.equal(model[0].weight, other[0].weight)


def test_the_averages_are_validated_and_kept_as_the_best() -> None:
    model, seen = network(), []

    def first(outputs: torch.Tensor, targets: torch.Tensor) -> float:
        seen.append(copy.deepcopy(model.state_dict()))
        return 0.0

    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    call = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "valid": (X, Y), "metrics": {"first": first}}
    before, events = {}, []
    for event in tw.fit(model, (X, Y), **call, epochs=4, batch_size=20, ema=0.95, monitor="loss", progress=False):
        events.append(event)
        if event.kind == "epoch":
            before[event.epoch] = copy.deepcopy(model.state_dict())
    assert [event.what for event in events if event.kind == "note"] == ["ema"]
    best = events[-1].best_epoch
    assert all(torch.equal(each, seen[best - 1][name]) for name, each in model.state_dict().items())
    assert not torch.equal(before[best]["0.weight"], seen[best - 1]["0.weight"])  # between epochs it is the model that learns
    found = tw.evaluate(model, (X, Y), loss=nn.CrossEntropyLoss(), batch_size=20)
    epoch = next(event for event in events if event.kind == "epoch" and event.epoch == best)
    assert found["loss"] == pytest.approx(epoch.valid.loss, rel=1e-6)


def test_swapping_is_exact_and_coarse_parameters_have_fine_averages() -> None:
    model = nn.Linear(3, 3).to(torch.bfloat16)
    averages = MovingAverages(model, 0.999)
    for _ in range(50):
        with torch.no_grad():
            model.weight += 0.01
        averages.update()
    assert averages.values[0].dtype == torch.float32
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(KeyError), averages.in_place():
        assert not torch.equal(model.weight, before["weight"])
        raise KeyError
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_what_averages_cannot_be() -> None:
    model = network()
    call = {"loss": nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)}
    for ema, code, more in ((1.0, "E320", {}), (-0.1, "E320", {}), (0.9, "E640", {"graph": True})):
        with pytest.raises(tw.TrainwrightError) as caught:
            tw.fit(model, (X, Y), ema=ema, **call, **more)
        assert caught.value.code == code
