"""Losses by their torch names, as objectives."""

from __future__ import annotations

import inspect
from functools import partial

import torch
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.errors import error
from trainwright.models.objective import Objective
from trainwright.training.torch_names import check, checking, classes

LOSSES = {name: each for name, each in classes(nn, nn.Module).items() if name.endswith("Loss")}
# Losses that take class numbers, losses that take one value for each class and row, and losses for numbers.
CLASS_NUMBERS = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
ONE_HOT = ("BCEWithLogitsLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "MultiLabelSoftMarginLoss")
NUMBERS = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


def make_objective(named: Named, label_smoothing: float, class_weights: Tensor | None, classes: int) -> Objective:
    """Return the loss of a classifier. Raise E310 to E312, and E313 where a loss has no use for a setting or for classes."""
    kind = _loss(named, CLASS_NUMBERS + ONE_HOT, f"{classes} classes")
    arguments = named.arguments
    for name, value in (("label_smoothing", label_smoothing), ("weight", class_weights)):
        if value is not None and not (isinstance(value, float) and value == 0):
            if name not in inspect.signature(kind).parameters:
                setting = "class_weights" if name == "weight" else name
                raise error("E313", name=named.name, problem=f"it takes no {setting}: use CrossEntropyLoss")
            arguments[name] = value
    with checking("loss", named):
        loss = kind(**{key: torch.tensor(each) if isinstance(each, list) else each for key, each in arguments.items()})
    if named.name == "NLLLoss":
        return Objective(loss, _log_probabilities)
    return Objective(loss, partial(_one_hot, classes) if named.name in ONE_HOT else None)


def number_objective(named: Named) -> Objective:
    """Return the loss of a network with one number a row, outputs (N, 1) and targets (N,). Raise E310 to E313."""
    kind = _loss(named, NUMBERS, "numbers")
    with checking("loss", named):
        loss = kind(**named.arguments)
        loss(torch.zeros(2), torch.ones(2))  # some only look at their arguments when they are called
    return Objective(loss, _one_number)


def _loss(named: Named, fitting: tuple[str, ...], what: str) -> type[nn.Module]:
    """Return the class of a loss. Raise E310 and E311, and E313 for one that is not among the ``fitting`` ones."""
    kind = check("loss", named, LOSSES, reserved=["reduction", "size_average", "reduce"])
    if named.name not in fitting:
        raise error("E313", name=named.name, problem=f"it does not fit {what}: " + ", ".join(fitting))
    return kind


def _one_number(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs (N, 1) as (N,), the shape of the targets: (N, 1) against (N,) would be broadcast to (N, N)."""
    return outputs.squeeze(1), targets


def _log_probabilities(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return logits.log_softmax(dim=1), targets


def _one_hot(classes: int, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return class numbers as rows of 0 and 1; mixed targets, which are such rows already, as they are."""
    return logits, targets if targets.is_floating_point() else nn.functional.one_hot(targets, classes).to(logits.dtype)
