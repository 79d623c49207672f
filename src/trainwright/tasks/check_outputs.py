"""What a model says, looked at before and after a short training: its first outputs, what they depend on, and how often they
are right on rows that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import tree_leaves
from trainwright.errors import TrainwrightError
from trainwright.evaluation.measure import evaluation_mode, predict_all
from trainwright.models.objective import has_classes
from trainwright.tasks.custom.mistakes import BY_ENTRY, PROBABILITIES, loss_name
from trainwright.training.losses import TokenObjective
from trainwright.training.step import Learner
from trainwright.watch.checkup import Checkup

ROWS, MANY_ROWS, HALF = 64, 1024, 8  # looked at; of validation; a batch beside one of twice as many
SCALED = 30.0  # of a column's mean and deviation together, beyond which it is not scaled
DEAD = 0.9  # of the units of a layer
RELUS = (nn.ReLU, nn.ReLU6)


class Agreement(NamedTuple):
    """How far outputs are from chance on so many rows, in standard errors; what is shown of it; classes that changed places;
    the loss, and that of the best constant outputs where it is known."""

    z: float
    rows: int
    shown: str
    swapped: str = ""
    loss: float = 0.0
    prior: float | None = None


@torch.no_grad()
def first_look(learner: Learner, batch: Batch, report: Checkup) -> tuple[float, float | None]:
    """Return the loss of the first batch in training mode, and that of a model that knows nothing, None where none is known."""
    learner.forward.reset_state()
    with learner.casting:
        outputs = learner.forward(batch)
        loss = float(learner.objective(outputs, batch.targets, batch.weights)[0])
    learner.forward.reset_state()
    name = loss_name(learner.objective.loss)
    _inputs(batch, report)
    if isinstance(outputs, Tensor):
        _form(name, outputs.detach().float(), report)
    return loss, _chance(learner, name, outputs, batch)


def _chance(learner: Learner, name: str, outputs: Any, batch: Batch) -> float | None:
    """Return the loss of outputs that say nothing: the same for every class, or the mean of the targets."""
    objective = learner.objective
    if isinstance(objective, TokenObjective):
        return math.log(len(objective.output()[0]))
    if not isinstance(outputs, Tensor) or not isinstance(batch.targets, Tensor):
        return None
    blank = torch.zeros_like(outputs, dtype=torch.float32)
    if name == "NLLLoss" and objective.adapt is None and outputs.ndim > 1:
        blank -= math.log(outputs.shape[1])
    elif name == "BCELoss":
        blank += 0.5
    elif name in BY_ENTRY and name not in PROBABILITIES and not has_classes(outputs, batch.targets):
        blank += batch.targets.float().mean()
    elif name not in ("CrossEntropyLoss", "NLLLoss", *PROBABILITIES, *BY_ENTRY):
        return None
    found = float(objective(blank, batch.targets, batch.weights)[0])
    return found if math.isfinite(found) and found > 0 else None


def _inputs(batch: Batch, report: Checkup) -> None:
    """Are numbers that go in about 0 +- 1?"""
    largest = 0.0
    for leaf in tree_leaves((batch.inputs, batch.named)):
        if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.ndim > 1 and leaf.numel():
            columns = leaf.float().flatten(1) if leaf.ndim == 2 else leaf.float().flatten()[:, None]
            sizes = columns.mean(0).abs() + columns.std(0, correction=0)
            largest = max(largest, float(sizes.max()))
    if largest:
        report.saw("inputs", f"up to {largest:.3g}", "mean and deviation of a column together")
    if largest > SCALED:
        cause = "columns or pixels are as they were measured, and the largest drown the others"
        mend = "x = (x - x.mean(0)) / x.std(0), both from the training rows; pixels: x / 255."
        report.found("inputs", f"not scaled: about {largest:.3g}", cause, mend)


def _form(name: str, outputs: Tensor, report: Checkup) -> None:
    """Do the outputs look as the loss takes them?"""
    low, high, zeros = float(outputs.min()), float(outputs.max()), float((outputs == 0).float().mean())
    within = low >= 0 and high <= 1 and outputs.numel() >= 16 and high > low
    if name == "CrossEntropyLoss" and within and outputs.ndim == 2 and bool(((outputs.sum(1) - 1).abs() < 1e-3).all()):
        report.found("softmax", "the outputs are probabilities", "CrossEntropyLoss takes logits", "Leave the softmax out.")
    elif name == "BCEWithLogitsLoss" and within and low > 0:
        report.found("sigmoid", "the outputs are from 0 to 1", "BCEWithLogitsLoss takes logits", "Leave the sigmoid out.")
    elif name == "NLLLoss" and high > 0 and outputs.ndim == 2 and float(outputs.logsumexp(1).abs().max()) > 1e-3:
        report.found("logits", "the outputs are no log-probabilities", "NLLLoss takes these", "Use CrossEntropyLoss.")
    elif low >= 0 and 0.1 < zeros < 1:
        cause = "a ReLU stands behind the last layer, which no target below 0 and no unlikely class can be said through"
        report.found("relu", f"{100 * zeros:.0f} % of the outputs are 0, none is below", cause, "Take the last ReLU out.")


def last_look(learner: Learner, ordered: Callable[[int], Iterable[Batch]] | None, first: float, report: Checkup) -> None:
    """After a short training: do outputs depend on inputs, and not on the other rows; are units dead; is evaluation another?"""
    if ordered is None:
        return
    batch = next(iter(ordered(ROWS)))
    outputs = _evaluated(learner, batch)[0]
    if dead_units(learner, ordered, report):
        return
    if not isinstance(outputs, Tensor) or len(outputs) < 2 or not bool(outputs.isfinite().all()):
        return
    size = 1 + float(outputs.abs().max())
    if float((outputs - outputs[0]).abs().max()) < 1e-6 * size:
        cause = "the inputs are not used, are the same, or die on the way"
        report.found("outputs", "the same for every row", cause, "Print what each layer gives for two different rows.")
        return
    if len(outputs) > HALF:
        _independent(learner, ordered, size, report)
    _modes(learner, batch, first, report)


def dead_units(learner: Learner, ordered: Callable[[int], Iterable[Batch]] | None, report: Checkup) -> bool:
    """Return whether nearly all units of a ReLU give 0 for every row."""
    dead = _evaluated(learner, next(iter(ordered(ROWS))))[1] if ordered else {}
    if not dead:
        return False
    name, share = max(dead.items(), key=lambda each: each[1])
    if share < DEAD:
        report.saw("dead units", f"{100 * share:.0f} %", "of a layer at most give 0 for every row")
        return False
    cause = "the biases begin far below 0, lr is too high, or the inputs are not scaled"
    mend = "Let biases begin at 0, scale the inputs, or try a tenth of lr."
    report.found("dead units", f"{100 * share:.0f} % of those of {name} give 0 for all rows", cause, mend)
    return True


def _independent(learner: Learner, ordered: Callable[[int], Iterable[Batch]], size: float, report: Checkup) -> None:
    """Is the answer to a row another with other rows beside it?"""
    whole, half = (_evaluated(learner, next(iter(ordered(rows))))[0] for rows in (2 * HALF, HALF))
    if len(half) != HALF or whole.shape[1:] != half.shape[1:]:
        return
    apart = float((whole[:HALF] - half).abs().max())
    why = f"of {HALF} rows' outputs when {HALF} other rows stand beside them"
    report.saw("batch independence", f"largest change {apart:.1g}", why)
    if apart > 1e-3 * size:
        cause = "something is taken over the whole batch: a mean, a softmax or a norm over dimension 0, a wrong reshape"
        mend = "Let each operation leave dimension 0, the rows, alone."
        report.found("batch", f"an answer changes by {apart:.2g} with the other rows of its batch", cause, mend)


@torch.no_grad()
def _modes(learner: Learner, batch: Batch, first: float, report: Checkup) -> None:
    """Is the loss in evaluation far from that in training, on the same rows? Asked where there is batch norm."""
    if not any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in learner.model.modules()):
        return
    with evaluation_mode(learner.model):
        evaluated = float(learner.objective(learner.forward(batch), batch.targets)[0])
    trained = float(learner.objective(learner.forward(batch), batch.targets)[0])
    report.saw("evaluation", f"loss {evaluated:.4g}", f"{trained:.4g} in training mode, on the same rows")
    if evaluated > max(3 * trained, 1.5 * first):
        cause = (
            "the running statistics of batch norm are not those of the rows: batches are tiny, differ much, or momentum is low"
        )
        mend = "Try larger batches, momentum=0.1, or GroupNorm."
        report.found("evaluation", f"loss {evaluated:.4g}, and {trained:.4g} in training mode", cause, mend)


@torch.no_grad()
def _evaluated(learner: Learner, batch: Batch) -> tuple[Any, dict[str, float]]:
    """Return the outputs of a batch in evaluation mode, and the share of dead units of each ReLU by its name."""
    dead: dict[str, float] = {}

    def look(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: Any, out: Tensor) -> None:
            units = (out > 0).movedim(1, 0).flatten(1).any(1) if out.ndim > 1 else out > 0
            dead[name] = max(dead.get(name, 0.0), 1 - float(units.float().mean()))

        return hook

    hooks = [each.register_forward_hook(look(name)) for name, each in learner.model.named_modules() if isinstance(each, RELUS)]
    learner.forward.reset_state()
    try:
        with evaluation_mode(learner.model):
            outputs = learner.forward(batch)
    finally:
        for each in hooks:
            each.remove()
    return (outputs.detach().float() if isinstance(outputs, Tensor) else outputs), dead


def agreement(learner: Learner, batches: Iterable[Batch], labels: tuple[str, ...]) -> Agreement | None:
    """Return how far from chance the answers to some rows are; None where that has no meaning."""
    kept, rows = list[Batch](), 0
    for batch in islice(batches, MANY_ROWS):
        kept.append(batch)
        rows += batch.size
        if rows >= MANY_ROWS:
            break
    if rows < 2:
        return None
    try:
        found = predict_all(learner.forward, learner.objective, kept)
    except TrainwrightError as problem:
        if problem.code != "E615":  # outputs that cannot be put together, such as objects of other libraries
            raise
        return None
    outputs, targets = found.outputs, found.targets
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor) or not bool(outputs.isfinite().all()):
        return None
    told = None
    if has_classes(outputs, targets):
        told = _of_classes(outputs.argmax(1), targets, outputs.shape[1], labels)
    elif outputs.numel() == targets.numel():
        told = _of_numbers(outputs.double().reshape(len(targets), -1), targets.double().reshape(len(targets), -1))
    return told._replace(loss=found.mean, prior=_prior(learner, outputs, targets)) if told else None


@torch.no_grad()
def _prior(learner: Learner, outputs: Tensor, targets: Tensor) -> float | None:
    """Return the loss of the best outputs that are the same for every row, of a loss that torch has."""
    name = loss_name(learner.objective.loss)
    classes = has_classes(outputs, targets)
    if name not in ("CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss"):
        return None
    if classes:
        known = targets[(targets >= 0) & (targets < outputs.shape[1])]
        row = torch.bincount(known, minlength=outputs.shape[1]) / max(len(known), 1)
    elif name == "CrossEntropyLoss":
        return None
    else:
        row = targets.float().mean(0)
    if name != "MSELoss":
        row = row.clamp(1e-6, 1 - 1e-6)
        row = row.logit() if name == "BCEWithLogitsLoss" else row.log()
    blank = row.expand(len(targets), *outputs.shape[1:]) if classes or row.ndim else row.expand(outputs.shape)
    device = next((each.device for each in learner.parameters), outputs.device)
    return float(learner.objective(blank.reshape(outputs.shape).to(device), targets.to(device))[0])


def _of_classes(answers: Tensor, targets: Tensor, classes: int, labels: tuple[str, ...]) -> Agreement | None:
    kept = (targets >= 0) & (targets < classes)
    counts = torch.zeros(classes, classes).index_put_(
        (targets[kept], answers[kept]), torch.ones(int(kept.sum())), accumulate=True
    )
    rows = int(counts.sum())
    if not rows:
        return None
    right = float(counts.diagonal().sum()) / rows
    chance = float((counts.sum(0) / rows * (counts.sum(1) / rows)).sum())
    error = math.sqrt(max(chance * (1 - chance), 1e-9) / rows)
    shown = f"{100 * right:.1f} % right, {100 * chance:.1f} % by chance"
    return Agreement((right - chance) / error, rows, shown, _swapped(counts, labels))


def _swapped(counts: Tensor, labels: tuple[str, ...]) -> str:
    """Return classes whose rows are answered with another one, in a circle, far more often than with their own."""
    instead = counts.argmax(1).tolist()
    own = counts.diagonal()
    sure = {
        label: other
        for label, other in enumerate(instead)
        if other != label and counts[label, other] - own[label] > 3 * math.sqrt(float(counts[label, other] + own[label]))
    }
    circle = {label: other for label, other in sure.items() if other in sure and label in sure.values()}
    names = [labels[each] if each < len(labels) else str(each) for each in range(len(instead))]
    return ", ".join(f"rows of '{names[label]}' are answered '{names[other]}'" for label, other in list(circle.items())[:4])


def _of_numbers(outputs: Tensor, targets: Tensor) -> Agreement | None:
    rows = len(targets)
    outputs, targets = outputs - outputs.mean(0), targets - targets.mean(0)
    scale = math.sqrt(float(outputs.square().sum() * targets.square().sum()))
    if not scale or not math.isfinite(scale):
        return None
    related = float((outputs * targets).sum()) / scale
    return Agreement(related * math.sqrt(rows), rows, f"correlation {related:+.2f} with the targets")
