"""Runs of ``fit`` that are kept in a folder: stopped anywhere and gone on with, they end with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR, StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset

import trainwright as tw
from trainwright.watch.events import Epoch, Event, Resumed, Saved, Step

X = torch.randn(70, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).long()


class Noisy(Dataset[Any]):
    """Items that are changed at random by torch's global generator."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return X[index] + 0.1 * torch.randn(5), Y[index]


DATA: dict[str, Callable[[], Any]] = {
    "tensors": lambda: (X, Y),
    "items": Noisy,
    "loader": lambda: DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True),
    "noisy loader": lambda: DataLoader(Noisy(), batch_size=8, shuffle=True),
    "batches": lambda: [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 70, 8)],
}


def events(data: Any, model: nn.Module | None = None, **given: Any) -> Any:
    torch.manual_seed(1)
    model = model or nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = [StepLR(optimizer, 5), OneCycleLR(optimizer, 0.02, total_steps=60)]
    call = {"valid": (X, Y), "batch_size": 8, "epochs": 4, "accumulate": 2, "schedule": schedule, "schedule_every": "step"}
    return tw.fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, **{**call, **given})


def stop(found: Any, after: int) -> None:
    """Leave the loop after so many updates."""
    for event in found:
        if isinstance(event, Step) and event.step == after:
            break
    found.close()


def weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "model.safetensors")


def history(run: Path) -> list[list[str]]:
    return [line.split(",")[:-2] + line.split(",")[-1:] for line in (run / "history.csv").read_text().splitlines()]


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("after", [3, 5, 11])
def test_a_run_that_was_left_ends_with_the_same_bits(kind: str, after: int, tmp_path: Path) -> None:
    list(events(DATA[kind](), out=tmp_path / "whole"))
    stop(events(DATA[kind](), out=tmp_path / "run", checkpoint_every="2steps"), after)
    torch.manual_seed(99)  # what the process that goes on has drawn before does not matter
    torch.rand(7)
    found = list(events(DATA[kind](), out=tmp_path / "run", resume=True))
    assert [event.step for event in found if isinstance(event, Resumed)] == [after]
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "run")
    assert set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)
    assert history(tmp_path / "whole") == history(tmp_path / "run")


def test_it_can_be_extended(tmp_path: Path) -> None:
    list(events((X, Y), out=tmp_path / "whole", epochs=5, schedule=()))
    list(events((X, Y), out=tmp_path / "run", epochs=2, schedule=()))
    list(events((X, Y), out=tmp_path / "run", epochs=5, schedule=(), resume=True))
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "run")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_tied_weights_and_a_carried_state(tmp_path: Path) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(9, 6), nn.GRU(6, 6, batch_first=True), nn.Linear(6, 9)
            self.out.weight = self.embed.weight

        def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found, state = self.rnn(self.embed(x), state)
            return self.out(found).flatten(0, 1), state

    ids = torch.randint(9, (4, 41), generator=torch.Generator().manual_seed(3))
    data = [(ids[:, at : at + 5], ids[:, at + 1 : at + 6].flatten()) for at in range(0, 35, 5)]
    call = {"valid": None, "state": lambda x: torch.zeros(1, len(x), 6), "accumulate": 1, "schedule": ()}
    for name, after in (("whole", 0), ("run", 9)):
        torch.manual_seed(1)
        found = events(data, Words(), out=tmp_path / name, checkpoint_every="3steps", **call)
        if after:
            stop(found, after)
            torch.manual_seed(1)
            found = events(data, Words(), out=tmp_path / name, resume=True, **call)
        list(found)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "run")
    assert set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_in_the_folder(tmp_path: Path) -> None:
    model = nn.Linear(5, 2)
    found: list[Event] = list(events((X, Y), model, out=tmp_path / "run", checkpoint_every="1epoch"))
    assert [type(each) for each in found if isinstance(each, Saved | Epoch)] == [Epoch, Saved] * 4
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 5
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in weights(tmp_path / "run").items())
    with pytest.raises(tw.TrainwrightError, match="E401"):
        list(events((X, Y), out=tmp_path / "run"))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"seed": 1}, "E420"),
        ({"batch_size": 16}, "E420"),
        ({"accumulate": 1}, "E420"),
        ({"clip": 1.0}, "E420"),
        ({"checkpoint_every": "often"}, "E320"),
        ({"checkpoint_every": 5}, "E320"),
    ],
)
def test_another_call(given: dict[str, Any], code: str, tmp_path: Path) -> None:
    stop(events((X, Y), out=tmp_path / "run", checkpoint_every="2steps"), 5)
    with pytest.raises(tw.TrainwrightError, match=code):
        list(events((X, Y), out=tmp_path / "run", resume=True, **given))


def test_another_model_and_no_folder(tmp_path: Path) -> None:
    stop(events((X, Y), out=tmp_path / "run", checkpoint_every="2steps"), 5)
    with pytest.raises(tw.TrainwrightError, match="E420"):
        list(events((X, Y), nn.Linear(5, 2), out=tmp_path / "run", resume=True))
    with pytest.raises(tw.TrainwrightError, match="E320"):
        events((X, Y), resume=True)


def test_other_data_another_loss_another_optimiser(tmp_path: Path) -> None:
    stop(events((X, Y), out=tmp_path / "run"), 5)
    for data, given in (((X + 1, Y), {}), ((X, Y), {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)})):
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        call = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "batch_size": 8, "accumulate": 2, "epochs": 4} | given
        with pytest.raises(tw.TrainwrightError, match="E420"):
            list(tw.fit(model, data, out=tmp_path / "run", resume=True, schedule_every="step", **call))
    model = nn.Linear(5, 2)
    list(
        tw.fit(
            model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(model.parameters(), 0.1), out=tmp_path / "b"
        )
    )
    with pytest.raises(tw.TrainwrightError, match=r"E420: .* another optimizer"):
        optimizer = torch.optim.SGD(model.parameters(), 0.2)
        list(tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, out=tmp_path / "b", resume=True))


class Odd(nn.Module):
    """A transposed weight, a mask of infinities, a buffer that is not persistent, and a loss with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 5).T)
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
        self.register_buffer("mean", torch.zeros(2), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = x @ self.weight
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * found.mean(0).detach())
        return found - self.mean


def test_what_is_not_among_the_usual_states(tmp_path: Path) -> None:
    def call(**given: Any) -> Any:
        torch.manual_seed(1)
        model, scale = Odd(), nn.Parameter(torch.ones(2))

        def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(outputs * scale, targets)

        optimizer = torch.optim.AdamW([*model.parameters(), scale], lr=0.01, fused=True)
        return tw.fit(model, (X, Y), loss=loss, optimizer=optimizer, batch_size=8, epochs=3, **given)

    list(call(out=tmp_path / "whole"))
    stop(call(out=tmp_path / "run"), 11)
    list(call(out=tmp_path / "run", resume=True))
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "run")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_metric_that_raises_loses_nothing(tmp_path: Path) -> None:
    def metric(outputs: torch.Tensor, targets: torch.Tensor) -> float:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        list(events((X, Y), out=tmp_path / "run", metrics={"mine": metric}))
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000005"]


def test_half_an_update_is_never_saved(tmp_path: Path) -> None:
    class Fails(torch.optim.SGD):
        calls = 0

        def step(self, closure: Any = None) -> None:
            Fails.calls += 1
            self.param_groups[0]["params"][0].data.add_(1.0)
            if Fails.calls == 3:
                raise RuntimeError("mine")

    model = nn.Linear(5, 2)
    with pytest.raises(RuntimeError, match="mine"):
        call = {"loss": nn.CrossEntropyLoss(), "optimizer": Fails(model.parameters(), 0.1), "batch_size": 8}
        list(tw.fit(model, (X, Y), out=tmp_path / "run", **call))
    assert not (tmp_path / "run" / "checkpoints").exists()
