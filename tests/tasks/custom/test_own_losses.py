"""Losses of the inputs, of the model or of named parts, forward passes in bfloat16, and loops that never run."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import trainwright as tw

X = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


def network(outputs: int = 2) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, outputs))


def go(model: nn.Module, data: Any, loss: Any = None, **more: Any) -> list[Any]:
    optimizer = more.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1)
    more = {"epochs": 2, "batch_size": 20, "shuffle": False, "progress": False} | more
    return list(tw.fit(model, data, loss=loss, optimizer=optimizer, **more))


def alike(one: nn.Module, other: nn.Module) -> bool:
    return all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


class Labelled(nn.Module):
    """As transformers' models: called with the labels, it gives an object with loss and logits."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind, self.inner = kind, network()

    def forward(self, values: Tensor, labels: Tensor | None = None) -> Any:
        logits = self.inner(values)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return self.kind(loss=loss, logits=logits)


@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
@pytest.mark.parametrize("named", [True, False])
def test_a_loss_that_comes_from_the_model(kind: Any, named: bool) -> None:
    model, plain = Labelled(kind), network()
    data: Any = {"values": X, "labels": Y} if named else (X, Y)
    events = go(model, data, valid=data)
    expected = go(plain, (X, Y), nn.CrossEntropyLoss(), valid=(X, Y))
    assert alike(model.inner, plain)
    pairs = [(one, two) for one, two in zip(events, expected, strict=True) if one.kind == "epoch"]
    assert pairs and all((one.train, one.valid) == (two.train, two.valid) for one, two in pairs)
    assert tw.evaluate(model, data) == tw.evaluate(plain, (X, Y), loss=nn.CrossEntropyLoss())


def test_the_rows_of_a_models_loss_are_its_labels_that_count() -> None:
    labels = Y.clone()
    labels[:15] = -100
    data = {"values": X, "labels": labels}
    found = [event.train.loss for event in go(Labelled(dict), data) if event.kind == "epoch"]
    plain = [event.train.loss for event in go(network(), (X, labels), nn.CrossEntropyLoss()) if event.kind == "epoch"]
    assert found == plain


def vae_loss(outputs: Tensor, targets: Tensor, inputs: Tensor) -> dict[str, Tensor]:
    return {"reconstruction": functional.mse_loss(outputs, inputs), "size": 0.1 * outputs.square().mean()}


def test_parts_of_a_loss_of_the_inputs_are_sums_over_counts_everywhere(tmp_path: Path) -> None:
    model, hand = network(4), network(4)
    out = tmp_path / "run"
    events = go(model, (X, Y), vae_loss, valid=(X, Y), accumulate=2, out=out, monitor="loss")
    optimizer = torch.optim.SGD(hand.parameters(), lr=0.1)
    wanted = []
    for _ in range(2):
        sums = torch.zeros(2, dtype=torch.float64)
        for low, high in ((0, 40), (40, 50)):
            optimizer.zero_grad()
            parts = list(vae_loss(hand(X[low:high]), Y[low:high], X[low:high]).values())
            (parts[0] + parts[1]).backward()
            optimizer.step()
            sums += torch.tensor([each.item() for each in parts], dtype=torch.float64) * (high - low)
        wanted.append((sums / 50).tolist())
    epochs = [event for event in events if event.kind == "epoch"]
    for epoch, (first, second) in zip(epochs, wanted, strict=True):
        assert epoch.train.metrics == pytest.approx({"reconstruction": first, "size": second}, rel=1e-5)
        assert epoch.train.loss == pytest.approx(first + second, rel=1e-5)
    now = {name: each.item() for name, each in vae_loss(hand(X), Y, X).items()}
    assert epochs[-1].valid.metrics == pytest.approx(now, rel=1e-4)
    assert tw.evaluate(model, (X, Y), loss=vae_loss, batch_size=7)["size"] == pytest.approx(now["size"], rel=1e-4)
    assert "train_reconstruction" in (out / "history.csv").read_text().splitlines()[0]
    steps = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines() if '"step"' in line[:20]]
    assert steps and all(each["parts"].keys() == {"reconstruction", "size"} for each in steps)
    report = tw.load(out).report
    assert report["valid"]["reconstruction"] == pytest.approx(now["reconstruction"], rel=1e-4)


def test_a_part_named_loss_is_trained_on_and_n_is_what_the_means_are_of() -> None:
    def loss(outputs: Tensor, targets: Tensor) -> dict[str, Any]:
        kept = targets == 1
        each = functional.cross_entropy(outputs, targets, reduction="none")
        return {"loss": each[kept].mean(), "all": each.mean(), "n": kept.sum()}

    model, hand = network(), network()
    (epoch,) = [event for event in go(model, (X, Y), loss, epochs=1) if event.kind == "epoch"]
    optimizer, total = torch.optim.SGD(hand.parameters(), lr=0.1), 0.0
    for x, y in zip(X.split(20), Y.split(20), strict=True):
        found = loss(hand(x), y)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        total += found["loss"].item() * int(found["n"])
    assert alike(model, hand) and epoch.train.loss == pytest.approx(total / int(Y.sum()), rel=1e-9)
    assert list(epoch.train.metrics) == ["all"]


def test_losses_that_cannot_be() -> None:
    for code, loss in (
        ("E641", None),
        ("E642", lambda outputs, targets: {"a": 3.0}),
        ("E642", lambda outputs, targets: {"a": outputs}),
        ("E629", lambda outputs, targets: {}),
        ("E628", lambda outputs, targets: {"a": outputs.detach().mean()}),
        ("E501", lambda outputs, targets: {"loss": outputs.mean(), "part": outputs.mean() * torch.nan}),
    ):
        with pytest.raises(tw.TrainwrightError) as caught:
            go(network() if loss else _Plain(), (X, Y), loss)
        assert caught.value.code == code, code


class _Plain(nn.Module):
    """A model that takes the targets, and forgets the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, values: Tensor, targets: Tensor) -> Tensor:
        return self.inner(values)


class Casting(nn.Module):
    """A model whose forward pass is in bfloat16 by its own word."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, values: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.inner(values)


def test_bfloat16_is_what_an_autocast_around_the_forward_pass_gives() -> None:
    model, own, hand = network(), Casting(network()), network()
    optimizer = torch.optim.SGD(hand.parameters(), lr=0.1)
    losses = [event.loss for event in go(model, (X, Y), nn.CrossEntropyLoss(), precision="bfloat16") if event.kind == "step"]
    for _ in range(2):
        for x, y in zip(X.split(20), Y.split(20), strict=True):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = functional.cross_entropy(hand(x), y)
            loss.backward()
            optimizer.step()
    assert alike(model, hand) and not alike(model, network()) and losses[-1] < losses[0]
    go(own, (X, Y), nn.CrossEntropyLoss())
    assert not alike(own.inner, network())  # it learns: nothing of the pass before is used again
    go(plain := network(), (X, Y), nn.CrossEntropyLoss(), precision="auto")
    go(same := network(), (X, Y), nn.CrossEntropyLoss())
    assert alike(plain, same)  # on a processor


def test_an_outer_autocast_is_refused() -> None:
    model = network()
    with pytest.raises(tw.TrainwrightError) as caught, torch.autocast("cpu", torch.bfloat16):
        go(model, (X, Y), nn.CrossEntropyLoss())
    assert caught.value.code == "E646" and "precision=" in caught.value.mend and alike(model, network())
    assert "copies" not in caught.value.what  # of the weights, which torch.autocast(..., cache_enabled=False) does not make
    events = tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=2)
    with pytest.raises(tw.TrainwrightError) as caught:
        for event in events:
            if event.kind == "epoch":
                torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_enabled("cpu", False)
    assert caught.value.code == "E646"
    with torch.autocast("cpu", torch.bfloat16):  # made inside, gone through outside
        events = tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert list(events)[-1].kind == "finished"


def test_a_training_that_nobody_goes_through_is_warned_of() -> None:
    def made() -> Any:
        model = network()
        return tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))

    with pytest.warns(RuntimeWarning, match="trained nothing: go through its events"):
        made()
        gc.collect()
    events = made()
    assert "nothing is trained yet" in repr(events) and "for event in" in events._repr_html_()
    next(events)
    assert "goes on" in repr(events)
    del events  # begun, and left
    made().close()
