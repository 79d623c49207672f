"""Updates that nobody waits for end with the bits of those that are waited for, and no update asks the device for a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from breaking import kept, poison, same, shrink
from image_samples import bars
from samples import news_rows, write_csv
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import trainwright as tw
from trainwright.errors import TrainingError
from trainwright.training import step as step_module
from trainwright.watch.events import Event, Refused, Saved, Step

TASKS = {
    "text": {"model": {"embedding": 4, "ngrams": 1}, "batch_size": 16},
    "image": {"model": {"name": "convnet", "channels": [4]}, "batch_size": 8, "augment": "none"},
    "language": {
        "model": {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1, "tied": True},
        "batch_size": 4,
        "context": 8,
    },
}
LOOKS = ("_local_scalar_dense", "is_nonzero", "equal", "item", "nonzero", "masked_select", "unique2")


class Looks(TorchDispatchMode):
    """Counts how often a number is asked of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.__name__.split(".")[0] in LOOKS
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    pixels, labels = bars(60)
    np.savez(folder / "image.npz", images=pixels, labels=np.array(labels))
    (folder / "language.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(24)))
    return {
        "text": write_csv(folder / "text.csv", news_rows(120)),
        "image": folder / "image.npz",
        "language": folder / "language.txt",
    }


@pytest.fixture
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor is taken for a device that is not waited for."""
    monkeypatch.setattr(step_module, "WAITED_FOR", ())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3))


def rows(count: int = 70) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(count, 4, generator=draw), torch.randint(3, (count,), generator=draw)


def fit(kind: type[torch.optim.Optimizer] = torch.optim.Adam, **changes: Any) -> tuple[nn.Module, list[Event]]:
    model = network()
    optimizer = kind(model.parameters(), lr=0.05, fused=True)
    given = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "batch_size": 8, "epochs": 4, "clip": 0.5, "graph": True}
    cycled = kind is not torch.optim.Adagrad  # which has no momentum that could go in cycles
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=40, cycle_momentum=cycled)
    events = list(tw.fit(model, rows(), **{**given, "schedule": schedule, "schedule_every": "step", **changes}))
    return model, events


def told(events: list[Event]) -> list[Any]:
    return [each for each in events if isinstance(each, Step | Refused)]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad])
@pytest.mark.parametrize("changes", [{}, {"accumulate": 3}], ids=["plain", "accumulated"])
def test_weights_and_events_are_those_of_waited_updates(kind: Any, changes: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    before, waited = fit(kind, **changes)
    monkeypatch.setattr(step_module, "WAITED_FOR", ())
    after, events = fit(kind, **changes)
    assert same(before.state_dict(), after.state_dict())
    for one, other in zip(told(waited), told(events), strict=True):
        assert (one.step, one.epoch, one.loss, one.rows, one.lr) == (other.step, other.epoch, other.loss, other.rows, other.lr)
        assert one.norm == pytest.approx(other.norm, rel=1e-4)


@pytest.mark.parametrize("wrong", [[1], [3, 4], [9, 17, 18]])
def test_refused_updates_are_those_that_waiting_refuses(wrong: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, wrong)
    before, waited = fit(on_nonfinite="skip")
    monkeypatch.setattr(step_module, "WAITED_FOR", ())
    after, events = fit(on_nonfinite="skip")
    assert [each.step for each in told(events) if isinstance(each, Refused)] == wrong
    assert same(before.state_dict(), after.state_dict())
    assert [vars_of(each) for each in told(waited)] == [vars_of(each) for each in told(events)]


def vars_of(event: Any) -> tuple[Any, ...]:
    return tuple(getattr(event, name) for name in event.__slots__ if name != "norm")


def test_a_refused_update_ends_the_run_before_it_and_names_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, [7])
    found = []
    for waited in (("cpu",), ()):
        monkeypatch.setattr(step_module, "WAITED_FOR", waited)
        with pytest.raises(TrainingError) as problem:
            fit()
        found.append(str(problem.value))
    assert found[0] == found[1]
    assert "step 7" in found[0]


def test_what_does_not_fit_is_cut_as_it_is_where_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for waited in (("cpu",), ()):
        with monkeypatch.context() as patch:
            patch.setattr(step_module, "WAITED_FOR", waited)
            shrink(patch, 4, first=5)
            model, events = fit()
        results.append((model.state_dict(), [vars_of(each) for each in told(events)]))
    assert same(*results)


@pytest.mark.parametrize("task", list(TASKS))
def test_a_run_left_anywhere_goes_on_to_the_same_bits(
    task: str, sources: dict[str, Path], tmp_path: Path, unwaited: None
) -> None:
    settings = {"epochs": 3, "checkpoint_every": "5steps", "graph": True, **TASKS[task]}
    whole = tw.train(sources[task], out=tmp_path / "whole", listen=lambda event: None, **settings)

    def leave(event: Event) -> None:
        if isinstance(event, Saved) and event.step == 10:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tw.train(sources[task], out=tmp_path / "left", listen=leave, **settings)
    tw.resume(tmp_path / "left", listen=lambda event: None)
    assert same(kept(whole.path), kept(tmp_path / "left"))


@pytest.mark.parametrize("task", list(TASKS))
def test_a_run_ends_with_the_bits_of_one_that_waits(
    task: str, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"epochs": 2, "checkpoint_every": "0", "graph": True, "listen": lambda event: None, **TASKS[task]}
    first = tw.train(sources[task], out=tmp_path / "waited", **settings)
    monkeypatch.setattr(step_module, "WAITED_FOR", ())
    second = tw.train(sources[task], out=tmp_path / "ahead", **settings)
    weights = [(run.path / "model" / "model.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] == weights[1]
    assert first.report["valid"] == second.report["valid"]


def test_a_loop_that_is_left_is_saved_where_the_device_stands(tmp_path: Path, unwaited: None) -> None:
    def begin(out: str, **more: Any) -> Any:
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05, fused=True)
        given = {
            "loss": nn.CrossEntropyLoss(),
            "optimizer": optimizer,
            "batch_size": 8,
            "epochs": 3,
            "progress": False,
            "graph": True,
        }
        return model, tw.fit(model, rows(), out=tmp_path / out, **given, **more)

    whole, events = begin("whole")
    assert len(list(events)) > 10
    _, events = begin("left")
    for event in events:
        if isinstance(event, Step) and event.step == 11:
            break
    events.close()
    again, events = begin("left", resume=True)
    steps = [each.step for each in events if isinstance(each, Step)]
    assert steps[0] >= 12 and steps[-1] == 27
    assert same(whole.state_dict(), again.state_dict())
    history = [line.split(",")[:3] for line in (tmp_path / "left" / "history.csv").read_text().splitlines()]
    assert history == [line.split(",")[:3] for line in (tmp_path / "whole" / "history.csv").read_text().splitlines()]


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_no_number_is_asked_of_the_device_in_an_epoch(clip: float, unwaited: None) -> None:
    with Looks() as looks:
        _, events = fit(epochs=2, clip=clip, schedule=None)
    steps = sum(isinstance(each, Step) for each in events)
    with Looks() as fewer:
        fit(epochs=1, clip=clip, schedule=None)
    assert steps == 18
    assert looks.count == fewer.count  # those of the first update, and none after it


@pytest.mark.parametrize("task", ["image", "language"])
def test_no_number_is_asked_of_the_device_while_a_task_trains(
    task: str, sources: dict[str, Path], tmp_path: Path, unwaited: None
) -> None:
    marks: list[int] = []
    with Looks() as looks:

        def listen(event: Event) -> None:
            if isinstance(event, Step):
                marks.append(looks.count)

        settings = {"epochs": 2, "checkpoint_every": "0", "graph": True, **TASKS[task]}
        tw.train(sources[task], out=tmp_path / "run", listen=listen, **settings)
    first_epoch = marks[1 : len(marks) // 2]
    assert len(first_epoch) >= 3
    assert len(set(first_epoch)) == 1
