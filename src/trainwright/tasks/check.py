"""What can be told of a model, its loss, its rate and its data in seconds, before a training that takes long.

Everything happens on copies, made anew for each question, by the updates of ``training.step``; torch's random state is
afterwards what it was. Questions about learning are here, those about what the model says in ``check_outputs``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.data.batches.base import Batch, Batches
from trainwright.data.batches.shuffle import step_seed
from trainwright.errors import TrainwrightError
from trainwright.tasks import check_outputs
from trainwright.training.optim import make_optimizer
from trainwright.training.rng import preserve_rng, seed_rng
from trainwright.training.state import Tally
from trainwright.training.step import Learner, update
from trainwright.watch.checkup import Checkup

REPEATED = 20  # updates on one batch, at the rate that is given
HEART = 100  # updates on FEW rows, at rates that suit most models
FEW, HEART_RATES, LEARNED = 8, (0.01, 0.001), 0.5  # rows; rates; of the first loss, at most, that is left of it then
SHORT = 200  # updates of the training that asks for a signal
RISEN, FALLEN = 1.5, 0.001  # the last loss to the first: more is a rate too high, no more less than this one too low
TOO_LARGE = 3.0  # times the loss of a model that knows nothing
LEARNING = 0.8  # of the loss of one batch, at most, is left after REPEATED updates at a rate that learns
KNOWING = 0.7  # of the loss that constant outputs have, below which a model knows something of the targets
NAMED = 5  # parameters in a message
STARTS = "the first outputs are far from any target: inputs or targets are not scaled, or the last layer begins too large"


@dataclass
class Subject:
    """What is looked at.

    ``build`` gives a copy of what learns, without schedules, at its full rate; ``batches`` what it is trained on, ``few`` a
    small batch of it. Where rows can be told apart, ``ordered(n)`` gives those of training in order, n a batch, as a prediction
    sees them. ``valid`` gives the validation rows; ``updates`` how many are planned. ``frozen`` names parameters that do not
    learn though nobody asked for it, ``labels`` the classes; ``fresh``: the model was not trained before. ``a_rate`` is what to
    do about a rate that moves nothing.
    """

    build: Callable[[], Learner]
    batches: Batches
    device: torch.device
    updates: int
    few: Callable[[], Iterable[Batch]]
    ordered: Callable[[int], Iterable[Batch]] | None = None
    valid: Callable[[], Iterable[Batch]] | None = None
    labels: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    fresh: bool = True
    a_rate: str = "Leave lr out, and it is derived, or try lr=0.001."


def check(subject: Subject, seconds: float = 20.0) -> Checkup:
    """Return what was looked at and what was found, within about so many seconds. What refuses the data is a finding too."""
    report = Checkup()
    with preserve_rng(subject.device):
        try:
            _look(subject, report, seconds)
        except TrainwrightError as problem:
            report.found("refused", problem.what, problem.where or "training would be refused", problem.mend)
        except torch.OutOfMemoryError:
            report.saw("memory", "ran out", "training cuts its batches then; the rest was not looked at")
    return report


def _look(subject: Subject, report: Checkup, seconds: float) -> None:
    """Ask one question after the other, the cheapest first.

    A short training without a signal tells something where it went to the end, or through all rows at a rate that learns.
    """
    if subject.frozen:
        _frozen(subject, report)
    first = next(iter(subject.batches.epoch(0)), None)
    if first is None:
        report.found("data", "no batch", "there are no rows to train on", "Look at what the data are made of.")
        return
    learner = subject.build()
    loss, chance = check_outputs.first_look(learner, first, report)
    if chance is not None and math.isfinite(loss):
        report.saw("first loss", f"{loss:.4g}", f"{chance:.4g} is that of a model that knows nothing")
        if loss > TOO_LARGE * chance + 0.1 and subject.fresh:
            mend = "Scale inputs and targets to about 0 +- 1, or give the last layer smaller weights."
            report.found("first loss", f"{loss:.4g} instead of about {chance:.4g}", STARTS, mend)
    if check_outputs.dead_units(learner, subject.ordered, report):
        return
    left = _rate(subject, first, report, seconds / 4)
    if any(each.name != "frozen" for each in report.findings):
        return  # much follows from that
    _by_heart(subject, report, seconds / 8)
    if subject.ordered is None and subject.valid is None:
        return
    trained, through = _train(subject, seconds / 4)
    if trained is None:
        return
    check_outputs.last_look(trained, subject.ordered, loss, report)
    telling = through >= 1 and (left < LEARNING or math.isinf(through))
    if subject.valid is None or not _signal(subject, trained, telling, report):
        return
    _shuffled(subject, report, seconds / 4)


def _frozen(subject: Subject, report: Checkup) -> None:
    cause = "requires_grad is False, or the optimiser was not given them"
    mend = "If that is meant, nothing is wrong; else each.requires_grad_(True), and optimizer = ...(model.parameters())."
    report.found("frozen", f"{_names(subject.frozen)} will not learn", cause, mend)


def _rate(subject: Subject, batch: Batch, report: Checkup, seconds: float) -> float:
    """Make updates on one batch: does the loss fall, does each parameter get a gradient, and move? Return what is left of the
    loss, as a part of the first."""
    learner, begun = subject.build(), time.perf_counter()
    learning = {name: each for name, each in learner.model.named_parameters() if _learns(each, learner)}
    before = {name: each.detach().clone() for name, each in learning.items()}
    silent, losses = dict.fromkeys(learning, "none"), list[float]()
    rates = [group["lr"] for group in learner.optimizer.param_groups]
    try:
        for loss in _updates(learner, (batch for _ in range(REPEATED)), subject.device):
            losses.append(loss)
            silent = {name: why for name in silent if (why := _gradient(learning[name]))}
            if time.perf_counter() - begun > seconds and len(losses) > 2:
                break
    except TrainwrightError as problem:
        if problem.code != "E501" or not losses:  # the first is not the rate's fault
            raise
        losses.append(math.inf)
    report.updates_seconds = (time.perf_counter() - begun) / max(len(losses), 1)
    _gradients(silent, len(learning), report)
    still = [name for name, each in learning.items() if name not in silent and torch.equal(each, before[name])]
    report.saw("rate", f"{losses[0]:.4g} to {losses[-1]:.4g}", f"in {len(losses)} updates of one batch at lr={max(rates):.3g}")
    if not silent:  # no rate moves what gets no gradient
        _judge_rate(losses, max(rates), still, len(learning), subject.a_rate, report)
    return losses[-1] / max(losses[0], 1e-9)


def _gradients(silent: dict[str, str], count: int, report: Checkup) -> None:
    """Say which parameters got no gradient."""
    report.saw("gradient", f"{count - len(silent)} of {count}", "tensors of parameters get one")
    cut, zero = ([name for name, why in silent.items() if why == each] for each in ("none", "zero"))
    if cut:
        cause = "the loss does not depend on them: .detach(), .data, no_grad or argmax on the way, or forward leaves them out"
        mend = "Follow the outputs back to the layer behind these, and take out what cuts the graph."
        report.found("no gradient", f"{_names(cut)} {'get' if len(cut) > 1 else 'gets'} none", cause, mend)
    if zero:
        cause = "what they give is thrown away behind them: units that are dead, a factor of 0, a softmax over one value"
        mend = "Look at the layer after them; a smaller lr or another first value of the biases brings dead units back."
        report.found("zero gradient", f"that of {_names(zero)} is 0 in each update", cause, mend)


def _judge_rate(losses: list[float], lr: float, still: list[str], count: int, a_rate: str, report: Checkup) -> None:
    """Say what updates on one batch did to its loss."""
    first, last = losses[0], min(losses[-3:])
    course = f"{first:.4g} to {losses[-1]:.4g}"
    if len(still) == count > 0:
        cause = "lr is 0" if lr == 0 else "lr is too small to change a number in float32, or the optimiser does nothing"
        report.found("lr", f"no parameter moves at lr={lr:.3g}", cause, a_rate)
    elif still:
        report.found(
            "lr", f"{_names(still)} {'do' if len(still) > 1 else 'does'} not move", "lr of their group is 0", "Give it a rate."
        )
    elif last > RISEN * first + 1e-3:
        report.found("lr", f"the loss of one batch rises from {course}", f"lr={lr:.3g} is too high", f"Try lr={lr / 10:.2g}.")
    elif first - last < FALLEN * abs(first) and first > 1e-3:
        cause = f"lr={lr:.3g} is too low, or what the model gives does not depend on what it learns"
        report.found("lr", f"the loss of one batch stays at {course}", cause, f"Try lr={lr * 100:.2g}.")


def _by_heart(subject: Subject, report: Checkup, seconds: float) -> None:
    """Can a few rows be learned by heart? Asked of models that have enough parameters, at rates that suit most."""
    batch = next(iter(subject.few()))
    learner = subject.build()
    targets = batch.targets.numel() if isinstance(batch.targets, Tensor) else batch.size
    if sum(each.numel() for each in learner.parameters if each.requires_grad) < 4 * targets:
        return
    shares, begun, made = list[float](), time.perf_counter(), 0
    for rate in HEART_RATES:
        learner = subject.build()
        for each in learner.model.modules():
            if isinstance(each, nn.modules.dropout._DropoutNd):
                each.p = 0.0
        learning = [each for each in learner.parameters if each.requires_grad]
        optimizer = make_optimizer(Named.model_validate({"name": "AdamW", "weight_decay": 0.0}), learning, rate)
        learner = replace(learner, optimizer=optimizer, clip=1.0, clip_value=0.0)
        losses = list[float]()
        with suppress(TrainwrightError):
            for loss in _updates(learner, (batch for _ in range(HEART)), subject.device):
                losses.append(loss)
                if loss < LEARNED * losses[0] / 2 or time.perf_counter() - begun > seconds:
                    break
        made += len(losses)
        shares.append(min(losses) / max(losses[0], 1e-9) if losses else 1.0)
        if shares[-1] < LEARNED or time.perf_counter() - begun > seconds:
            break
    late = time.perf_counter() - begun > seconds
    why = f"of the first loss of {batch.size} rows is left after {made} updates"
    report.saw("by heart", f"{100 * min(shares):.0f} %", why + (", and then the time was up" if late else ""))
    if min(shares) >= LEARNED and not late:
        cause = (
            "equal inputs with different targets, outputs that cannot reach the targets (a ReLU, a softmax or a clamp behind "
        )
        cause += "the last layer), or a loss that pairs outputs with the wrong targets"
        mend = "Print model(inputs) and the targets of these rows beside each other, with their shapes."
        report.found("by heart", f"{100 * min(shares):.0f} % {why}", cause, mend)


def _train(subject: Subject, seconds: float, shuffled: bool = False) -> tuple[Learner | None, float]:
    """Return a copy after a short training, at a rate that falls to zero, and how many epochs it saw, infinitely many where it
    was the whole training; None where it fails. With ``shuffled`` the targets of each batch change places."""
    learner, begun, made = subject.build(), time.perf_counter(), 0
    planned = min(SHORT, max(subject.updates, 1))
    rates = [group["lr"] for group in learner.optimizer.param_groups]
    stream = chain.from_iterable(subject.batches.epoch(epoch) for epoch in count())

    def batches() -> Iterator[Batch]:
        for number, batch in enumerate(stream):
            share = max(number / planned, (time.perf_counter() - begun) / seconds)
            if share >= 1:
                return
            for group, rate in zip(learner.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * (1 - share)
            yield _mixed(batch, number) if shuffled else batch

    try:
        for _ in _updates(learner, batches(), subject.device):
            made += 1
    except TrainwrightError:
        return None, 0.0
    return learner, math.inf if made >= subject.updates else made / max(subject.batches.per_epoch, 1)


def _signal(subject: Subject, learner: Learner, telling: bool, report: Checkup) -> bool:
    """Does what was learned hold on validation rows? Return whether it does. ``telling``: whether that tells something."""
    assert subject.valid is not None
    found = check_outputs.agreement(learner, subject.valid(), subject.labels)
    if found is None:
        return False
    told = f"{found.shown} on {found.rows:,} rows of validation"
    report.saw("signal", f"{found.z:+.1f} standard errors", f"from chance: {told}, after a short training")
    if found.swapped:
        cause = "labels are numbered or named otherwise in validation than in training"
        report.found("labels", f"{found.swapped}; {told}", cause, "Compare some rows of both files, each with its label.")
    elif found.z < -3:
        cause = "labels, or the sign of the target, are others in validation than in training"
        report.found("labels", f"worse than chance: {told}", cause, "Compare some rows of both files, each with its label.")
    elif telling and (found.z < 2 if found.rows >= 100 else found.z < 1 and found.rows >= 30):
        cause = "nothing in the inputs tells of the target, rows and labels were joined wrongly, or the model cannot use them"
        report.found("no signal", told, cause, "Look at some rows: could a person tell the label?")
    return found.z >= 2 and not found.swapped


def _shuffled(subject: Subject, report: Checkup, seconds: float) -> None:
    """Does a model that learned shuffled targets know the right ones all the same? Then they come from elsewhere."""
    assert subject.valid is not None
    before = check_outputs.agreement(subject.build(), subject.valid(), subject.labels)
    if before is None or before.prior is None or before.loss < KNOWING * before.prior:  # it was trained before, and knows them
        return
    learner, _ = _train(subject, seconds, shuffled=True)
    found = check_outputs.agreement(learner, subject.valid(), subject.labels) if learner else None
    if found is None or found.prior is None:
        return
    why = f"on validation rows with their own labels, after training on shuffled ones; {found.prior:.4g} is that of"
    why += " outputs that are the same for every row, and far below it labels leak"
    report.saw("shuffled labels", f"loss {found.loss:.4g}", why)
    if found.loss < KNOWING * found.prior:
        cause = "what is right comes from elsewhere than the targets: they are among the inputs, or in the loss itself"
        mend = "Take the label, and what is made of it, out of the inputs."
        report.found("shuffled labels", f"learned, and the loss on validation is {found.loss:.4g} all the same", cause, mend)


def _updates(learner: Learner, batches: Iterable[Batch], device: torch.device) -> Iterator[float]:
    """Make an update of each batch, and yield its loss. Raise as ``step.update``."""
    learner.model.train() if not learner.model.training else None
    learner.forward.reset_state()
    tally = Tally(ignored=learner.objective.ignored)
    for step, batch in enumerate(batches):
        seed_rng(device, step_seed(0, step))
        yield update(learner, [batch], step + 1, tally)[0]


def _mixed(batch: Batch, number: int) -> Batch:
    """Return a batch whose targets have changed places."""
    if not isinstance(batch.targets, Tensor) or len(batch.targets) < 2:
        return batch
    places = torch.randperm(len(batch.targets), generator=torch.Generator().manual_seed(number))
    return batch._replace(targets=batch.targets[places.to(batch.targets.device)])


def _learns(parameter: nn.Parameter, learner: Learner) -> bool:
    return parameter.requires_grad and any(parameter is each for each in learner.parameters)


def _gradient(parameter: nn.Parameter) -> str:
    """Return what is missing in the gradient of a parameter: all of it, anything but zeros; empty where nothing is."""
    gradient: Any = parameter.grad
    if gradient is None:
        return "none"
    return "" if bool((gradient._values() if gradient.is_sparse else gradient).any()) else "zero"


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:NAMED]) + (f" and {len(listed) - NAMED} more" if len(listed) > NAMED else "")


def expected_seconds(subject: Subject, limit: float) -> float:
    """Return how long the updates of a training will take, by a few that a copy makes; ``limit`` is 0 where there is none."""
    with preserve_rng(subject.device):
        learner, ended = subject.build(), list[float]()
        try:
            for _ in _updates(learner, islice(subject.batches.epoch(0), 3), subject.device):
                ended.append(time.perf_counter())
        except (TrainwrightError, torch.OutOfMemoryError):
            return 0.0
    if len(ended) < 2:
        return 0.0
    return min((ended[-1] - ended[0]) / (len(ended) - 1) * subject.updates, limit or math.inf)
