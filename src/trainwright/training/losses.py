"""Losses as objectives: torch's own by their names, focal ones, and that of a language model with its output layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.data.batches.tokens import IGNORED
from trainwright.errors import error
from trainwright.models.hinge import SquaredHingeLoss
from trainwright.models.objective import Objective
from trainwright.training.focal import FocalLoss, SigmoidFocalLoss
from trainwright.training.torch_names import check, checking, classes
from trainwright.watch import metrics

LOSSES = {name: each for name, each in classes(nn, nn.Module).items() if name.endswith("Loss")}
LOSSES |= {"SquaredHingeLoss": SquaredHingeLoss, "FocalLoss": FocalLoss, "SigmoidFocalLoss": SigmoidFocalLoss}
# Losses that take class numbers, losses that take one value for each class and row, and losses for numbers.
CLASS_NUMBERS = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "SquaredHingeLoss", "FocalLoss")
ONE_HOT = (
    "BCEWithLogitsLoss",
    "MSELoss",
    "L1Loss",
    "SmoothL1Loss",
    "HuberLoss",
    "MultiLabelSoftMarginLoss",
    "SigmoidFocalLoss",
)
NUMBERS = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
SEVERAL = (
    "BCEWithLogitsLoss",
    "MultiLabelSoftMarginLoss",
    "SigmoidFocalLoss",
)  # of labels that are there or not, each for itself

ROWS = 3  # of the outputs that a loss is tried on
Device = torch.device | str
Adapt = Callable[[Any, Any], tuple[Any, Any]]
Output = Callable[[], tuple[Tensor, Tensor | None]]
# From so many tokens in the vocabulary on, torch's fused loss pays: it makes the gradient of the logits together with the
# loss, piece by piece. 400 x 10,000 logits take 74 ms of processor time instead of 89; below, it is slower.
FUSED_FROM = 2048
PIECE = 512  # targets
HELD_LOGITS = 1 << 28  # at a time on an accelerator


def make_objective(
    named: Named, label_smoothing: float, class_weights: Tensor | None, classes: int, device: Device = "cpu"
) -> Objective:
    """Return the loss of a classifier. Raise E310 to E312, and E313 where a loss has no use for a setting or for classes."""
    kind = _loss(named, CLASS_NUMBERS + ONE_HOT, f"{classes} classes")
    arguments = named.arguments
    for name, value in (("label_smoothing", label_smoothing), ("weight", class_weights)):
        if value is not None and not (isinstance(value, float) and value == 0):
            if name not in inspect.signature(kind).parameters:
                setting = "class_weights" if name == "weight" else name
                raise error("E313", name=named.name, problem=f"it takes no {setting}: use CrossEntropyLoss")
            if name in arguments:
                setting = "class_weights" if name == "weight" else name
                raise error("E313", name=named.name, problem=f"loss.{name} is given, and so is {setting}")
            arguments[name] = value
    adapt = _log_probabilities if named.name == "NLLLoss" else partial(_one_hot, classes) if named.name in ONE_HOT else None
    return _objective(named, kind, arguments, adapt, (ROWS, classes), torch.zeros(ROWS, dtype=torch.int64), device)


def number_objective(named: Named, device: Device = "cpu") -> Objective:
    """Return the loss of a network with one number a row, outputs (N, 1) and targets (N,). Raise E310 to E313."""
    kind = _loss(named, NUMBERS, "numbers")
    return _objective(named, kind, named.arguments, _one_number, (ROWS, 1), torch.zeros(ROWS), device)


def labels_objective(named: Named, weights: Tensor | None, labels: int, device: Device = "cpu") -> Objective:
    """Return the loss of a network with one output a label, targets 0 and 1 (N, labels); ``weights`` are those of the ones.

    Raise E310 to E313.
    """
    kind = _loss(named, SEVERAL, "several labels a row")
    arguments = named.arguments
    if weights is not None:
        if "pos_weight" not in inspect.signature(kind).parameters:
            raise error("E313", name=named.name, problem="it takes no class_weights: use BCEWithLogitsLoss")
        if "pos_weight" in arguments:
            raise error("E313", name=named.name, problem="loss.pos_weight is given, and so is class_weights")
        arguments["pos_weight"] = weights
    return _objective(named, kind, arguments, _as_outputs, (ROWS, labels), torch.zeros(ROWS, labels), device)


def _objective(
    named: Named,
    kind: type[nn.Module],
    arguments: dict[str, Any],
    adapt: Adapt | None,
    outputs: tuple[int, int],
    targets: Tensor,
    device: Device,
) -> Objective:
    """Return the loss on a device, tried on such outputs: some only look at their arguments when they are called."""
    with checking("loss", named):
        tensors = {key: torch.tensor(each, dtype=torch.float32) for key, each in arguments.items() if isinstance(each, list)}
        found = Objective(kind(**arguments | tensors).to(device), adapt)
        found(torch.zeros(outputs, device=device), targets.to(device))
    return found


def _as_outputs(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return targets in the type of the outputs."""
    return outputs, targets.to(outputs.dtype)


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
    return logits, targets if targets.is_floating_point() else F.one_hot(targets, classes).to(logits.dtype)


class LowCrossEntropy(torch.autograd.Function):
    """Output layer and cross-entropy in bfloat16, gradients together with the loss, ``PIECE`` targets at a time.

    What ``autocast`` makes of the two goes through the logits in float32 several times, which takes a tenth longer. The loss
    that is told has the precision of the logits.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        """Return the mean over targets that are not ``IGNORED``, float32. Features (tokens, width), targets int64 (tokens,)."""
        with torch.autocast(features.device.type, enabled=False):
            low, rows, kept = weight.to(torch.bfloat16), features.to(torch.bfloat16), targets != IGNORED
            share = 1 / kept.sum()
            shares = (features * share).to(torch.bfloat16)
            total, by_features = features.new_zeros((), dtype=torch.float32), torch.empty_like(features)
            by_weight, by_bias = torch.zeros_like(weight), None if bias is None else torch.zeros_like(bias)
            waits = features.device.type == "cpu"  # elsewhere looking at a number costs more than it may save
            width = PIECE if waits else max(PIECE, HELD_LOGITS // len(weight))
            for begin in range(0, len(targets), width):
                piece = slice(begin, begin + width)
                logits = rows[piece] @ low.t() if bias is None else torch.addmm(bias.to(low.dtype), rows[piece], low.t())
                gradient = logits.softmax(1)
                row = torch.arange(len(gradient), device=targets.device)
                wanted = row, targets[piece].clamp_min(0)
                likely = gradient[wanted]
                if waits and bool((likely > 0).all()):
                    losses = -likely.float().log()
                else:  # may be too small to be told from zero
                    losses = F.cross_entropy(logits.float(), wanted[1], reduction="none")
                total += (losses * kept[piece]).sum()
                gradient[wanted] -= 1
                if not (waits and kept[piece].all()):
                    gradient *= kept[piece, None]
                by_features[piece] = (gradient @ low) * share
                by_weight += gradient.t() @ shares[piece]
                if by_bias is not None:
                    by_bias += (gradient.new_ones(1, len(gradient)) @ gradient)[0] * share
        ctx.save_for_backward(by_features, by_weight, by_bias)
        return total * share

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """Return the gradients of features, weight and bias."""
        found = ctx.saved_tensors
        if gradient.device.type == "cpu" and gradient == 1:  # that of a batch that makes an update alone
            return (*found, None)
        return (*(None if each is None else each * gradient for each in found), None)  # type: ignore[return-value]


class TokenObjective(Objective):
    """The features of each token, the output layer, and the cross-entropy of the next token, in one.

    ``objective(features, targets)``: features (batch, time, width), targets int64 (batch, time), ``IGNORED`` ones left out.
    ``output()`` gives the output layer's weight (vocabulary, width) and bias; ``predicts`` says which metrics there are.
    """

    def __init__(self, output: Output, predicts: tuple[str, ...]) -> None:
        super().__init__(F.cross_entropy)
        self.output, self.predicts, self.ignored = output, predicts, IGNORED

    def __call__(self, features: Tensor, targets: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (mean, number of targets); tokens have no weights by row."""
        weight, bias = self.output()
        flat, wanted = features.flatten(0, 1), targets.flatten()
        device = features.device.type
        low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        if low == torch.bfloat16 and torch.is_grad_enabled():
            mean = LowCrossEntropy.apply(flat, weight, bias, wanted)  # type: ignore[no-untyped-call]
        elif len(weight) >= FUSED_FROM and low is None and hasattr(F, "linear_cross_entropy"):  # torch 2.13
            options = nn.LinearCrossEntropyOptions(batch_chunk_size=PIECE)
            mean = F.linear_cross_entropy(flat, weight, wanted, linear_bias=bias, ignore_index=IGNORED, options=options)
        else:
            mean = F.cross_entropy(F.linear(flat, weight, bias), wanted, ignore_index=IGNORED)
        return mean, (wanted != IGNORED).sum()

    def metrics(self, loss: float) -> dict[str, float]:
        """Return perplexity, and bits where tokens are characters."""
        return metrics.compute(metrics.computed(*self.predicts), loss)
