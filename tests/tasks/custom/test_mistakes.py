"""The commonest mistakes of those who bring a model of their own: each is one message that names the row and the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import trainwright as tw
from trainwright.watch.events import Event, Note

ROWS = 20


def fit(model: nn.Module, data: Any, loss: Any = None, **options: Any) -> list[Event]:
    """The events of a short training; the losses are nobody's concern."""
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.01)
    options = {"progress": False, "batch_size": 8, "epochs": 1} | options
    return list(tw.fit(model, data, loss=loss or nn.CrossEntropyLoss(), optimizer=optimizer, **options))


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(ROWS, *(shape or (4,)), generator=torch.Generator().manual_seed(1))


def classes(rows: int = ROWS) -> torch.Tensor:
    return torch.arange(rows) % 3


def linear(outputs: int = 3, features: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(features, outputs)


def at(values: torch.Tensor, row: int, value: float) -> torch.Tensor:
    changed = values.clone()
    changed[row] = value
    return changed


class Returns(nn.Module):
    """A model whose forward makes something of the outputs."""

    def __init__(self, change: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.change = linear(), change

    def forward(self, x: torch.Tensor) -> Any:
        return self.change(self.inner(x))


class TakesLabels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = linear()

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


MSE, BCE = nn.MSELoss(), nn.BCEWithLogitsLoss()
CROSS, TARGETS = nn.CrossEntropyLoss(), classes()
# what is wrong: model, inputs, targets, loss, code, words of the message
MISTAKES: dict[str, tuple[Callable[[], nn.Module], Any, Any, Any, str, list[str]]] = {
    "float targets": (linear, inputs(), TARGETS.float(), CROSS, "E620", ["float32 of shape (8,)", "y.long()"]),
    "int32 targets": (linear, inputs(), TARGETS.int(), CROSS, "E620", ["int32", "int64 class numbers", "y.long()"]),
    "true and false": (lambda: linear(2), inputs(), TARGETS > 0, CROSS, "E620", ["bool", "y.long()"]),
    "targets (N, 1)": (linear, inputs(), TARGETS[:, None], CROSS, "E620", ["(8, 1)", "y.squeeze(1)."]),
    "float (N, 1)": (linear, inputs(), TARGETS[:, None].float(), CROSS, "E620", ["y.squeeze(1).long()"]),
    "one-hot": (linear, inputs(), F.one_hot(TARGETS), CROSS, "E620", ["int64 of shape (8, 3)", "y.argmax(dim=1)"]),
    "a function": (linear, inputs(), TARGETS.float(), F.cross_entropy, "E620", ["CrossEntropyLoss", "y.long()"]),
    "in a loss of one's own": (
        linear, inputs(), TARGETS.float(), lambda o, y: 2 * F.cross_entropy(o, y), "E620", ["y.long()"],
    ),
    "from 1": (linear, inputs(), TARGETS + 1, CROSS, "E621", ["label 3", "0 to 2", "counted from 1: y - 1"]),
    "-1": (linear, inputs(), at(TARGETS, 13, -1), CROSS, "E621", ["label -1", "row 13 of the data", "ignore_index=-1"]),
    "beyond": (linear, inputs(), at(TARGETS, 6, 7), CROSS, "E621", ["label 7", "row 6 of the data", "8 outputs"]),
    "pixels beyond": (
        lambda: nn.Conv2d(1, 3, 1), inputs(1, 2, 2), at(torch.zeros(ROWS, 2, 2).long(), 5, 9), CROSS, "E621", ["row 5 "],
    ),
    "one output": (lambda: linear(1), inputs(), TARGETS.clamp(max=1), CROSS, "E631", ["(8, 1)", "BCEWithLogitsLoss"]),
    "one output, silently": (lambda: linear(1), inputs(), torch.ones(ROWS, 1), CROSS, "E631", ["(8, 1)"]),
    "rows": (lambda: Returns(lambda o: o.view(-1, 1, 3).expand(-1, 2, 3).reshape(-1, 3)), inputs(), TARGETS, CROSS, "E634",
             ["(16, 3)", "(8,)"]),
    "numbers (N,) and (N, 1)": (lambda: linear(1), inputs(), inputs()[:, 0], MSE, "E605", ["(8, 1)", "y.unsqueeze(1)"]),
    "the same in a function": (lambda: linear(1), inputs(), inputs()[:, 0], F.l1_loss, "E605", ["y.unsqueeze(1)"]),
    "the same of counts": (lambda: linear(1), inputs(), torch.ones(ROWS), nn.PoissonNLLLoss(), "E605", ["y.unsqueeze(1)"]),
    "the same of truth": (lambda: linear(1), inputs(), torch.ones(ROWS), BCE, "E605", ["y.unsqueeze(1)"]),
    "whole numbers": (lambda: linear(1), inputs(), TARGETS[:, None], nn.HuberLoss(), "E620", ["int64", "y.float()"]),
    "truth as numbers": (lambda: linear(1), inputs(), (TARGETS > 0).long()[:, None], BCE, "E620", ["y.float()"]),
    "double truth": (lambda: nn.Sequential(linear(1), nn.Sigmoid()), inputs(), torch.ones(ROWS, 1).double(), nn.BCELoss(),
                     "E620", ["float64", "y.float()"]),
    "truth of -1": (lambda: linear(1), inputs(), at(torch.ones(ROWS, 1), 3, -1), BCE, "E632", ["target -1", "row 3 "]),
    "no probabilities": (lambda: linear(1), inputs() * 9, torch.ones(ROWS, 1), nn.BCELoss(), "E633", ["BCEWithLogitsLoss"]),
    "a dict": (lambda: Returns(lambda o: {"loss": o.sum(), "logits": o}), inputs(), TARGETS, CROSS, "E622",
               ["dict (loss, logits)", "outputs['logits']"]),
    "a tuple": (lambda: Returns(lambda o: (o, None)), inputs(), TARGETS, MSE, "E622", ["tuple of 2", "outputs[0]"]),
    "labels in forward": (TakesLabels, inputs(), TARGETS, CROSS, "E623", ["'labels'", "takes no labels"]),
    "double inputs": (linear, inputs().double(), TARGETS, CROSS, "E624", ["takes float32", "float64", "x.float()"]),
    "whole inputs": (linear, inputs().long(), TARGETS, CROSS, "E624", ["int64", "x.float()."]),
    "bytes": (lambda: nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten()), torch.ones(ROWS, 1, 2, 2).byte(), TARGETS, CROSS,
              "E624", ["layer '0', Conv2d(1, 2", "uint8", "x.float() / 255"]),
    "float tokens": (lambda: nn.Sequential(nn.Embedding(5, 3), nn.Flatten()), inputs(), TARGETS, CROSS, "E624", ["x.long()"]),
    "a token beyond": (lambda: nn.Sequential(nn.Embedding(5, 3), nn.Flatten()), at(torch.zeros(ROWS, 2).long(), 11, 5), TARGETS,
                       CROSS, "E630", ["0 to 4", "asked for 5", "row 11 of the data"]),
    "features": (linear, inputs(7), TARGETS, CROSS, "E625", ["(8, 7)", "nn.Linear(7, 3)"]),
    "images unflattened": (lambda: linear(3, 16), inputs(1, 4, 4), TARGETS, CROSS, "E625", ["(8, 1, 4, 4)", "nn.Flatten()"]),
    "channels last": (lambda: nn.Conv2d(3, 2, 3), inputs(8, 8, 3), TARGETS, CROSS, "E625", ["x.permute(0, 3, 1, 2)"]),
    "no channel": (lambda: nn.Conv2d(1, 2, 3), inputs(8, 8), TARGETS, CROSS, "E625", ["x.unsqueeze(1)"]),
    "colour for grey": (lambda: nn.Conv2d(1, 2, 3), inputs(3, 8, 8), TARGETS, CROSS, "E625", ["nn.Conv2d(3, 2"]),
    "steps of an LSTM": (lambda: nn.LSTM(3, 2), inputs(5, 4), TARGETS, CROSS, "E625", ["LSTM", "Expected 3, got 4"]),
    "detached": (lambda: Returns(torch.detach), inputs(), TARGETS, CROSS, "E628", ["detach()"]),
    "no mean": (linear, inputs(), TARGETS, lambda o, y: o.sum(dim=1), "E629", ["(8,)", "mean()"]),
    "a float": (linear, inputs(), TARGETS, lambda o, y: 1.5, "E629", ["float"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line(name: str) -> None:
    make, x, y, loss, code, words = MISTAKES[name]
    model = make()
    before = [each.clone() for each in model.parameters()]
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(model, (x, y), loss, shuffle=False, batch_size=8)
    assert caught.value.code == code, caught.value
    assert [word for word in words if word not in str(caught.value)] == [], caught.value
    if "row" not in "".join(words):  # of others, batches before may have been learnt from
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("name", ["float targets", "-1", "beyond", "a dict", "features", "double inputs"])
def test_a_mistake_is_named_where_a_model_is_only_measured(name: str) -> None:
    make, x, y, loss, code, words = MISTAKES[name]
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.evaluate(make(), (x, y), loss=loss)
    assert caught.value.code == code and all(word in str(caught.value) for word in words if "row" in word)


def test_a_loss_that_was_forgotten_is_asked_for() -> None:
    model = linear()
    with pytest.raises(tw.TrainwrightError) as caught:
        list(tw.fit(model, (inputs(), TARGETS), optimizer=torch.optim.SGD(model.parameters(), lr=0.1), progress=False))
    assert caught.value.code == "E635" and "no loss is given" in caught.value.what
    assert "loss=nn.CrossEntropyLoss()" in caught.value.mend and "return its loss" in caught.value.mend


def test_the_row_of_a_loader_is_that_of_its_batch() -> None:
    with pytest.raises(tw.TrainwrightError, match="row 5 of its batch") as caught:
        fit(linear(), DataLoader(TensorDataset(inputs(), at(TARGETS, 13, 3)), batch_size=8))
    assert caught.value.code == "E621"


def test_the_row_is_right_in_any_order() -> None:
    for seed in range(3):
        with pytest.raises(tw.TrainwrightError, match="row 13 of the data"):
            fit(linear(), (inputs(), at(TARGETS, 13, 3)), seed=seed)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4), nn.BatchNorm1d(4, affine=False)])
def test_a_last_batch_of_one_row_with_batch_norm(norm: nn.Module) -> None:
    model = nn.Sequential(norm, linear())
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(model, (inputs()[:17], TARGETS[:17]), batch_size=8)
    assert caught.value.code == "E626" and "layer '0', BatchNorm1d(4" in caught.value.what and "drop_last" in caught.value.mend
    loader = DataLoader(TensorDataset(inputs()[:17], TARGETS[:17]), batch_size=8, drop_last=True)
    assert fit(model, loader)[-1].kind == "finished"


def test_nothing_that_learns() -> None:
    model = linear()
    model.requires_grad_(False)
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(model, (inputs(), TARGETS))
    assert caught.value.code == "E627"


def test_rows_that_are_not_finite_are_named_alone() -> None:
    for row, x, y in ((13, at(inputs(), 13, torch.nan), inputs()[:, :1]), (6, inputs(), at(inputs()[:, :1], 6, torch.inf))):
        with pytest.raises(tw.TrainwrightError) as caught:
            fit(linear(1), (x, y), MSE)
        assert caught.value.code == "E501" and caught.value.where.startswith(f"rows {row}, whose own values are not finite")
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(linear(1), (inputs() * 1e30, inputs()[:, :1]), MSE, batch_size=4)
    assert caught.value.code == "E501" and "own values" not in caught.value.where


class Once(IterableDataset):  # type: ignore[type-arg]
    def __init__(self) -> None:
        self.rows = iter([(x, y) for x, y in zip(inputs(), TARGETS, strict=True)])

    def __iter__(self):
        return self.rows


def test_data_that_are_used_up() -> None:
    with pytest.raises(tw.TrainwrightError, match="once only") as caught:
        fit(linear(), Once(), epochs=2)
    assert caught.value.code == "E607"
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(linear(), [])
    assert caught.value.code == "E607" and "once only" not in str(caught.value)


def softmax() -> nn.Module:
    return nn.Sequential(linear(), nn.Softmax(dim=1))


WARNINGS = {
    "softmax": (softmax, inputs(), TARGETS, CROSS, "softmax"),
    "sigmoid": (lambda: nn.Sequential(linear(3), nn.Sigmoid()), inputs(), F.one_hot(TARGETS).float(), BCE, "sigmoid"),
    "logits": (linear, inputs(), TARGETS, nn.NLLLoss(), "log_softmax"),
    "pixels": (
        lambda: nn.Sequential(nn.Flatten(), linear(3, 16)), (inputs(1, 4, 4).abs() * 99).round().clamp(max=255), TARGETS, CROSS,
        "x / 255",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_likely_meant_otherwise_is_noted_once(name: str) -> None:
    make, x, y, loss, word = WARNINGS[name]
    events = fit(make(), (x, y), loss, epochs=2)
    notes = [event for event in events if isinstance(event, Note)]
    assert len(notes) == 1 and word in notes[0].why and events.index(notes[0]) == 1  # before the first step


@pytest.mark.parametrize(
    ("model", "x", "y", "loss"),
    [
        (linear(), inputs(), TARGETS, CROSS),
        (linear(), inputs(), TARGETS.byte(), CROSS),
        (linear(), inputs(), torch.full((ROWS, 3), 1 / 3), CROSS),
        (linear(), inputs(), at(TARGETS, 3, -1), nn.CrossEntropyLoss(ignore_index=-1)),
        (linear(), inputs(), at(TARGETS, 3, -100), CROSS),
        (nn.Sequential(linear(), nn.LogSoftmax(dim=1)), inputs(), TARGETS, nn.NLLLoss()),
        (linear(1), inputs(), inputs()[:, :1], MSE),
        (linear(1), inputs(), torch.rand(ROWS, 1), BCE),
        (nn.Sequential(nn.Flatten(), linear(3, 16)), torch.rand(ROWS, 1, 4, 4), TARGETS, CROSS),
        (nn.Sequential(nn.Flatten(), linear(3, 16)), (torch.rand(ROWS, 1, 4, 4) > 0.5).float(), TARGETS, CROSS),
        (Returns(lambda o: {"logits": o}), inputs(), TARGETS, lambda o, y: F.cross_entropy(o["logits"], y)),
    ],
)
def test_what_is_right_is_left_alone(model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Any) -> None:
    assert not [event for event in fit(model, (x, y), loss) if isinstance(event, Note)]


def test_what_a_model_raises_itself_comes_through() -> None:
    def refuse(outputs: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("of my own")

    with pytest.raises(RuntimeError, match="of my own") as caught:
        fit(Returns(refuse), (inputs(), TARGETS))
    assert not isinstance(caught.value, tw.TrainwrightError)
    with pytest.raises(ZeroDivisionError):
        fit(linear(), (inputs(), TARGETS), lambda o, y: 1 / 0)
    with pytest.raises(tw.TrainwrightError) as told:
        fit(linear(), (inputs(7), TARGETS))
    assert isinstance(told.value.__cause__, RuntimeError)  # what torch said is kept


def test_only_the_first_batch_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwright.tasks.custom import checked

    looked: list[int] = []
    look = checked.CheckedObjective._look
    monkeypatch.setattr(checked.CheckedObjective, "_look", lambda self, *parts: (looked.append(1), look(self, *parts))[1])
    fit(linear(), (inputs(), TARGETS), epochs=3, valid=(inputs(), TARGETS))
    assert len(looked) == 1


def test_an_argument_that_there_is_not() -> None:
    with pytest.raises(tw.TrainwrightError, match=r"E647.*'epohcs'[\s\S]*epochs"):
        fit(linear(), (inputs(), classes()), epohcs=3)
