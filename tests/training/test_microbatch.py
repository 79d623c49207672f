"""Where a device runs out of memory, a batch is cut into parts that make the same update."""

from __future__ import annotations

import itertools
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
from trainwright.watch.events import Event, Note, Saved, Step

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
