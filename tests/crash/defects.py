"""Faults of a resume, one at a time: each forgets or mistakes one thing that a run is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from trainwright.training import loop, snapshot
from trainwright.training.state import State, Tally
from trainwright.watch import events

Taken = dict[str, Any]


def _placed(change: Callable[[State], object]) -> Callable[[], None]:
    """The run stands elsewhere than it says."""

    def install() -> None:
        place = State.place

        def outer(state: State, position: Any) -> None:
            place(state, position)
            change(state)

        State.place = outer  # type: ignore[method-assign]

    return install


def _restored(change: Callable[[Taken, Taken], Taken]) -> Callable[[], None]:
    """Something of what was taken is as it is in a run that was just begun."""

    def install() -> None:
        restore = snapshot.restore

        def outer(taken: Any, learner: Any, state: State, per_epoch: int) -> bool:
            return restore({**taken, **change(taken, snapshot.take(learner, state))}, learner, state, per_epoch)

        snapshot.restore = outer

    return install


def _set(**values: Any) -> Callable[[State], None]:
    return lambda state: [setattr(state, name, value) for name, value in values.items()] and None


def _moved(batches: int) -> Callable[[State], None]:
    return lambda state: setattr(state, "batch", state.batch + batches)


def _no_buffers(taken: Taken, fresh: Taken) -> Taken:
    kept = {name: value for name, value in taken["model"].items() if "running" not in name}
    return {"model": {**fresh["model"], **kept}}


def _one_number_more() -> None:
    seed, numbers = loop.seed_rng, []

    def outer(device: torch.device, number: int) -> None:
        seed(device, number)
        numbers.append(number)
        if len(numbers) == 2:  # the first is the seed of the epoch, which the step's own follows
            torch.rand(1)

    loop.seed_rng = outer


def _steps_from_zero() -> None:
    step_seed, first = loop.step_seed, []

    def outer(seed: int, step: int) -> int:
        first.append(step)
        return step_seed(seed, step - first[0])

    loop.step_seed = outer


def _history_stays() -> None:
    events.cut_lines = lambda path, length: None


def _rates_of_the_start(taken: Taken, fresh: Taken) -> Taken:
    groups = [{**group, "lr": group["initial_lr"]} for group in taken["optimizer"]["param_groups"]]
    return {"optimizer": {**taken["optimizer"], "param_groups": groups}}


def _half(taken: Taken, fresh: Taken) -> Taken:
    model = taken["model"].items()
    return {"model": {name: value.half().float() if value.is_floating_point() else value for name, value in model}}


def _rounded(taken: Taken, fresh: Taken) -> Taken:
    """The last bit of one weight."""
    name, value = next((name, value.clone()) for name, value in taken["model"].items() if value.is_floating_point())
    value.view(torch.int32).view(-1)[0] ^= 1
    return {"model": {**taken["model"], name: value}}


DEFECTS: dict[str, Callable[[], None]] = {
    "a window is skipped": _placed(_moved(2)),
    "a window is replayed": _placed(_moved(-2)),
    "batches are counted as windows": _placed(lambda state: setattr(state, "batch", -(-state.batch // 2))),
    "the epoch begins anew": _placed(_set(batch=0)),
    "the epoch's sums are forgotten": _placed(lambda state: setattr(state, "tally", Tally())),
    "the best score is forgotten": _placed(_set(best_score=float("-inf"))),
    "the best epoch is forgotten": _placed(_set(best_epoch=0)),
    "the rows are counted anew": _placed(_set(rows=0)),
    "the best parameters are forgotten": _restored(lambda taken, fresh: {"best": {}}),
    "the best parameters are taken for the last": _restored(lambda taken, fresh: {"model": taken["best"] or fresh["model"]}),
    "the optimiser is forgotten": _restored(lambda taken, fresh: {"optimizer": fresh["optimizer"]}),
    "the rates are those of the start": _restored(_rates_of_the_start),
    "the schedules are forgotten": _restored(lambda taken, fresh: {"schedules": fresh["schedules"]}),
    "one schedule is forgotten": _restored(
        lambda taken, fresh: {"schedules": taken["schedules"][:-1] + fresh["schedules"][-1:]}
    ),
    "the carried state is forgotten": _restored(lambda taken, fresh: {"carried": None}),
    "the buffers are forgotten": _restored(_no_buffers),
    "the parameters are rounded": _restored(_half),
    "one bit of a parameter is another": _restored(_rounded),
    "one random number more is drawn": _one_number_more,
    "the steps' seeds begin anew": _steps_from_zero,
    "the history is not cut": _history_stays,
}
