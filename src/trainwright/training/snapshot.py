"""All that a run is made of between two steps, as one value: taken from what learns, and put back into what was built anew."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwright.data.batches.alignment import aligned
from trainwright.data.batches.pytree import tree_leaves, tree_map
from trainwright.errors import error
from trainwright.training.optim import LENGTHS, SCHEDULED, advance
from trainwright.training.state import State
from trainwright.training.step import Learner


def take(learner: Learner, state: State) -> dict[str, Any]:
    """Return parameters, buffers, optimiser, schedules, the state that the model carries, and where the run stands.

    The tensors are those in use, not copies.
    """
    return {
        "model": dict(learner.model.state_dict()),
        "unnamed": [each.detach() for each in _unnamed(learner)],
        "optimizer": learner.optimizer.state_dict(),
        **({"others": [each.state_dict() for each in learner.others]} if learner.others else {}),
        **({"averages": list(learner.averages.values)} if learner.averages is not None else {}),
        **({"scale": learner.scale.kept} if learner.scale is not None else {}),
        "schedules": [each.schedule.state_dict() for each in learner.schedules],
        "carried": learner.forward.state,
        "position": state.position(),
        "best": state.best,
    }


def restore(taken: Mapping[str, Any], learner: Learner, state: State, per_epoch: int, share: float | None = None) -> bool:
    """Put back what ``take`` gave, on the device of the model. Return whether the schedules have the lengths that they had.

    Where the planned length is another now, schedules that follow from it are not put back: they are taken to the same
    place of the new plan, of ``per_epoch`` updates an epoch; so they are where another time is planned, ``share`` of which is
    over. Raise KeyError, TypeError, ValueError or RuntimeError where
    ``taken`` was taken from something else.
    """
    state.place(taken["position"])
    alike = share is None and all(
        each.schedule.state_dict().get(name) == kept.get(name)
        for each, kept in zip(learner.schedules, taken["schedules"], strict=True)
        for name in LENGTHS
    )
    if not alike:
        advance(learner.schedules, state.step, state.epoch, per_epoch, share)
    _load(taken, learner, state, rates=alike)
    if alike:
        for each, kept in zip(learner.schedules, taken["schedules"], strict=True):
            each.schedule.load_state_dict(kept)
    return alike


def hold(learner: Learner) -> dict[str, Any]:
    """Return copies of all that an update may change, for ``put_back``."""
    return tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, take(learner, State()))  # type: ignore[no-any-return]


def put_back(held: Mapping[str, Any], learner: Learner) -> None:
    """Make everything as it was when ``hold`` was called."""
    _load(held, learner, State(), rates=True)


def roll_back(taken: Mapping[str, Any], learner: Learner, state: State) -> None:
    """Put back what was learned: parameters, buffers, optimiser, carried state, best parameters. Where the run stands and
    its rates stay as they are."""
    _load(taken, learner, state, rates=False)
    for name in ("best_score", "best_epoch"):
        setattr(state, name, taken["position"][name])


def _load(taken: Mapping[str, Any], learner: Learner, state: State, *, rates: bool) -> None:
    """Put back all but the position and the schedules; the rates of the optimiser only with ``rates``."""
    device = learner.parameters[0].device if learner.parameters else torch.device("cpu")
    for value, kept in zip(_unnamed(learner), taken["unnamed"], strict=True):
        value.detach().copy_(kept)
    groups = [group for each in learner.optimizers for group in each.param_groups]
    now = [{name: group[name] for name in SCHEDULED if name in group} for group in groups]
    learner.model.load_state_dict(taken["model"])
    for each, kept in zip(learner.optimizers, [taken["optimizer"], *taken.get("others", ())], strict=True):
        each.load_state_dict(kept)
        _correct(each, kept["state"])
    if learner.averages is not None:
        learner.averages.values = [aligned(each.to(device)) for each in taken["averages"]]
    if learner.scale is not None:
        learner.scale.restore(taken["scale"])
    learner.loaded()
    learner.align()
    if not rates:
        groups = [group for each in learner.optimizers for group in each.param_groups]
        for group, rate in zip(groups, now, strict=True):
            group.update(rate)
    learner.forward.state = aligned(
        tree_map(lambda leaf: leaf.to(device) if isinstance(leaf, Tensor) else leaf, taken["carried"])
    )
    state.best = {name: value.to(device) for name, value in taken["best"].items()}


def _correct(optimizer: Optimizer, kept: Mapping[int, Mapping[str, Any]]) -> None:
    """Give what the optimiser has loaded the type that it had, and the strides of its parameter.

    Torch casts it to the type of the parameter, and fused kernels pair the two by their places in memory.
    """
    for number, parameter in enumerate(each for group in optimizer.param_groups for each in group["params"]):
        remembered = optimizer.state.get(parameter, {})
        for name, value in remembered.items():
            if isinstance(value, Tensor) and isinstance(before := kept[number].get(name), Tensor):
                if value.dtype != before.dtype:
                    value = before.to(value.device)
                if value.shape == parameter.shape and value.stride() != parameter.stride():
                    value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
                remembered[name] = value


def _unnamed(learner: Learner) -> list[Tensor]:
    """Return what the model's own state leaves out: buffers that are not persistent, and parameters that the loss owns."""
    named = {each.data_ptr() for each in learner.model.state_dict().values()}
    return [each for each in (*learner.model.buffers(), *learner.parameters) if each.data_ptr() not in named]


def check_finite(learner: Learner, step: int, odd: Container[str] = ()) -> None:
    """Raise E502 where a parameter, what the optimiser remembers of it, a buffer or the state that the model carries is not
    finite: such a state is never kept. Buffers named in ``odd`` were never finite (masks)."""
    names = {id(parameter): name for name, parameter in learner.model.named_parameters()}
    states = {id(parameter): kept for each in learner.optimizers for parameter, kept in each.state.items()}
    for parameter in learner.parameters:
        remembered = states.get(id(parameter), {}).values()
        for value in (parameter.detach(), *(each for each in remembered if isinstance(each, Tensor))):
            if not finite(value):
                raise error("E502", step=step, where=names.get(id(parameter), ""))
    carried = [("the carried state", each) for each in tree_leaves(learner.forward.state)]
    for name, value in (*learner.model.named_buffers(), *carried):
        if name not in odd and isinstance(value, Tensor) and not finite(value):
            raise error("E502", step=step, where=name)


def finite(value: Tensor) -> bool:
    """Return whether every entry is finite. A sum is not when an entry is not; where it is only too large each is looked at."""
    return not value.is_floating_point() or math.isfinite(float(value.sum())) or bool(value.isfinite().all())
