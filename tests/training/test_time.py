"""A training that is limited by time, by a clock that is made: an update takes a second and a validation three."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from samples import news_rows, write_csv
from torch import nn

import trainwright as tw
from trainwright.config.settings import Schedule
from trainwright.data.batches.base import tensor_batches
from trainwright.evaluation import measure
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.store.checkpoint import Checkpoints
from trainwright.training import loop, snapshot
from trainwright.training.optim import make_schedules
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Epoch, Event, Finished, Scores, Started, Step

FALLING = {"name": "LinearLR", "start_factor": 1.0, "end_factor": 0.0}
ROWS, BATCH = 320, 32  # ten updates an epoch


class Made:
    """A training whose updates take a second each and whose validations take three, by its own clock."""

    def __init__(self, schedule: Any = FALLING, epochs: int = 10, warmup: float = 0.0, **plan: Any) -> None:
        torch.manual_seed(0)
        self.now, model = 100.0, nn.Linear(4, 2)
        inputs = torch.randn(ROWS, 4)
        targets = (inputs[:, 0] > 0).long()
        self.batches = tensor_batches([inputs], targets, batch_size=BATCH, seed=0, device=torch.device("cpu"))
        self.valid = tensor_batches([inputs[:32]], targets[:32], batch_size=32, seed=None, device=torch.device("cpu"))
        self.plan = loop.Plan(epochs, valid_share=0.6, clock=lambda: self.now, **plan)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        entry = [Schedule.model_validate(schedule)]
        length = self.plan.updates(self.batches.per_epoch), epochs
        schedules = make_schedules(entry, warmup, optimizer, *length, timed=bool(self.plan.seconds))
        self.learner = Learner(Forward(model), Objective(nn.CrossEntropyLoss()), optimizer, schedules)
        self.state = State()

    def validate(self, model: nn.Module) -> Scores:
        self.now += 3.0
        return measure.scores(Forward(model), self.learner.objective, self.valid.epoch(0))

    def train(self, until: int = 0) -> list[Event]:
        """The events, up to an update; a second passes before each of them is shown, as its update took that long."""
        found: list[Event] = []
        forward = self.learner.forward
        self.learner.forward = type("Ticking", (Forward,), {"__call__": self._tick})(forward.model)
        for event in loop.fit(self.learner, self.batches, self.validate, self.plan, self.state):
            found.append(event)
            if isinstance(event, Step) and event.step == until:
                break
        self.learner.forward = forward
        return found

    def _tick(self, batch: Any) -> Any:
        self.now += 1.0
        return self.learner.model(*batch.inputs)


def rates(events: list[Event]) -> list[float]:
    return [event.lr for event in events if isinstance(event, Step)]


@pytest.mark.parametrize("seconds", [4.5, 9.0, 20.0, 37.0, 64.0, 90.0])
def test_the_whole_training_takes_the_time_and_the_rate_falls_by_it(seconds: float) -> None:
    made = Made(seconds=seconds)
    events = made.train()
    took = made.now - 100.0
    assert seconds - 4.0 <= took <= seconds + 1.5 * (seconds < 6)  # of which updates get half
    assert events[-1].reason == "time" and events[-1].seconds == took
    found = rates(events)
    assert found == sorted(found, reverse=True) and found[0] == pytest.approx(0.1)
    assert made.learner.lr <= 0.1 * 2 / len(found)
    assert all(event.valid for event in events if isinstance(event, Epoch))


def test_the_rate_is_that_of_the_share_that_is_over() -> None:
    made = Made(seconds=43.0)
    events = made.train()
    for step, rate in enumerate(rates(events)[11:20], start=11):  # by then a validation was measured: updates have 40 s
        assert rate == pytest.approx(0.1 * (1 - (step + 3) / 40), abs=0.002)


@pytest.mark.parametrize("epochs", [1, 2])
def test_where_time_is_longer_than_needed_it_is_the_training_without(epochs: int) -> None:
    found = []
    for seconds in (0.0, 1e6):
        made = Made(epochs=epochs, seconds=seconds)
        events = made.train()
        found.append((rates(events), [each.clone() for each in made.learner.model.parameters()]))
        assert events[-1].reason == "epochs"
    assert found[0][0] == found[1][0]
    assert all(map(torch.equal, found[0][1], found[1][1]))


def test_one_update_and_one_validation_are_made_however_short_the_time() -> None:
    events = Made(seconds=1e-6).train()
    assert [type(event) for event in events] == [Started, Step, Epoch, Finished]
    made = Made(seconds=10.0)
    made.state.trials = 60.0  # which took it all
    assert [type(event) for event in made.train()] == [Started, Step, Epoch, Finished]


def test_trials_count() -> None:
    made = Made(seconds=64.0)
    made.state.trials = 20.0
    events = made.train()
    assert 40.0 <= made.now - 100.0 <= 44.0 and events[0].seconds == pytest.approx(44.0)
    assert made.learner.lr < 0.01


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        ({"name": "CosineAnnealingLR"}, 0.0),
        ({"name": "PolynomialLR", "power": 2.0}, 0.0),
        ({"name": "OneCycleLR"}, 0.0),
        ({"name": "CosineAnnealingLR", "every": "epoch"}, 0.0),
        ({"name": "StepLR", "step_size": 10, "gamma": 0.5}, None),
        ({"name": "ConstantLR", "factor": 0.5, "total_iters": 5}, 0.1),
    ],
)
def test_schedules_that_go_on_until_the_end_end_with_the_time(schedule: dict[str, Any], end: float | None) -> None:
    made = Made(schedule, seconds=50.0)
    events = made.train()
    updates = len(rates(events))
    end = 0.1 * 0.5 ** (updates // 10) if end is None else end
    assert made.learner.lr == pytest.approx(end, abs=0.012)
    assert updates < 50  # of the hundred that were planned


def test_warm_up_that_is_a_part_of_the_run_is_one_of_the_time() -> None:
    found = rates(Made(seconds=43.0, warmup=0.5).train())
    assert 10 <= found.index(max(found)) <= 22
    assert rates(Made(seconds=43.0, warmup=5).train())[5] == pytest.approx(max(rates(Made(seconds=43.0, warmup=5).train())))


def test_an_endless_plan_costs_no_endless_schedule() -> None:
    made = Made(epochs=10**9, seconds=30.0)
    events = made.train()
    assert events[-1].reason == "time" and made.learner.lr < 0.01


def test_a_run_that_goes_on_has_the_time_that_is_left() -> None:
    whole = rates(Made(seconds=64.0).train())
    made = Made(seconds=64.0)
    before = made.train(until=17)
    taken, state = snapshot.take(made.learner, made.state), made.state
    again = Made(seconds=64.0)
    again.now = 10_000.0  # any time later
    assert snapshot.restore(taken, again.learner, again.state, 10)
    assert again.state.seconds == state.seconds and again.state.validation == 3.0
    after = again.train()
    assert rates(before)[:17] + rates(after) == pytest.approx(whole)
    assert after[0].seconds == pytest.approx(64.0 - state.seconds)


def test_a_run_that_is_given_more_time_is_planned_anew() -> None:
    made = Made(seconds=30.0)
    made.train()
    taken = snapshot.take(made.learner, made.state)
    longer = Made(seconds=90.0)
    place = State()
    place.place(taken["position"])
    share = longer.plan.share(place, place.seconds, 100)
    assert not snapshot.restore(taken, longer.learner, longer.state, 10, share)
    assert longer.learner.lr == pytest.approx(0.1 * (1 - share), abs=0.002)
    events = longer.train()
    assert events[-1].reason == "time" and longer.learner.lr < 0.01


def test_a_run_keeps_its_time(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "news.csv", news_rows(400))
    events: list[Event] = []
    run = tw.train(source, out=tmp_path / "run", time=1, epochs=10_000, speed="off", listen=events.append)
    ended = next(event for event in events if isinstance(event, Finished))
    assert ended.reason == "time" and ended.seconds < 3.0
    steps = [event for event in events if isinstance(event, Step)]
    assert rates(events) == sorted(rates(events), reverse=True) and steps[-1].lr < 0.8 * steps[0].lr
    found = Checkpoints(run.path / "checkpoints", run.path / "quarantine", "").newest(lambda *said: None)
    assert found is not None and found.state["position"]["validation"] > 0
    longer: list[Event] = []
    tw.resume(run, time=ended.seconds + 0.3, listen=longer.append)
    assert next(event for event in longer if isinstance(event, Finished)).step > ended.step
    assert [event.value for event in longer if event.kind == "note" and event.what == "schedule"] == ["planned anew"]
