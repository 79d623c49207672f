"""What is fastest is measured, not guessed; what was measured leaves no trace; and what was chosen is kept with the run."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from bench import FULL
from samples import write_csv
from torch import nn

import trainwright as tw
from trainwright.data.batches.base import tensor_batches
from trainwright.errors import TrainwrightError
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.training import autotune
from trainwright.training.autotune import TURNS, ExecConfig, Workload, fastest_config
from trainwright.training.step import Learner
from trainwright.watch.events import Event, Note

ALL = {"precision", "layout", "threads", "compile"}


class Machine:
    """A clock that only moves when a network is called: by what the way of the call costs here."""

    def __init__(self, **costs: float) -> None:
        self.now, self.built, self.costs, self.drift, self.each = 0.0, [], costs, 0.0, 1.0

    def perf_counter(self) -> float:
        return self.now

    def bench(self, updates: int = 1000, seconds: float = 0.0) -> Workload:
        cpu = torch.device("cpu")
        inputs, targets = torch.randn(40, 3), torch.randint(0, 2, (40,))
        batches = tensor_batches([inputs], targets, batch_size=8, seed=0, device=cpu)
        return Workload(self.build, batches, 1, updates, seconds, cpu)

    def build(self, way: ExecConfig) -> Learner:
        self.built.append(way)
        torch.manual_seed(0)
        model = nn.Linear(3, 2)

        def call(inputs: torch.Tensor) -> torch.Tensor:
            cost = self.each
            for value in (way.precision, way.layout, f"threads{way.threads}", "compile" * way.compile):
                cost *= self.costs.get(value, 1.0)
                if cost < 0:
                    raise RuntimeError("no kernel")
            self.now += cost
            return model(inputs) + (self.drift if way.precision == "bfloat16" else 0.0) * torch.tensor([1.0, -1.0])

        forward = Forward(model)
        forward.call = call
        if way.compile:
            self.now += self.costs.get("compiling", 0.0)
        return Learner(forward, Objective(nn.CrossEntropyLoss()), torch.optim.SGD(model.parameters(), lr=0.01))


@pytest.fixture
def machine(monkeypatch):
    def make(**costs: float) -> Machine:
        made = Machine(**costs)
        monkeypatch.setattr(autotune, "time", made)
        return made

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield make
    torch.set_num_threads(threads)


PRIOR = ExecConfig(layout="channels_last")


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({}, PRIOR),
        ({"bfloat16": 0.5}, ExecConfig("bfloat16", "channels_last")),
        ({"bfloat16": 0.95}, PRIOR),  # too little to be sure of
        ({"bfloat16": -1.0}, PRIOR),  # it fails
        ({"contiguous": 0.8, "threads1": 0.5}, ExecConfig("float32", "contiguous", 1)),
        ({"bfloat16": 2.0, "contiguous": 3.0, "threads1": 1.5}, PRIOR),
        ({"compile": 0.5}, ExecConfig("float32", "channels_last", 0, True)),
        ({"compile": 0.5, "compiling": 600.0}, PRIOR),  # it saves 500 seconds
        ({"compile": 0.5, "compiling": 400.0}, ExecConfig("float32", "channels_last", 0, True)),
    ],
)
def test_the_fastest_way_is_taken(machine, costs: dict[str, float], expected: ExecConfig) -> None:
    way, told = fastest_config(machine(**costs).bench(), PRIOR, ALL)
    assert way == expected and told


def test_how_far_the_measuring_is_can_be_followed(machine) -> None:
    heard: list[tuple[int, int]] = []
    bench = machine(bfloat16=0.5).bench()._replace(listen=lambda event: heard.append((event.done, event.total)))
    fastest_config(bench, PRIOR, {"precision", "layout"})
    assert heard == [(done, 2 * TURNS) for done in range(1, 2 * TURNS + 1)]


def test_who_follows_may_end_it(machine) -> None:
    def listen(event: Event) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        fastest_config(machine(bfloat16=0.5).bench()._replace(listen=listen), PRIOR, {"precision"})


def test_what_is_given_is_not_measured(machine) -> None:
    every = machine(bfloat16=0.5, contiguous=0.5, threads1=0.5, compile=0.5)
    way, _ = fastest_config(every.bench(), PRIOR, {"threads"})
    assert way == ExecConfig("float32", "channels_last", 1)
    assert {each.precision for each in every.built} == {"float32"}


def test_a_short_run_measures_nothing(machine) -> None:
    short = machine(bfloat16=0.5)
    short.each = 0.01
    assert fastest_config(short.bench(updates=450), PRIOR, ALL) == (PRIOR, "") and len(short.built) == 1  # 4.5 seconds
    assert fastest_config(short.bench(updates=550), PRIOR, {"precision"})[0].precision == "bfloat16"
    assert fastest_config(short.bench(updates=100_000, seconds=4.5), PRIOR, ALL) == (PRIOR, "")


def test_a_run_of_few_updates_measures_nothing(machine) -> None:
    slow = machine(bfloat16=0.5)
    assert fastest_config(slow.bench(updates=399), PRIOR, ALL) == (PRIOR, "") and slow.now == 0
    assert fastest_config(slow.bench(updates=100_000, seconds=300), PRIOR, ALL) == (PRIOR, "") and slow.now < 5
    assert fastest_config(slow.bench(updates=400), PRIOR, {"precision"})[0].precision == "bfloat16"


def test_compiling_needs_a_long_run(machine) -> None:
    quick = machine(compile=0.1)
    assert not fastest_config(quick.bench(updates=500), PRIOR, ALL)[0].compile and not any(each.compile for each in quick.built)
    assert fastest_config(quick.bench(updates=700), PRIOR, ALL)[0].compile


def test_a_precision_that_changes_the_loss_is_refused(machine) -> None:
    fast = machine(bfloat16=0.5)
    fast.drift = 0.5
    way, told = fastest_config(fast.bench(), PRIOR, {"precision"})
    assert way == PRIOR and "changes the loss" in told


def test_a_small_share_of_the_run_is_spent(machine) -> None:
    for updates, seconds in ((1000, 0), (3000, 0), (100_000, 2000)):
        made = machine()
        fastest_config(made.bench(updates, seconds), PRIOR, ALL)
        assert made.now < 0.06 * (seconds or updates)


# Through the public verbs


@pytest.fixture
def always(monkeypatch) -> None:
    """Every run is long enough, and bfloat16 is twice as fast whatever the machine."""
    real = autotune._Trial.turn

    def turn(trial) -> None:
        real(trial)
        trial.seconds[-1] = 1.0 if trial.way.precision == "float32" else 0.5

    monkeypatch.setattr(autotune, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(autotune, "FEW_UPDATES", 0)
    monkeypatch.setattr(autotune, "LONG_RUN", float("inf"))
    monkeypatch.setattr(autotune, "APART", 0.1)
    monkeypatch.setattr(autotune._Trial, "turn", turn)


def weights(path: Path) -> bytes:
    return (path / "model" / "model.safetensors").read_bytes()


def chosen(path: Path) -> SimpleNamespace:
    return SimpleNamespace(**tomllib.loads((path / "settings.toml").read_text()))


def rows(folder: Path) -> Path:
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randn(400, 3, generator=draw)
    lines = [(*map(float, each), "yes" if each.sum() > 0 else "no") for each in numbers]
    return write_csv(folder / "rows.csv", lines, ("a", "b", "c", "label"))


SOURCES = {
    "table": ({"model": "mlp", "epochs": 3}, "rows"),
    "image": ({"model": {"name": "convnet", "channels": [4]}, "epochs": 1}, "digits"),
    "language": ({"model": {"name": "lstm", "embedding": 8, "hidden": 8}, "epochs": 1, "steps": 20}, "python-reference"),
}


@pytest.mark.parametrize("task", SOURCES)
def test_a_measured_run_is_the_run_of_its_settings(task: str, always, tmp_path: Path) -> None:
    """Nothing of the measuring is left in the result; and the run can be repeated and verified to the last bit."""
    settings, source = SOURCES[task]
    source = rows(tmp_path) if source == "rows" else source
    events: list[Event] = []
    drawn = torch.random.get_rng_state()
    found = tw.train(source, out=tmp_path / "one", listen=events.append, **settings)
    assert torch.equal(drawn, torch.random.get_rng_state())
    assert [event.value for event in events if isinstance(event, Note) and event.what == "speed"]
    kept = chosen(found.path)
    assert kept.precision == "bfloat16" and kept.compile is False and kept.speed == "auto"
    same = {"precision": kept.precision, "threads": kept.threads, "speed": "off"}
    again = tw.train(source, out=tmp_path / "two", listen=lambda event: None, **settings, **same)
    assert weights(again.path) == weights(found.path)
    plain = tw.train(source, out=tmp_path / "three", listen=lambda event: None, **settings, speed="off")
    assert chosen(plain.path).precision == "float32" and weights(plain.path) != weights(found.path)
    assert not tw.replay(found.path).wrong and not tw.verify(found.path).wrong


class Stop(Exception):
    """Ends a run."""


@pytest.mark.parametrize("task", SOURCES)
def test_a_run_goes_on_in_the_way_that_it_was_begun(task: str, always, tmp_path: Path, monkeypatch) -> None:
    settings, source = SOURCES[task]
    source = rows(tmp_path) if source == "rows" else source
    whole = tw.train(source, out=tmp_path / "whole", listen=lambda event: None, **settings)

    def stopping(event: Event) -> None:
        if getattr(event, "step", 0) == 7:
            raise Stop

    with pytest.raises(Stop):
        tw.train(source, out=tmp_path / "run", listen=stopping, checkpoint_every="3steps", **settings)
    monkeypatch.setattr(autotune, "fastest_config", lambda *_: pytest.fail("measured again"))
    found = tw.resume(tmp_path / "run", listen=lambda event: None)
    assert weights(found.path) == weights(whole.path)


@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")
def test_a_compiled_network_learns_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = {} if FULL else {"backend": "aot_eager"}  # the C++ compiler takes half a minute
    compiling = Mock(side_effect=partial(torch.compile, **backend))
    monkeypatch.setattr(torch, "compile", compiling)
    source, model = rows(tmp_path), {"name": "mlp", "dropout": 0.0}  # a compiled dropout draws other numbers
    plain, compiled = (
        tw.train(source, out=tmp_path / str(flag), listen=lambda event: None, model=model, epochs=2, compile=flag)
        for flag in (False, True)
    )
    assert compiling.call_count == 1 and chosen(compiled.path).compile
    assert compiled.report["valid"]["loss"] == pytest.approx(plain.report["valid"]["loss"])


@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")
def test_a_network_that_cannot_be_compiled_is_refused(tmp_path: Path, monkeypatch) -> None:
    import torch._dynamo

    def refuse(*_: object, **__: object):
        def call(*_: object) -> None:
            raise torch._dynamo.exc.BackendCompilerFailed(lambda: None, RuntimeError("no g++"), None)

        return call

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(TrainwrightError) as problem:
        tw.train(rows(tmp_path), out=tmp_path / "run", listen=lambda event: None, model="mlp", compile=True)
    assert problem.value.code == "E336"
