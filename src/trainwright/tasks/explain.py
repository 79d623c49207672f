"""The way of one row through a model with a target: logits, probabilities, loss, and the update that the row would cause."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.errors import error, nearest
from trainwright.models.forward import Forward
from trainwright.tasks.class_target import AGAINST_REST, MARGIN, MARGIN_SCALE, SQUARED, ClassTarget
from trainwright.tasks.labels_target import LabelsTarget
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.supervised import SupervisedPredictor
from trainwright.watch import words
from trainwright.watch.explained.explanation import After, ClassScore, Explanation, Move, Piece, Rule, Step, Sum, Unit

Target = ClassTarget | NumberTarget | LabelsTarget
SHOWN, MOVES = 6, 12  # classes whose parts are told; entries of the gradient
SOFTMAX = "softmax: the exponential of each logit, divided by the sum of all"
REST = "each class against the rest: the sigmoid of each logit, scaled so that all sum to 1 (no softmax)"
SCALED = f"softmax of {MARGIN_SCALE:g} times each margin: its exponential, divided by the sum of all"
CLIPPED = "outputs trained towards 0 and 1: cut off outside of that, scaled so that all sum to 1 (no softmax)"
EACH = "each label for itself: the sigmoid of its logit; they need not sum to 1, as a row may have several labels, or none"
Names = Callable[[int], str]


@dataclass
class View:
    """What a kind of problem tells of an input. Parts are those of the classes that were asked for, in their order."""

    remark: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    dimensions: Sequence[str] = ()
    units: list[Unit] = field(default_factory=list)
    method: str = ""
    pieces: list[tuple[str, np.ndarray]] = field(default_factory=list)
    parts: np.ndarray | None = None  # the sum over all units, (classes,); None where there are no parts
    bias: np.ndarray | None = None  # what is added to them, (classes,), where their sum is exact
    picture: str = ""
    overlay: str = ""
    axes: dict[str, Sequence[Names | None]] = field(default_factory=dict)  # what the places of a parameter are called


def explain(predictor: SupervisedPredictor, item: Any, truth: Any, rule: Rule, look: Any) -> Explanation:
    """Return the way of an item. ``look(items, encoded, classes)`` returns its ``View``. Raise E337, and as ``predict``."""
    if isinstance(predictor.target, LabelsTarget):
        return _several(predictor, predictor.target, item, truth, rule, look)
    wanted = _wanted(predictor.target, truth)
    items = predictor.items([item])
    outputs = predictor.logits(items, 1)[0]
    encoded = predictor.encode(items)
    if isinstance(predictor.target, NumberTarget):
        view = look(items, encoded, np.zeros(1, np.int64))
        number = float(outputs[0]) if wanted is None else float(predictor.target.scaler.encode(np.array(wanted)))
        loss, step = update(predictor, encoded, np.array([number], np.float32), rule, view.axes, 0)
        return _of_number(predictor, predictor.target, float(outputs[0]), wanted, view, loss, step)
    order = np.argsort(-outputs, kind="stable").tolist()
    right = order[0] if wanted is None else int(wanted)
    against = right if right != order[0] else order[min(1, len(order) - 1)]
    shown = list(dict.fromkeys([order[0], against, *order]))[:SHOWN]
    view = look(items, encoded, np.array(shown))
    loss, step = update(predictor, encoded, np.array([right]), rule, view.axes, right)
    found = _of_class(predictor, predictor.target, outputs, right, shown, view)
    return replace(found, given=wanted is not None, against=predictor.labels[against], loss=loss, step=step)


def _several(predictor: SupervisedPredictor, target: LabelsTarget, item: Any, truth: Any, rule: Rule, look: Any) -> Explanation:
    """Return the way of an item to a set of labels. One stands for them: the first of the truth, or the likeliest."""
    right = np.zeros(target.outputs, np.uint8)
    named = [] if truth is None or truth == "" else truth if isinstance(truth, list | tuple) else re.split(r"[|;,]", str(truth))
    right[[_wanted(target, label) for label in named]] = 1
    items = predictor.items([item])
    outputs, encoded = predictor.logits(items, 1)[0], predictor.encode(items)
    said = target.said(target.probabilities(outputs[None]))[0]
    right = right if named else said.astype(np.uint8)
    order = np.argsort(-outputs, kind="stable").tolist()
    one = next((place for place in order if right[place]), order[0])
    shown = list(dict.fromkeys([order[0], one, *order]))[:SHOWN]
    view = look(items, encoded, np.array(shown))
    loss, step = update(predictor, encoded, right[None], rule, view.axes, one)
    found = _of_class(predictor, target, outputs, one, shown, view)
    classes, answer = _classes(target, outputs, np.flatnonzero(right)), [target.labels[place] for place in order if said[place]]
    return replace(
        found,
        given=bool(named),
        against=target.labels[shown[min(1, len(shown) - 1)]],
        loss=loss,
        step=step,
        classes=classes,
        answer=", ".join(answer) or "no label",
    )


def _of_number(
    predictor: SupervisedPredictor,
    target: NumberTarget,
    output: float,
    wanted: float | None,
    view: View,
    loss: float,
    step: Step | None,
) -> Explanation:
    """Return what is said of a row whose answer is a number."""
    answer = float(target.scaler.decode(np.array(output)))
    return Explanation(
        task=predictor.task, model=predictor.name, answer=answer, truth=answer if wanted is None else wanted,
        given=wanted is not None, target=target.name, remark=view.remark,
        facts=view.facts, dimensions=view.dimensions, units=view.units,
        method=view.method, pieces=[Piece(text, float(parts[0]), parts.tolist()) for text, parts in view.pieces],
        picture=view.picture, overlay=view.overlay, sums=_sums(view, [target.name], np.array([answer]), target.scaler.mean),
        loss_name=target.loss["loss"]["name"], loss=loss, before=answer, step=step,
    )  # fmt: skip


def _of_class(
    predictor: SupervisedPredictor,
    target: ClassTarget | LabelsTarget,
    outputs: np.ndarray,
    right: int,
    shown: list[int],
    view: View,
) -> Explanation:
    """Return what is said of a row whose answer is a class, but for loss and update."""
    labels = [target.labels[place] for place in shown]
    second = min(1, len(shown) - 1)
    return Explanation(
        task=predictor.task, model=predictor.name, answer=labels[0], truth=target.labels[right], given=True, remark=view.remark,
        facts=view.facts,
        dimensions=view.dimensions, units=view.units, method=view.method,
        pieces=[Piece(text, float(parts[0] - parts[second]), parts.tolist()) for text, parts in view.pieces],
        sums=_sums(view, labels, outputs[shown], 0.0), picture=view.picture, overlay=view.overlay, mapping=mapping(target),
        classes=_classes(target, outputs, right), loss_name=target.loss["loss"]["name"],
        before=float(target.probabilities(outputs[None])[0, right]),
    )  # fmt: skip


def _wanted(target: Target, truth: Any) -> Any:
    """Return a truth as the loss takes it, None where none is given. Raise E337 for one that the model cannot answer with."""
    if truth is None or truth == "":
        return None
    if isinstance(target, NumberTarget):
        try:
            value = float(truth)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise error("E337", value=words.clip(truth, 80), known=f"a number: {words.clip(target.name, 40)}")
        return value
    label = str(truth).strip()
    if label not in target.labels:
        more = ", ..." if len(target.labels) > 20 else ""
        known = f"one of its labels: {', '.join(words.clip(each, 40) for each in target.labels[:20])}{more}"
        raise error("E337", value=words.clip(truth, 80), known=known, hint=nearest(label, target.labels))
    return target.labels.index(label)


def mapping(target: ClassTarget | LabelsTarget) -> str:
    """Return how the logits become probabilities, in words: as ``probabilities`` of the target does it."""
    way, divided = _way(target), words.number(target.temperature)
    if target.temperature == 1.0:
        return way
    how = "the logit is divided by it first" if way == EACH else f"before scaling, each is taken to the power of 1/{divided}"
    return f"{way}; temperature {divided}, fitted on validation: {how}"


def _way(target: ClassTarget | LabelsTarget) -> str:
    if isinstance(target, LabelsTarget):
        return EACH
    name = target.loss["loss"]["name"]
    ways = dict.fromkeys(SQUARED, CLIPPED) | dict.fromkeys(AGAINST_REST, REST) | {MARGIN: SCALED}
    return ways.get(name, SOFTMAX)


def _classes(target: ClassTarget | LabelsTarget, outputs: np.ndarray, right: int | np.ndarray) -> list[ClassScore]:
    """Return every class or label, the likeliest first; ``right`` are the numbers of those that are true."""
    plain = target.loss["loss"].keys() == {"name"}  # arguments weigh the terms of a loss
    told = plain and not str(target.loss["loss"]["name"]).endswith("FocalLoss")
    way, logits, shares = _way(target), outputs.astype(np.float64), target.probabilities(outputs[None])[0]
    with np.errstate(over="ignore", divide="ignore"):
        surprises = -np.log(shares.astype(np.float64))
        sigmoids = np.exp(-np.logaddexp(0, -logits))
        above = logits - logits.max()
        mapped = {SOFTMAX: np.exp(above), SCALED: np.exp(MARGIN_SCALE * above), CLIPPED: np.clip(logits, 0, 1)}.get(
            way, sigmoids
        )
        terms = np.logaddexp(0, np.where(np.isin(np.arange(len(logits)), right), -logits, logits))
    return [
        ClassScore(
            label=target.labels[place], logit=float(logits[place]), mapped=float(mapped[place]),
            probability=float(shares[place]), cross_entropy=float(surprises[place]),
            term=float(terms[place]) if way in (REST, EACH) and told else None,
        )
        for place in np.argsort(-outputs, kind="stable").tolist()
    ]  # fmt: skip


def _sums(view: View, labels: Sequence[str], totals: np.ndarray, start: float) -> list[Sum]:
    """Return how the outputs come about, where that is told."""
    if view.parts is None:
        return []
    biases = np.full(len(labels), start) if view.bias is None else view.bias
    rests = totals.astype(np.float64) - biases - view.parts
    rows = zip(labels, biases.tolist(), view.parts.tolist(), rests.tolist(), totals.tolist(), strict=True)
    return [Sum(*row) for row in rows]


def update(
    predictor: SupervisedPredictor, encoded: Any, targets: np.ndarray, rule: Rule, axes: Mapping[str, Sequence[Any]], place: int
) -> tuple[float, Step | None]:
    """Return the loss of a row with these ``targets``, and the plain step of gradient descent that it would cause at each of
    the rates; ``place`` is the class or label whose probability is told after it."""
    target, model = predictor.target, predictor.model
    (batch,) = predictor.encoder.batches(encoded, targets, batch_size=1, seed=None, device=predictor.device).epoch(0)

    def outputs_and_loss(network: nn.Module) -> tuple[Tensor, Tensor]:
        outputs = Forward(network)(batch)
        return outputs, predictor.objective(outputs, batch.targets)[0]

    named = _named(predictor, dict(model.named_parameters()), axes)
    return descend(model, outputs_and_loss, lambda outputs: _answer(target, outputs, place), rule, named)


def descend(
    model: nn.Module,
    outputs_and_loss: Callable[[nn.Module], tuple[Tensor, Tensor]],
    answer: Callable[[np.ndarray], float],
    rule: Rule,
    axes: Mapping[str, Sequence[Any]],
) -> tuple[float, Step | None]:
    """Return a loss, and the step of gradient descent on it: what it moves, and the ``answer`` to the outputs after it.

    There is none for a model without parameters, such as trees.
    """
    frozen = [name for each in rule.frozen for name, _ in model.named_parameters() if f"{name}.".startswith(f"{each}.")]
    named = {name: each for name, each in model.named_parameters() if name not in frozen}
    loss = outputs_and_loss(model)[1]
    if not named:
        return float(loss), None
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    gradients = {name: each.detach() for name, each in zip(named, found, strict=True) if each is not None}
    after = []
    for what, rate in rule.rates.items():
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for name, each in moved.named_parameters():
                if name in gradients:
                    each.sub_(gradients[name], alpha=rate)
            outputs, there = outputs_and_loss(moved)
        after.append(After(what, rate, float(there), answer(outputs.numpy())))
    norms = {name: float(each.norm()) for name, each in gradients.items()}
    parameters = sorted(norms.items(), key=lambda pair: -pair[1])
    step = Step(math.hypot(*norms.values()), parameters, _moves(named, gradients, axes), after, frozen)
    return float(loss.detach()), step


def _answer(target: Target, outputs: np.ndarray, place: int) -> float:
    """Return the probability of a class or label, or the number that is answered."""
    if isinstance(target, NumberTarget):
        return float(target.scaler.decode(outputs[0, 0]))
    return float(target.probabilities(outputs)[0, place])


def _named(
    predictor: SupervisedPredictor, named: Mapping[str, Tensor], axes: Mapping[str, Sequence[Any]]
) -> dict[str, Sequence[Any]]:
    """Return what the places of parameters are called; the first of the output layer's are the classes."""
    labels = predictor.labels or (getattr(predictor.target, "name", ""),)
    last = [name for name, each in list(named.items())[-2:] if len(each) == len(labels) and each.ndim <= 2]
    return dict.fromkeys(last, (labels.__getitem__,)) | dict(axes)


def _moves(named: Mapping[str, Tensor], gradients: Mapping[str, Tensor], axes: Mapping[str, Sequence[Any]]) -> list[Move]:
    """Return the entries with the largest gradients, of all parameters together."""
    found = []
    for name, gradient in gradients.items():
        flat = gradient.flatten()
        sizes, places = flat.abs().topk(min(MOVES, len(flat)))
        for size, place in zip(sizes.tolist(), places.tolist(), strict=True):
            if size > 0:
                where = np.unravel_index(place, tuple(gradient.shape))
                called = [*axes.get(name, ()), *[None] * len(where)]
                shown = [namer(int(at)) if namer else str(at) for namer, at in zip(called, where, strict=False)]
                found.append(Move(name, ", ".join(shown), float(named[name].detach().flatten()[place]), float(flat[place])))
    return sorted(found, key=lambda move: -abs(move.gradient))[:MOVES]
