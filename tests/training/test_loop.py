"""tw.fit: any model, any data; the loop's promises about epochs, best parameters, limits and repetition."""

from __future__ import annotations

import io
import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.watch.events import Epoch, Finished, Started, Step


def blobs(rows: int = 300, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 3, (rows,), generator=generator)
    return torch.randn(rows, 6, generator=generator) + targets[:, None] * 1.5, targets


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


def run(model: nn.Module, data, **options) -> list:
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=options.pop("lr", 0.1))
    return list(tw.fit(model, data, loss=options.pop("loss", nn.CrossEntropyLoss()), optimizer=optimizer, **options))


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_events_tell_the_story() -> None:
    model = network()
    events = run(model, blobs(), valid=blobs(90, 1), epochs=3, batch_size=64)
    assert [type(event) for event in events if not isinstance(event, Step)] == [Started, Epoch, Epoch, Epoch, Finished]
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == list(range(1, 16))
    assert [step.rows for step in steps[:5]] == [64, 64, 64, 64, 44]
    last = events[-2]
    assert last.train.n == 300 and last.valid.n == 90 and last.valid.accuracy > 0.7
    assert events[-1].reason == "epochs" and events[-1].step == 15


def test_it_is_the_hand_written_loop() -> None:
    inputs, targets = blobs()
    batches = [(inputs[low : low + 64], targets[low : low + 64]) for low in range(0, 300, 64)]
    ours, hand = network(), network()
    events = run(ours, batches, epochs=4)
    optimizer = torch.optim.SGD(hand.parameters(), lr=0.1)
    for _ in range(4):
        total = 0.0
        for x, y in batches:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(hand(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
    assert torch.equal(weights(ours), weights(hand))
    assert events[-2].train.loss == pytest.approx(total / 300, rel=1e-12)


@pytest.mark.parametrize("kind", ["tensors", "dataset", "loader"])
def test_the_same_twice_and_from_any_random_state(kind: str) -> None:
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        data = {"tensors": blobs(), "dataset": TensorDataset(*blobs()), "loader": DataLoader(TensorDataset(*blobs()), 64)}[kind]
        model = network(dropout=0.3)
        torch.manual_seed(state)
        run(model, data, epochs=2)
        found.append(weights(model))
    assert torch.equal(*found)


def test_the_order_of_tensors_and_of_a_dataset_is_the_same() -> None:
    a, b = network(), network()
    run(a, blobs(), epochs=2, seed=3)
    run(b, TensorDataset(*blobs()), epochs=2, seed=3)
    assert torch.equal(weights(a), weights(b))


@pytest.mark.parametrize(("accumulate", "batch_size"), [(1, 300), (2, 150), (3, 100), (4, 90), (7, 48)])
def test_accumulation_equals_the_full_batch(accumulate: int, batch_size: int) -> None:
    full, cut = network().double(), network().double()
    inputs, targets = blobs()
    run(full, (inputs.double(), targets), epochs=3, batch_size=300, shuffle=False)
    events = run(cut, (inputs.double(), targets), epochs=3, batch_size=batch_size, accumulate=accumulate, shuffle=False)
    assert events[-1].step == 3
    assert torch.allclose(weights(full), weights(cut), atol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 300])
def test_scores_do_not_depend_on_the_batch_size(batch_size: int) -> None:
    model = network()
    events = run(model, blobs(), valid=blobs(300, 1), epochs=1, lr=0.0, batch_size=batch_size)
    outputs, targets = model(blobs(300, 1)[0]), blobs(300, 1)[1]
    assert events[-2].valid.loss == pytest.approx(nn.functional.cross_entropy(outputs.double(), targets).item(), abs=1e-6)
    assert events[-2].valid.accuracy == (outputs.argmax(1) == targets).sum().item() / 300
    assert events[-2].train.n == 300


def test_the_model_ends_with_the_best_parameters() -> None:
    model, seen = network(), {}
    data, valid = blobs(40), blobs(400, 1)
    for event in tw.fit(
        model, data, valid=valid, loss=nn.CrossEntropyLoss(), epochs=25, monitor="loss", progress=False,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.3), batch_size=8,
    ):  # fmt: skip
        if isinstance(event, Epoch):
            seen[event.epoch] = (event.valid.loss, weights(model))
    best = min(seen, key=lambda epoch: seen[epoch][0])
    assert best < 25 and event.best_epoch == best
    assert torch.equal(weights(model), seen[best][1])


def test_patience_steps_and_time() -> None:
    events = run(network(), blobs(40), valid=blobs(40, 1), epochs=50, lr=0.0, patience=3)
    assert events[-1].reason == "patience" and events[-1].epoch == 4
    events = run(network(), blobs(), epochs=50, steps=7)
    assert events[-1].reason == "steps" and events[-1].step == 7 and events[-2].train.n == 2 * 64
    events = run(network(), blobs(), epochs=10**6, time=1e-9)
    assert events[-1].reason == "time" and events[-1].step == 0
    assert run(network(), blobs(), epochs=0)[-1].step == 0


def test_a_schedule_by_epoch_and_by_step() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
    events = run(model, blobs(), optimizer=optimizer, schedule=schedule, epochs=3)
    assert [event.lr for event in events if isinstance(event, Epoch)] == pytest.approx([1, 0.1, 0.01])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    events = run(model, blobs(), optimizer=optimizer, schedule=[schedule], schedule_every="step", epochs=1)
    assert [event.lr for event in events if isinstance(event, Step)] == [1, 1, 0.5, 0.5, 0.25]


class TwoInputs(nn.Module):
    """A model with two inputs, as a person would write one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.cat([a, b], dim=1))


def test_regression_with_two_inputs() -> None:
    a, b = blobs()[0][:, :2], blobs()[0][:, 2:4]
    targets = a[:, :1] * 2 - b[:, 1:]
    model = TwoInputs()
    events = run(model, (a, b, targets), loss=nn.MSELoss(), epochs=60, lr=0.05)
    assert events[-2].train.loss < 0.01 and events[-2].train.accuracy is None
    with pytest.raises(tw.TrainwrightError, match="E605"):
        run(model, (a, b, targets[:, 0]), loss=nn.MSELoss())


def test_a_loss_of_ones_own() -> None:
    model = nn.Linear(6, 1)
    events = run(model, (blobs()[0], torch.ones(300, 1)), loss=lambda out, y: ((out - y) ** 2).mean(), epochs=30, lr=0.02)
    assert events[-2].train.loss < 0.2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"data": "blobs"}, "E601"),
        ({"data": (torch.zeros(3, 6), torch.zeros(2))}, "E604"),
        ({"data": []}, "E607"),
        ({"optimizer": "SGD"}, "E608"),
        ({"patience": 2}, "E315"),
        ({"schedule_every": "week"}, "E320"),
        ({"loss": nn.CrossEntropyLoss(reduction="sum")}, "E606"),
    ],
)
def test_mistakes_have_a_message(change: dict, code: str) -> None:
    model = network()
    with pytest.raises(tw.TrainwrightError) as caught:
        run(model, change.pop("data", blobs()), **change)
    assert caught.value.code == code and caught.value.mend


def test_a_refused_step_leaves_the_model_and_names_the_rows() -> None:
    inputs, targets = blobs()
    inputs[17] = math.nan
    model = network()
    with pytest.raises(tw.TrainwrightError) as caught:
        run(model, (inputs, targets), epochs=1)
    assert 17 in caught.value.rows and weights(model).isfinite().all()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_and_the_table_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    run(network(), blobs(), valid=blobs(60, 1), epochs=2, progress=True)
    assert "valid acc" in shown.getvalue() and "\x1b[" in shown.getvalue()
    shown.truncate(0)
    run(network(), blobs(), epochs=1, progress=False)
    assert shown.getvalue().strip("\0") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clip", -1), ("clip_value", -1.0), ("steps", -1), ("epochs", -1), ("epochs", "3"), ("epochs", 2.5), ("patience", -1),
        ("time", "5m"), ("batch_size", 0), ("accumulate", 0), ("monitor", "acc"), ("schedule", "StepLR"), ("loss", "ce"),
    ],
)  # fmt: skip
def test_impossible_numbers_are_refused_before_training(name: str, value: object) -> None:
    model = network()
    before = weights(model)
    with pytest.raises(tw.TrainwrightError) as caught:
        run(model, blobs(), valid=blobs(30, 1), **{name: value})
    assert caught.value.code == "E320" and f"{name}={value!r}" in str(caught.value) and torch.equal(weights(model), before)


def test_an_optimizer_of_another_model_and_an_empty_validation_are_refused() -> None:
    model = network()
    with pytest.raises(tw.TrainwrightError, match="E609"):
        run(model, blobs(), optimizer=torch.optim.SGD(network().parameters(), lr=0.1))
    with pytest.raises(tw.TrainwrightError, match="E607"):
        run(model, blobs(), valid=(torch.zeros(0, 6), torch.zeros(0).long()))


def test_without_validation_the_last_parameters_stay() -> None:
    model, seen = network(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=20.0)
    events = tw.fit(model, blobs(), loss=nn.CrossEntropyLoss(), epochs=4, optimizer=optimizer, progress=False)
    seen = [(event, weights(model)) for event in events]
    assert seen[-1][0].best_epoch == 0 and torch.equal(weights(model), seen[-2][1])


def test_frozen_parts_stay_frozen_and_the_random_state_is_the_persons() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    model[1].eval()
    before = model[1].running_mean.clone()
    state = torch.random.get_rng_state()
    run(model, blobs(), valid=blobs(30, 1), epochs=2)
    assert not model[1].training and torch.equal(model[1].running_mean, before) and model[0].training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_ignored_targets_count_neither_way() -> None:
    inputs, targets = blobs()
    targets[::2] = -100
    model = network()
    events = run(model, (inputs, targets), valid=(inputs, targets), epochs=8)
    kept = targets >= 0
    assert events[-2].train.n == events[-2].valid.n == int(kept.sum())
    assert (
        events[-2].valid.accuracy == (model(inputs).argmax(1) == targets)[kept].float().mean().item()
        or events[-2].valid.accuracy > 0.7
    )


class Draws(nn.Module):
    """Keeps what it draws in every step, as dropout would draw it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.drawn = nn.Linear(6, 3), []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.drawn.append(torch.rand(1).item())
        return self.layer(inputs)


def test_what_is_drawn_follows_from_seed_and_step() -> None:
    first, second, other = Draws(), Draws(), Draws()
    for model, seed in ((first, 0), (second, 0), (other, 1)):
        torch.manual_seed(len(first.drawn))
        run(model, blobs(), epochs=2, seed=seed)
    assert first.drawn == second.drawn and len(set(first.drawn + other.drawn)) == 20
