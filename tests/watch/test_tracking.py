"""Trackers hear each number once, whatever becomes of the run; their runs are found again, and ours do not end by theirs."""

from __future__ import annotations

import json
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import trainwright as tw
from trainwright.watch import tracking
from trainwright.watch.events import Finished, Started, Step

X = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
Heard = list[tuple[str, dict[str, float], int]]


def fit(out: Path, **more: Any) -> Any:
    torch.manual_seed(1)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    call = {"valid": (X, Y), "batch_size": 20, "epochs": 3, "checkpoint_every": "2steps", "progress": False, "resume": True}
    return tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, out=out, **{**call, **more})


def stopped(out: Path, step: int, **more: Any) -> None:
    """A run that was killed after so many updates: all that came after its newest checkpoint is done again."""
    events = fit(out, **more)
    for event in events:
        if event.kind == "step" and event.step == step:
            break
    shutil.copytree(out, copy := out.with_name("as it was"))
    events.close()
    shutil.rmtree(out)
    copy.rename(out)


def test_tensorboard_has_each_point_once_of_a_run_that_was_killed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    stopped(out, 7, track="tensorboard")
    events = list(fit(out))  # the folder says that there is a tracker
    assert any(event.kind == "resumed" and event.step == 6 for event in events)
    found = EventAccumulator(str(out / "tensorboard"), {"tensors": 0})  # all of them
    found.Reload()
    steps = [event for event in list(fit(tmp_path / "untouched")) if event.kind == "step"]
    points = [(each.step, tensor(each)) for each in found.Tensors("step/loss")]
    assert points == [(event.step, float(torch.tensor(event.loss))) for event in steps]  # they keep float32
    epochs = [event for event in events if event.kind == "epoch"]
    assert [each.step for each in found.Tensors("valid/accuracy")] == [5, 10, 15]
    assert tensor(found.Tensors("valid/loss")[-1]) == pytest.approx(epochs[-1].valid.loss)
    assert not tw.verify(out).wrong  # nothing is written after the seal


def tensor(point: Any) -> float:
    from tensorboard.util.tensor_util import make_ndarray

    return float(make_ndarray(point.tensor_proto))


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> tuple[Heard, list[Any]]:
    """Modules with the signatures of the packages; what they are told, and what else they are asked."""
    heard: Heard = []
    asked: list[Any] = []

    class Run:
        def __init__(self, name: str) -> None:
            self.name = name

        def log(self, data: dict[str, Any], step: int | None = None, commit: bool | None = None) -> None:
            assert step is not None
            heard.append((self.name, data, step))

        def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
            asked.append((self.name, "finish", exit_code))

    def init(
        *, project: str, name: str, config: dict[str, Any], resume: str, id: str | None = None, reinit: str | None = None
    ) -> Run:
        asked.append(("wandb" if id else "trackio", "init", id or name, resume, config))
        return Run("wandb" if id else "trackio")

    class Client:
        def get_experiment_by_name(self, name: str) -> Any:
            return None

        def create_experiment(self, name: str) -> str:
            return "4"

        def create_run(self, experiment_id: str, start_time: Any = None, tags: Any = None, run_name: Any = None) -> Any:
            asked.append(("mlflow", "create_run", experiment_id, run_name))
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id="abc"))

        def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = (), synchronous: Any = None) -> None:
            assert run_id == "abc" and len(params) <= 100
            if metrics:
                heard.append(("mlflow", {name: value for name, value, _, _ in metrics}, metrics[0][3]))

        def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
            asked.append(("mlflow", "finish", status))

    mlflow, entities = types.ModuleType("mlflow"), types.ModuleType("mlflow.entities")
    mlflow.MlflowClient = Client  # type: ignore[attr-defined]
    entities.Metric, entities.Param = (lambda *given: given), (lambda *given: given)  # type: ignore[attr-defined]
    wandb, trackio = types.ModuleType("wandb"), types.ModuleType("trackio")
    wandb.init = trackio.init = init  # type: ignore[attr-defined]
    for each in (mlflow, entities, wandb, trackio):
        monkeypatch.setitem(sys.modules, each.__name__, each)
    known = tracking.find_spec
    monkeypatch.setattr(tracking, "find_spec", lambda name: True if name in sys.modules else known(name))
    return heard, asked


def test_three_trackers_hear_each_number_once_and_find_their_run_again(fakes: tuple[Heard, list[Any]], tmp_path: Path) -> None:
    heard, asked = fakes
    out = tmp_path / "run"
    stopped(out, 7, track=["mlflow", "wandb,trackio"])
    first, asked[:] = [each for each in asked if each[1] != "finish"], []
    list(fit(out, track="wandb"))
    assert [each[1] for each in first] == ["create_run", "init", "init"] and first[1][-1]["optimizer"]["lr"] == 0.1
    again = {each[0]: each[2] for each in asked if each[1] == "init"}
    assert again == {each[0]: each[2] for each in first if each[1] == "init"} and again["trackio"].startswith("run-")
    assert {each[0]: each[2] for each in asked if each[1] == "finish"} == {"mlflow": "FINISHED", "wandb": 0, "trackio": None}
    for name in ("mlflow", "wandb", "trackio"):
        mine = [(values, step) for each, values, step in heard if each == name]
        assert [step for values, step in mine if "step/loss" in values] == list(range(1, 16))
        assert [(values["epoch"], step) for values, step in mine if "epoch" in values] == [(1, 5), (2, 10), (3, 15)]
        assert {"train/loss", "train/accuracy", "valid/loss", "valid/accuracy"} < mine[-1][0].keys()


def test_a_tracker_that_fails_ends_no_training(
    fakes: tuple[Heard, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, _ = fakes
    wandb: Any = sys.modules["wandb"]
    begin = wandb.init

    def init(**given: Any) -> Any:
        if given.get("id") is None:
            raise ConnectionError("nobody answers")
        run = begin(**given)

        def log(data: Any, step: int) -> None:
            if step == 3:
                raise ValueError("no room")
            heard.append(("wandb", data, step))

        run.log = log
        return run

    sys.modules["trackio"].init = wandb.init = init  # type: ignore[attr-defined]
    events = list(fit(tmp_path / "run", track="wandb,trackio,mlflow"))
    notes = [tuple(event) for event in events if event.kind == "note"]
    assert [note[1] for note in notes] == ["trackio stopped", "wandb stopped"] and "nobody answers" in notes[0][2]
    assert [step for name, _, step in heard if name == "wandb"] == [1, 2]
    assert len([1 for name, values, _ in heard if name == "mlflow" and "step/loss" in values]) == 15
    assert events[-1].kind == "finished" and tw.load(tmp_path / "run").report["epochs"] == 3
    told = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [each["what"] for each in told if each["event"] == "note"] == ["tracking", "tracking"]


def test_train_tells_trackers_and_resume_goes_on_telling(fakes: tuple[Heard, list[Any]], news: Path, tmp_path: Path) -> None:
    heard, asked = fakes
    run = tw.train(news, track="wandb", out=tmp_path / "run", epochs=1, listen=lambda event: None)
    assert asked[0][-1]["epochs"] == 1 and heard[-1][1]["epoch"] == 1
    tw.resume(run, epochs=2, listen=lambda event: None)
    assert [values["epoch"] for _, values, _ in heard if "epoch" in values] == [1, 2]
    assert len({step for _, values, step in heard if "step/loss" in values}) == sum("step/loss" in each[1] for each in heard)
    assert not tw.verify(run).wrong


def test_what_cannot_be_tracked(tmp_path: Path, news: Path) -> None:
    for code, track in (("E650", "tensorbord"), ("E651", "wandb")):
        for act in (lambda track=track: fit(tmp_path / "a", track=track), lambda track=track: tw.train(news, track=track)):
            with pytest.raises(tw.TrainwrightError) as caught:
                act()
            assert caught.value.code == code and not (tmp_path / "a").exists()
    assert 'pip install "trainwright[wandb]"' in caught.value.mend
    with pytest.raises(tw.TrainwrightError) as caught:
        fit(None, track="tensorboard", resume=False)  # type: ignore[arg-type]
    assert caught.value.code == "E320" and "out" in caught.value.what
    assert tracking.chosen("tensorboard, tensorboard") == ["tensorboard"] and tracking.chosen(()) == []


def test_a_list_of_trackers_that_is_torn_or_foreign_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / tracking.FILE).write_text('{"tracker": "nosuch", "id": "a"}\n{"step": "x"}\n{"step": 4}\n{"ste')
    mine = tracking.Tracking(tmp_path, [], {})
    for event in (Started(1, 9, 9, 9), Step(5, 1, 1.0, 1, 0.1), Finished("epochs", 9, 1, 1, 1.0)):
        mine(event)
    mine.close()
    assert (tmp_path / tracking.FILE).read_text().endswith('{"ste')  # nobody is told, and nothing is touched
