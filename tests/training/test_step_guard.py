"""What is not finite is never applied and never saved; a run goes on without it, or ends, as it is asked to."""

from __future__ import annotations

import copy
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from breaking import Killed, at, kept, poison, same
from image_samples import bars
from samples import news_rows, write_csv
from torch import nn

import trainwright as tw
from trainwright.errors import SettingError, TrainingError
from trainwright.models.forward import Forward
from trainwright.store.checkpoint import read
from trainwright.watch.events import Event, Note, Refused, Saved, Step

MODELS = {
    "text": {"model": {"embedding": 4, "ngrams": 1}, "batch_size": 16},
    "image": {"model": {"name": "convnet", "channels": [4]}, "batch_size": 8, "augment": "none"},
    "language": {"model": {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}, "batch_size": 4, "context": 8},
}


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


def train(source: Path, out: Path, events: list | None = None, **settings: Any) -> tw.Run:
    task = MODELS[source.stem] if source.stem in MODELS else MODELS["text"]
    listen = settings.pop("listen", (events if events is not None else []).append)
    return tw.train(source, out=out, listen=listen, **{"epochs": 3, "checkpoint_every": "5steps", **task, **settings})


def own(**changes: Any) -> tuple[nn.Module, dict[str, Any]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    return model, {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "batch_size": 8, "shuffle": False, **changes}


def rows(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, 4, generator=draw)
    return inputs, (inputs.sum(dim=1) > 0).long()


def test_a_refused_update_changes_nothing_and_what_follows_is_as_if_it_had_not_been() -> None:
    inputs, targets = rows()
    inputs[19, 2] = torch.nan  # in the third of eight batches, so that the running statistics would take it up
    model, options = own(on_nonfinite="skip", accumulate=1)
    events, before = [], {}
    for event in tw.fit(model, (inputs, targets), **options):
        events.append(event)
        now = copy.deepcopy((model.state_dict(), options["optimizer"].state_dict()["state"]))
        assert not isinstance(event, Refused) or same(now, before)
        before = now
    refused = [event for event in events if isinstance(event, Refused)]
    assert [(each.step, each.quantity, each.taken) for each in refused] == [(3, "loss", "")]
    assert refused[0].where == "rows 19, whose own values are not finite"
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 4, 5, 6, 7, 8]
    assert next(event for event in events if event.kind == "epoch").train.n == 56
    without, options = own()
    left = torch.cat([torch.arange(16), torch.arange(24, 64)])
    list(tw.fit(without, (inputs[left], targets[left]), **options))
    assert same(dict(model.state_dict()), dict(without.state_dict()))


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_half_of_a_window_leaves_no_trace_either(policy: str) -> None:
    inputs, targets = rows()
    inputs[63] = torch.inf
    model, options = own(accumulate=4, on_nonfinite=policy)
    events, before = tw.fit(model, (inputs, targets), **options), {}
    for event in events:
        if isinstance(event, Step):
            before = copy.deepcopy(dict(model.state_dict()))
            break
    if policy == "stop":
        with pytest.raises(TrainingError, match="E501") as caught:
            next(events)
        assert "63" in caught.value.where
    else:
        assert isinstance(next(events), Refused)
        assert next(events).train.n == 32
    assert same(before, dict(model.state_dict()))


def test_a_buffer_that_is_put_elsewhere_and_a_carried_state_are_put_back() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, inputs: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            self.seen = self.seen + 1
            states.append(float(state))
            return self.linear(inputs), state + 1

    states: list[float] = []
    torch.manual_seed(0)
    model, inputs = Counting(), torch.ones(5, 1)
    inputs[2] = torch.nan
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = {"state": lambda inputs: torch.zeros(()), "batch_size": 1, "on_nonfinite": "skip"}
    list(tw.fit(model, (inputs, torch.ones(5, 1)), loss=nn.MSELoss(), optimizer=optimizer, **start))
    assert states == [0, 1, 2, 2, 3] and float(model.seen) == 4


@pytest.mark.parametrize("schedule", ["StepLR", "ReduceLROnPlateau"])
def test_schedules_go_on_over_a_refused_first_update(schedule: str) -> None:
    inputs, targets = rows()
    inputs[3] = torch.nan
    model, options = own(on_nonfinite="skip", schedule_every="step")
    kind = getattr(torch.optim.lr_scheduler, schedule)
    arguments = {"step_size": 2, "gamma": 0.5} if schedule == "StepLR" else {"patience": 100}
    options["schedule"] = kind(options["optimizer"], **arguments)
    rates = [event.lr for event in tw.fit(model, (inputs, targets), **options) if isinstance(event, Step)]
    assert rates[:3] == ([0.01, 0.005, 0.005] if schedule == "StepLR" else [0.01] * 3)


def test_ten_in_a_row_end_it_and_nine_do_not() -> None:
    inputs, targets = rows(8 * 20)
    inputs[8:80] = inputs[88:] = torch.nan
    model, options = own(on_nonfinite="skip")
    events = list(tw.fit(model, (inputs, targets), **options))
    assert sum(isinstance(event, Refused) for event in events) == 18
    inputs[80] = torch.nan
    with pytest.raises(TrainingError, match="E503") as caught:
        list(tw.fit(model, (inputs, targets), **options))
    assert caught.value.exit_code == 3 and "80" in caught.value.where and "step 11" in str(caught.value)


def test_only_known_policies_and_only_where_they_can_be_kept(sources: dict[str, Path], tmp_path: Path) -> None:
    model, options = own(on_nonfinite="rollback")
    with pytest.raises(tw.TrainwrightError, match="E320"):
        tw.fit(model, rows(), **options)
    for every in ("60s", "0"):
        with pytest.raises(SettingError, match="E331"):
            train(sources["text"], tmp_path / "run", on_nonfinite="rollback", checkpoint_every=every)
    with pytest.raises(SettingError, match="E329"):
        tw.TextClassifier(epochs=1, settings={"on_nonfinite": "rollback"}).fit(
            *zip(*[(t, y) for y, t in news_rows(30)], strict=True)
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("policy", ["skip", "rollback"])
@pytest.mark.parametrize("task", list(MODELS))
def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits(
    policy: str, task: str, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, [2, 8, 9])
    changes = {"on_nonfinite": policy, "optimizer": {"name": "SGD", "momentum": 0.9}, "lr": 0.1}
    events: list = []
    whole = train(sources[task], tmp_path / "whole", events, **changes)
    refused = [event for event in events if isinstance(event, Refused)]
    expected = {"skip": ["", "", ""], "rollback": ["step-000000", "step-000005", "step-000005"]}[policy]
    assert [(each.step, each.taken) for each in refused] == list(zip([2, 8, 9], expected, strict=True))
    assert task == "language" or (sources[task].name in refused[0].where and "rows" in refused[0].where)

    def interrupt(event: Event) -> None:
        if isinstance(event, Step) and event.step == 7:
            signal.raise_signal(signal.SIGINT)  # which saves at a step to which nothing is ever rolled back

    for number, place in enumerate([interrupt, at(Refused, step=8), at(Step, step=10)]):
        out = tmp_path / f"run{number}"
        with pytest.raises((Killed, KeyboardInterrupt)):
            train(sources[task], out, listen=place, **changes)
        tw.resume(out, listen=lambda event: None)
        assert same(kept(out), kept(whole.path)), number


def test_a_rollback_takes_back_all_that_was_learned_but_not_the_place(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, [11])
    changes = {
        "on_nonfinite": "rollback",
        "checkpoint_every": "4steps",
        "steps": 11,
        "epochs": 9,
        "schedule": [{"name": "ExponentialLR", "gamma": 0.5}],
    }
    run = train(sources["image"], tmp_path / "run", **changes, optimizer="Adam", lr=0.01)
    last = kept(run.path)["state"]
    then = read(run.path / "checkpoints" / "step-000008").state
    for part in ("model", "carried"):
        assert same(last[part], then[part])
    assert same(last["optimizer"]["state"], then["optimizer"]["state"])
    assert last["position"]["step"] == last["schedules"][0]["last_epoch"] == 11
    rates = [each["optimizer"]["param_groups"][0]["lr"] for each in (last, then)]
    assert rates == pytest.approx([0.01 * 0.5**11, 0.01 * 0.5**8])


def test_a_stopped_run_is_saved_before_the_refused_step_and_can_go_on_without_it(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, [7])
    skipping = train(sources["text"], tmp_path / "skipping", on_nonfinite="skip")
    with pytest.raises(TrainingError, match=r"E501.*step 7") as caught:
        train(sources["text"], tmp_path / "run", checkpoint_every="1h")
    assert "text.csv, rows" in caught.value.where
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000006"]
    with pytest.raises(TrainingError, match=r"E501.*step 7"):
        tw.resume(tmp_path / "run", listen=lambda event: None)
    with pytest.raises(SettingError, match="E331"):
        tw.resume(tmp_path / "run", listen=lambda event: None, on_nonfinite="rollback")
    tw.resume(tmp_path / "run", listen=lambda event: None, on_nonfinite="skip")
    first, second = kept(tmp_path / "run"), kept(skipping.path)
    assert same(first["state"], second["state"]) and same(first["history"], second["history"])


def test_events_hold_no_number_that_is_not_finite(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, range(1, 10))
    run = train(sources["text"], tmp_path / "run", on_nonfinite="skip")
    text = (run.path / "events.jsonl").read_text()
    assert "NaN" not in text and "Infinity" not in text
    assert sum(json.loads(line)["event"] == "refused" for line in text.splitlines()) == 9


def test_rollback_without_a_period_saves_each_epoch_and_says_so(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list = []
    task = MODELS["text"]
    tw.train(sources["text"], out=tmp_path / "run", listen=events.append, epochs=2, on_nonfinite="rollback", **task)
    assert [event.step for event in events if isinstance(event, Saved)] == [0, 6, 12]
    said = [event for event in events if isinstance(event, Note) and event.what == "checkpoint_every"]
    assert [each.value for each in said] == ["1epoch"]


@pytest.mark.parametrize("policy", ["stop", "skip", "rollback"])
def test_parameters_that_are_no_longer_finite_are_never_saved(
    policy: str, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, seed = Forward.__call__, 0

    def exploding(self: Forward, batch: Any) -> Any:
        nonlocal seed
        if self.model.training and torch.initial_seed() != seed:
            seed = torch.initial_seed()
            steps.append(seed)
            if len(steps) == 7:  # what an update at far too high a rate leaves behind
                with torch.no_grad():
                    self.model.get_parameter("classifier.0.weight").fill_(torch.inf)
        return forward(self, batch)

    steps: list[int] = []
    monkeypatch.setattr(Forward, "__call__", exploding)
    out, events = tmp_path / "run", []
    if policy == "rollback":
        train(sources["text"], out, events, on_nonfinite=policy)
        assert [event.taken for event in events if isinstance(event, Refused)] == ["step-000005"]
        return
    with pytest.raises(TrainingError) as caught:
        train(sources["text"], out, events, on_nonfinite=policy, checkpoint_every="5steps" if policy == "stop" else "1h")
    assert caught.value.code == {"stop": "E501", "skip": "E503"}[policy] and caught.value.exit_code == 3
    assert "not finite in: classifier.0.weight" in caught.value.where
    names = [path.name for path in (out / "checkpoints").iterdir()] if policy == "stop" else []
    assert names == (["step-000005"] if policy == "stop" else [])


def test_a_finite_gradient_at_far_too_high_a_rate_ends_with_the_layer_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e38)
    inputs, targets = rows()
    data = inputs * 1000, targets
    with pytest.raises(TrainingError, match=r"E50[12]") as caught:
        list(tw.fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, steps=1, out=tmp_path / "run"))
    assert "weight" in f"{caught.value.where} {caught.value}"
