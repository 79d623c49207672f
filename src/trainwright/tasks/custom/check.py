"""``check`` of a model, data, loss and optimiser of the person's own, given as ``fit`` takes them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from trainwright.data.batches.base import Batch
from trainwright.data.batches.user_data import LoaderBatches, any_batches
from trainwright.errors import error, in_short
from trainwright.tasks.check import FEW, Subject
from trainwright.tasks.check import check as look
from trainwright.tasks.custom.options import FitOptions
from trainwright.training.step import Learner
from trainwright.watch.checkup import Checkup


def check_own(options: FitOptions) -> Checkup:
    """Return what was looked at and what was found. Raise E365 for what cannot be copied, E640 for a step of one's own, and
    as ``fit`` before a step."""
    if options.step is not None:
        why = "what a step does to the model cannot be asked about: check each model with its loss and its optimiser"
        raise error("E640", one="check", other="step", why=why)
    _copied(options)  # what cannot be is no finding
    layout, rows = options.layout(), options.batch_size
    with _generators_kept(options.data, options.valid):
        train = any_batches(options.data, layout, batch_size=rows, seed=options.seed if options.shuffle else None)
        loader = isinstance(train, LoaderBatches)
        apart = not loader and options.state is None

        def in_order(size: int) -> Iterable[Batch]:
            return any_batches(options.data, layout, batch_size=size, seed=None).epoch(0)

        def valid() -> Iterator[Batch]:
            return iter(any_batches(options.valid, layout, batch_size=rows, seed=None).epoch(0))

        per_epoch = -(-train.per_epoch // options.accumulate)
        subject = Subject(
            lambda: _copied(options),
            train,
            next((each.device for each in options.model.parameters()), torch.device("cpu")),
            options.plan().updates(train.per_epoch) or per_epoch,
            (lambda: any_batches(options.data, layout, batch_size=FEW, seed=0).epoch(0))
            if apart
            else lambda: islice(train.epoch(0), 1),
            in_order if apart else None,
            valid if options.valid is not None and options.state is None else None,
            frozen=_frozen(options),
            a_rate="Give the optimiser a rate above 0, such as lr=0.001.",
        )
        return look(subject)


def _copied(options: FitOptions) -> Learner:
    """Return a copy of what learns, at the full rate of its optimiser. Raise E365 where it cannot be copied."""
    try:
        model, optimizer, loss = copy.deepcopy((options.model, options.optimizers[0], options.loss))
    except Exception as problem:
        raise error("E365", problem=in_short(problem)) from None
    if options.schedule:
        for group in optimizer.param_groups:
            group["lr"] = group.get("max_lr", group.get("initial_lr", group["lr"]))
    apart = replace(options, model=model, optimizer=optimizer, loss=loss, schedule=(), out=None, resume=False)
    return Learner(apart.forward(), apart.objective(), optimizer, [], options.clip, options.clip_value, options.casting())


def _frozen(options: FitOptions) -> tuple[str, ...]:
    """Return the parameters of the model that no update can move."""
    given = {id(each) for group in options.optimizers[0].param_groups for each in group["params"]}
    named = options.model.named_parameters()
    return tuple(name for name, each in named if not each.requires_grad or id(each) not in given)


@contextmanager
def _generators_kept(*data: Any) -> Iterator[None]:
    """Give generators of loaders, which draw from them, back as they were."""
    found = [each.generator for each in data if isinstance(each, DataLoader) and each.generator is not None]
    before = [each.get_state() for each in found]
    try:
        yield
    finally:
        for each, state in zip(found, before, strict=True):
            each.set_state(state)
