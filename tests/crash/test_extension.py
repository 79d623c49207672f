"""A run that is made longer, and every optimiser and schedule of torch, stopped in the middle and gone on with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench import FULL, Bench
from compare import differences, fingerprint, fingerprint_state
from torch import nn

from trainwright.config.settings import Named, Schedule
from trainwright.data.batches.base import tensor_batches
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.store import checkpoint
from trainwright.store.checkpoint import Checkpoints
from trainwright.training import snapshot
from trainwright.training.checkpointing import Saver
from trainwright.training.loop import Plan, fit
from trainwright.training.optim import OPTIMIZERS, SCHEDULES, groups_for, make_optimizer, make_schedules
from trainwright.training.signals import Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Scores, Step

CONSTANT: list[dict[str, Any]] = []
BY_PLACE = [{"name": "StepLR", "step_size": 3, "gamma": 0.5}, {"name": "ExponentialLR", "gamma": 0.9, "every": "epoch"}]
BY_LENGTH = [{"name": "CosineAnnealingLR"}]
ROWS, BATCH, ACCUMULATE, UPDATES, EPOCHS = 18, 4, 2, 3, 3  # 5 batches make 3 updates an epoch, the last of one batch


@pytest.mark.parametrize("schedule", [CONSTANT, BY_PLACE])
def test_a_longer_run_is_one_that_was_long_from_the_start(bench: Bench, count: Any, schedule: Any) -> None:
    longer = {"settings": {"epochs": 4, "schedule": schedule, "warmup": 0, "patience": 0}}
    whole = bench.untouched("table", **longer)
    out = bench.fresh()
    assert bench.train("table", out, settings=longer["settings"] | {"epochs": 2})["code"] == 0
    answer = bench.driver("resume", out=out, settings={"epochs": 4})
    assert answer["code"] == 0
    unlike = differences(whole, fingerprint(out))
    count(1, bool(unlike))
    assert not unlike


def test_a_longer_run_with_a_schedule_that_follows_its_length(bench: Bench) -> None:
    given = {"epochs": 2, "schedule": BY_LENGTH, "warmup": 0, "patience": 0}
    out = bench.fresh()
    assert bench.train("table", out, settings=given)["code"] == 0
    answer = bench.driver("resume", out=out, settings={"epochs": 4})
    assert answer["code"] == 0
    assert said(answer, "schedule")[-1] == "planned anew"
    assert len((out / "history.csv").read_text().splitlines()) == 5


def test_a_longer_run_that_had_ended_inside_an_epoch(bench: Bench) -> None:
    given = {"schedule": CONSTANT, "warmup": 0}
    out = bench.fresh()
    assert bench.train("table", out, settings=given | {"steps": 6}, hits=[("test", 1, 9)])["code"] == -9
    answer = bench.driver("resume", out=out)
    assert (answer["code"], said(answer, "epoch")) == (0, [])
    answer = bench.driver("resume", out=out, settings={"steps": 9})
    assert (answer["code"], said(answer, "epoch")) == (0, ["begun anew"])


def said(answer: dict[str, Any], about: str) -> list[str]:
    """The values of the notes about a thing."""
    return [value for what, value, _ in answer["said"] if what == about]


@pytest.mark.parametrize("when", ["update", "save-open", "report"])
def test_a_longer_run_that_is_killed(bench: Bench, count: Any, when: str) -> None:
    """The longer plan holds from the moment on that it was asked for."""
    longer = {"settings": {"epochs": 4, "schedule": CONSTANT, "warmup": 0, "patience": 0}}
    whole = bench.untouched("table", **longer)
    out = bench.fresh()
    assert bench.train("table", out, settings=longer["settings"] | {"epochs": 2})["code"] == 0
    number = {"update": 3, "save-open": 1, "report": 3}[when]
    answer = bench.driver("resume", out=out, settings={"epochs": 4}, hits=[(when, number, 9)])
    assert answer["code"] == -9, answer
    assert bench.driver("resume", out=out)["code"] == 0
    unlike = differences(whole, fingerprint(out))
    count(1, bool(unlike))
    assert not unlike


# Arguments that have no default, and plans of the run's own length.
NEEDED: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [2, 5]},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 2, "cycle_momentum": False},
    "OneCycleLR": {"cycle_momentum": False},
}
KINDS = sorted(set(SCHEDULES) - {"ReduceLROnPlateau"}) + ["ReduceLROnPlateau"]


def made(optimizer: str, schedule: str) -> tuple[Learner, Any, Plan, State]:
    """A small network with dropout, buffers and a schedule by step or epoch, ready to train."""
    torch.default_generator.manual_seed(4)
    draw = np.random.default_rng(1)
    inputs = torch.from_numpy(draw.normal(size=(ROWS, 5)).astype(np.float32))
    targets = torch.from_numpy(draw.integers(0, 3, ROWS))
    model: nn.Module = nn.Sequential(
        nn.Linear(5, 8, bias=False), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3, bias=False)
    )
    named_optimizer = Named(name=optimizer)
    made_optimizer = make_optimizer(named_optimizer, groups_for(named_optimizer, model, "matrices", {"0": 0.5}), 0.01)
    every = "epoch" if schedule == "ReduceLROnPlateau" else "step"
    named = Schedule(name=schedule, every=every, **NEEDED.get(schedule, {}))
    planned = make_schedules([named], 2, made_optimizer, UPDATES * EPOCHS, EPOCHS)
    batches = tensor_batches([inputs], targets, batch_size=BATCH, seed=2, device=torch.device("cpu"))
    learner = Learner(Forward(model), Objective(nn.CrossEntropyLoss()), made_optimizer, planned)
    plan = Plan(EPOCHS, accumulate=ACCUMULATE, monitor="loss", seed=5)
    return learner, batches, plan, State()


def validated(model: nn.Module) -> Scores:
    """A score that follows from the parameters."""
    return Scores(float(sum(each.detach().double().sum() for each in model.parameters())), None, 1)


def run(folder: Path, parts: tuple[Learner, Any, Plan, State], until: int = 0) -> Iterator[str]:
    """Train to the end, or to the step that is saved; the events but their seconds."""
    folder.mkdir(exist_ok=True)
    learner, batches, plan, state = parts
    ours = Checkpoints(folder / "checkpoints", folder / "quarantine", "id")
    saver = Saver(ours, "2steps", dict, lambda event: None, Signals())
    saver.begin(learner, state)
    for event in fit(learner, batches, validated, plan, state):
        if hasattr(event, "seconds"):
            event = replace(event, seconds=0.0)
        yield repr(event)
        saver.after(event)
        if until and isinstance(event, Step) and event.step == until:
            return
    saver.save(final=True)


def ended(folder: Path) -> dict[str, str]:
    return fingerprint_state(checkpoint.read(Checkpoints(folder / "checkpoints", folder / "quarantine", "id").paths()[0]))


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimiser_with_every_schedule(tmp_path: Path, count: Any, optimizer: str) -> None:
    kinds = KINDS if FULL else KINDS[sorted(OPTIMIZERS).index(optimizer) % 6 :: 6]
    for kind in kinds:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*deprecat.*")
            whole, cut = tmp_path / f"{kind}-whole", tmp_path / f"{kind}-cut"
            told = list(run(whole, made(optimizer, kind)))
            for until in (4, 6) if FULL else (4,):
                before = list(run(cut, made(optimizer, kind), until))
                learner, batches, plan, state = made(optimizer, kind)
                found = Checkpoints(cut / "checkpoints", cut / "quarantine", "id").newest(lambda *said: None)
                assert found is not None
                assert found.state["position"]["step"] == until
                assert snapshot.restore(found.state, learner, state, UPDATES), kind
                after = list(run(cut, (learner, batches, plan, state)))
                assert before + after[1:] == told, (optimizer, kind, until)
                assert differences(ended(whole), ended(cut)) == [], (optimizer, kind, until)
                for each in sorted((cut / "checkpoints").rglob("*"), reverse=True):
                    each.rmdir() if each.is_dir() else each.unlink()
        count(2 if FULL else 1)
