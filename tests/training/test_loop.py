"""tw.fit: any model, any data; the loop's promises about epochs, best parameters, limits and repetition."""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from breaking import Killed, at, kept, same, shrink
from image_samples import bars
from samples import news_rows, write_csv
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.errors import TrainingError
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.watch.events import Epoch, Event, Finished, Note, Saved, Started, Step


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
    assert events[-1].reason == "time" and events[-1].step == 1  # one update is made, however short the time is
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


TASKS: dict[str, dict[str, Any]] = {
    "text": {"model": {"embedding": 4, "ngrams": 1}, "batch_size": 16},
    "image": {"model": {"name": "mlp", "hidden": [4], "dropout": 0.0}, "batch_size": 16, "augment": "none"},
    "language": {"model": {"name": "gpt", "layers": 1, "heads": 1, "width": 8}, "batch_size": 4, "context": 8},
    "table": {"model": {"name": "mlp", "hidden": [4], "dropout": 0.0}, "batch_size": 16},
}
SGD = {"optimizer": {"name": "SGD", "momentum": 0.9}, "lr": 0.05, "schedule": "none", "clip": 0, "epochs": 3}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    pixels, labels = bars(100)
    np.savez(folder / "image.npz", images=pixels, labels=np.array(labels))
    (folder / "language.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(40)))
    draw = np.random.default_rng(0)
    numbers = [(f"{a:.4f}", f"{b:.4f}", "yes" if a > b else "no") for a, b in draw.normal(size=(100, 2))]
    return {
        "text": write_csv(folder / "text.csv", news_rows(120)),
        "image": folder / "image.npz",
        "language": folder / "language.txt",
        "table": write_csv(folder / "table.csv", numbers, ("a", "b", "c")),
    }


def train(source: Path, out: Path, events: list | None = None, **settings: Any) -> tw.Run:
    listen = settings.pop("listen", (events if events is not None else []).append)
    return tw.train(source, out=out, listen=listen, **{**SGD, **TASKS[source.stem], **settings})


def notes(events: list[Event]) -> list[str]:
    return [f"{event.value}; {event.why}" for event in events if isinstance(event, Note) and event.what == "micro-batch"]


def own(**changes: Any) -> tuple[nn.Module, dict[str, Any]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    return model, {"loss": nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(model.parameters(), lr=0.5), **changes}


def rows(count: int = 90) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(1)).double()
    return inputs, (inputs.sum(dim=1) > 0).long()


class Named(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


@pytest.mark.parametrize("task", list(TASKS))
def test_what_does_not_fit_gives_the_bits_of_batches_that_were_cut_from_the_start(
    task: str, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = TASKS[task]["batch_size"] // 2
    expected = train(sources[task], tmp_path / "expected", batch_size=half, accumulate=2)
    whole = train(sources[task], tmp_path / "whole")
    shrink(monkeypatch, half * TASKS[task].get("context", 1))
    events: list[Event] = []
    found = train(sources[task], tmp_path / "found", events)
    assert [each.split(";")[0] for each in notes(events)] == [f"{half} rows"]
    first, second = kept(found.path), kept(expected.path)
    for part in ("model", "optimizer", "best"):
        assert same(first["state"][part], second["state"][part])
    assert first["history"] == second["history"]
    for name, value in whole.model.state_dict().items():
        assert torch.allclose(value, found.model.state_dict()[name], atol=1e-5)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("kind", ["tensors", "named", "items"])
def test_data_of_a_persons_own_are_cut_by_the_smallest_factor(kind: str, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = rows()
    data: Any = {"tensors": (inputs, targets), "named": {"x": inputs, "y": targets}, "items": TensorDataset(inputs, targets)}

    def fitted() -> tuple[list[Event], nn.Module]:
        model, options = own(batch_size=18, epochs=2, accumulate=2)
        model = Named(model) if kind == "named" else model
        return list(tw.fit(model, data[kind], **options)), model

    expected, whole = fitted()
    with monkeypatch.context() as patch:
        shrink(patch, 5, first)
        events, model = fitted()
    assert [each.split(";")[0] for each in notes(events)] == ["9 rows", "3 rows"]  # 18 by 2, then 9 by 3
    steps, others = ([(e.step, e.rows) for e in each if isinstance(e, Step)] for each in (events, expected))
    assert steps == others and len(steps) == 6
    for one, other in zip(model.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-12)
    scores = [[e.train for e in each if e.kind == "epoch"] for each in (events, expected)]
    for one, other in zip(*scores, strict=True):
        assert one.n == other.n == 90 and one.loss == pytest.approx(other.loss)


def test_a_part_whose_targets_are_all_left_out_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = rows(16)
    targets[8:12] = -100
    results = []
    for most in (8, 4):
        with monkeypatch.context() as patch:
            shrink(patch, most)
            model, options = own(batch_size=8, shuffle=False)
            list(tw.fit(model, (inputs, targets), **options))
            results.append(torch.cat([each.flatten() for each in model.parameters()]))
    assert torch.allclose(*results, atol=1e-12)


def test_batch_norm_is_said_to_see_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch, 9)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 2)).double()
    options = {"loss": nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)}
    events = list(tw.fit(model, rows(), batch_size=18, **options))
    assert len(notes(events)) == 1 and "batch norm" in notes(events)[0]
    assert int(model[1].num_batches_tracked) == 10  # what failed is not among them


@pytest.mark.parametrize("place", [at(Step, step=3), at(Step, step=7), at(Saved, step=8)])
def test_a_run_that_was_cut_and_killed_goes_on_with_the_same_bits(
    place: Any, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"checkpoint_every": "4steps", "optimizer": "AdamW"}
    with monkeypatch.context() as patch:
        shrink(patch, 8, first=3)
        whole = train(sources["text"], tmp_path / "whole", **changes)
    with monkeypatch.context() as patch:
        shrink(patch, 8, first=3)
        with pytest.raises(Killed):
            train(sources["text"], tmp_path / "run", listen=place, **changes)
    events: list[Event] = []
    tw.resume(tmp_path / "run", listen=events.append)  # now there is room, and it goes on as it was all the same
    assert not notes(events)
    assert same(kept(tmp_path / "run"), kept(whole.path))


def no_state(inputs: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(inputs), 1)


class Carrying(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2).double()

    def forward(self, inputs: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.linear(inputs), state


def test_what_cannot_be_cut_ends_with_a_message(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, targets = rows()
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=10)
    shrink(monkeypatch, 0)
    cases = [(own()[0], (inputs, targets), {"batch_size": 6}, "a single row"), (own()[0], loader, {}, "as it is")]
    cases.append((Carrying(), (inputs, targets), {"state": no_state}, "carries a state"))
    for model, data, options, what in cases:
        before = [each.clone() for each in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with pytest.raises(TrainingError, match="E504") as caught:
            list(tw.fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, **options))
        assert what in str(caught.value) and caught.value.exit_code == 3
        assert all(itertools.starmap(torch.equal, zip(before, model.parameters(), strict=True)))
    lstm = {"model": {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}}
    with pytest.raises(TrainingError, match=r"E504.*carries a state(.|\n)*context"):
        train(sources["language"], tmp_path / "run", **lstm)


def test_no_memory_for_the_optimiser_or_the_validation_ends_with_a_message(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    model, options = own()
    with monkeypatch.context() as patch:
        patch.setattr("trainwright.training.step.lean_step", lambda optimizer: full)
        with pytest.raises(TrainingError, match=r"E504.*optimiser"):
            list(tw.fit(model, rows(), **options))
    monkeypatch.setattr(SupervisedProblem, "validate", full)
    with pytest.raises(TrainingError, match=r"E504.*validation"):
        train(sources["text"], tmp_path / "run")
