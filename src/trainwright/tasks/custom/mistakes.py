"""What is wrong between a person's own model, loss and batches, where torch refuses them: what, in which row, the line.

Everything here looks at the batch at hand and at the frames of the exception; nothing runs again.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.user_data import TARGETS
from trainwright.errors import TrainwrightError, error, in_short

# Losses by what they take as targets, and torch's functions by the name of their class.
BY_CLASS = ("CrossEntropyLoss", "NLLLoss")
PROBABILITIES = ("BCEWithLogitsLoss", "BCELoss")
BY_ENTRY = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss", "SoftMarginLoss", *PROBABILITIES)
_FUNCTIONS = {
    F.cross_entropy: "CrossEntropyLoss",
    F.nll_loss: "NLLLoss",
    F.mse_loss: "MSELoss",
    F.l1_loss: "L1Loss",
    F.smooth_l1_loss: "SmoothL1Loss",
    F.huber_loss: "HuberLoss",
    F.binary_cross_entropy_with_logits: "BCEWithLogitsLoss",
    F.binary_cross_entropy: "BCELoss",
}
_BY_CODE = {function.__code__: name for function, name in _FUNCTIONS.items()}
IGNORED = -100  # torch's own ignore_index


def loss_name(loss: Any) -> str:
    """Return the name of the torch class that a loss is, or is a function of; empty for one of the person's own."""
    if isinstance(loss, nn.Module):
        return next((kind.__name__ for kind in type(loss).__mro__ if kind.__module__ == "torch.nn.modules.loss"), "")
    return next((name for function, name in _FUNCTIONS.items() if function is loss), "")


def in_forward(problem: Exception, model: nn.Module, batch: Batch, *, own_loss: bool) -> TrainwrightError | None:
    """Return what was wrong with the inputs of a model that raised ``problem``, or None where it is another matter.

    With ``own_loss`` no loss was given, and the targets are among the inputs."""
    named = batch.named or {}
    try:
        inspect.signature(model.forward).bind(*batch.inputs, **named)
    except TypeError as refused:
        return _call(model, batch, refused, own_loss)
    modules = {each: name for name, each in model.named_modules()}
    for frame in reversed(list(_frames(problem))):
        layer, given = frame.f_locals.get("self"), frame.f_locals.get("input")
        if isinstance(layer, nn.Module) and layer in modules:
            torchs = type(layer).__module__.startswith("torch.nn") and not isinstance(layer, nn.Sequential)
            if torchs and isinstance(given, Tensor):
                name = f"layer '{modules[layer]}', " if modules[layer] else ""
                return _layer(layer, f"{name}{type(layer).__name__}({layer.extra_repr()})", given, batch, problem)
            return None
    return None


def in_loss(problem: Exception, loss: Any, outputs: Any, targets: Any, batch: Batch) -> TrainwrightError | None:
    """Return what was wrong with outputs or targets for a loss that raised ``problem``, or None where it is another matter."""
    name, ignored = loss_name(loss), getattr(loss, "ignore_index", IGNORED)
    for frame in _frames(problem):
        if frame.f_code in _BY_CODE:  # what a loss of the person's own made of them
            name, here = _BY_CODE[frame.f_code], frame.f_locals
            outputs, targets, ignored = here["input"], here["target"], here.get("ignore_index", ignored)
            break
    if not name:
        return None
    if not isinstance(outputs, Tensor):
        return _outputs(name, outputs)
    if not isinstance(targets, Tensor):
        line = "torch.as_tensor(y), with numbers for the classes"
        return error("E620", found=f"a {type(targets).__name__}", loss=name, wanted="a tensor", line=line)
    if name in BY_CLASS:
        return class_targets(name, outputs, targets, ignored, batch)
    return entry_targets(name, outputs, targets, batch) if name in BY_ENTRY else None


def class_targets(name: str, outputs: Tensor, targets: Tensor, ignored: int, batch: Batch) -> TrainwrightError | None:
    """Return what is wrong with the targets of a loss that takes outputs (rows, classes, ...) and class numbers (rows, ...)."""
    shape, known = tuple(targets.shape), tuple(outputs.shape)
    if outputs.ndim < 2 or outputs.shape[1] == 1:
        return error("E631", loss=name, shape=known)
    if len(targets) != len(outputs):
        return error("E634", outputs=known, targets=shape)
    wanted = (*known[:1], *known[2:])
    facts = {"found": _described(targets), "loss": name, "wanted": f"int64 class numbers of shape {wanted}"}
    if shape == known and not targets.is_floating_point():
        return error("E620", line="y.argmax(dim=1)", **facts)
    number = "" if targets.dtype in (torch.int64, torch.uint8) else ".long()"
    if shape != wanted:
        line = "y.squeeze(1)" if shape == (*known[:1], 1, *known[2:]) else f"y.reshape{wanted}"
        return error("E620", line=line + number, **facts)
    if number:
        return error("E620", line="y.long()", **facts)
    count = outputs.shape[1]
    wrong = ((targets < 0) | (targets >= count)) & (targets != ignored)
    return _beyond(targets, wrong, count, ignored, batch) if bool(wrong.any()) else None


def entry_targets(name: str, outputs: Tensor, targets: Tensor, batch: Batch) -> TrainwrightError | None:
    """Return what is wrong with the targets of a loss that compares each entry of the outputs with one of the targets."""
    if outputs.shape != targets.shape:
        return unequal(outputs, targets)
    if targets.dtype != outputs.dtype:
        facts = {"found": _described(targets), "loss": name, "wanted": str(outputs.dtype).removeprefix("torch.")}
        return error("E620", line="y.float()" if outputs.dtype == torch.float32 else f"y.to({outputs.dtype})", **facts)
    if name not in PROBABILITIES:
        return None
    wrong = (targets < 0) | (targets > 1)
    if bool(wrong.any()):
        value, place = _first(targets, wrong, batch)
        return error("E632", value=f"{value:g}", loss=name, where=place)
    low, high = outputs.min().item(), outputs.max().item()
    return error("E633", low=f"{low:.4g}", high=f"{high:.4g}") if name == "BCELoss" and (low < 0 or high > 1) else None


def unequal(outputs: Tensor, targets: Tensor) -> TrainwrightError:
    """Return E605, with the line where one of the shapes only has a 1 more."""
    shapes, hint = (tuple(outputs.shape), tuple(targets.shape)), ""
    if shapes[0] == (*shapes[1], 1):
        hint = "Such as: y.unsqueeze(1)."
    elif shapes[1] == (*shapes[0], 1):
        hint = "Such as: y.squeeze(1)."
    return error("E605", outputs=shapes[0], targets=shapes[1], hint=hint)


def _call(model: nn.Module, batch: Batch, problem: TypeError, own_loss: bool) -> TrainwrightError:
    """Return E623, or E635 where no loss is given: the model cannot be called with what a batch gives."""
    takes = [name for name in inspect.signature(model.forward).parameters if name in TARGETS]
    given = f"{len(batch.inputs)} by position" if batch.named is None else f"the keys {', '.join(map(str, batch.named))}"
    if own_loss:
        return error("E635", given=given, problem=problem)
    hint = ""
    if takes:
        hint = f"The targets go to the loss alone: wrap the model in one whose forward takes no {takes[0]}."
    return error("E623", given=given, problem=problem, hint=hint)


def _outputs(name: str, outputs: Any) -> TrainwrightError:
    """Return E622: the loss takes a tensor, and the model gives something with tensors in it."""
    if isinstance(outputs, Mapping):
        keys = [str(key) for key in outputs]
        found, pick = f"dict ({', '.join(keys)})", f"[{next((key for key in keys if key != 'loss'), '')!r}]"
        if "logits" in keys:
            pick = "['logits']"
    else:
        found, pick = type(outputs).__name__, "[0]"
        if isinstance(outputs, tuple | list):
            found += f" of {len(outputs)}"
    return error("E622", found=found, loss=name, pick=pick)


def _beyond(targets: Tensor, wrong: Tensor, count: int, ignored: int, batch: Batch) -> TrainwrightError:
    """Return E621 for the first class number that the model has no output for."""
    label, place = _first(targets, wrong, batch)
    low, high = targets[targets != ignored].min().item(), targets.max().item()
    if label < 0:
        hint = f"Where it means no class: CrossEntropyLoss(ignore_index={label:g})."
    elif low >= 1 and high == count:
        hint = "They seem to be counted from 1: y - 1."
    else:
        hint = f"Give the last layer {high + 1:g} outputs, or number the classes from 0 without gaps."
    return error("E621", label=f"{label:g}", count=count, last=count - 1, hint=hint, where=place)


def _layer(layer: Any, name: str, given: Tensor, batch: Batch, problem: Exception) -> TrainwrightError:
    """Return what is wrong with the input of one of torch's layers."""
    weight, shape = next(layer.parameters(), None), tuple(given.shape)
    if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training and given.numel() == layer.num_features:
        return error("E626", layer=name)
    if isinstance(layer, nn.Embedding):
        if given.is_floating_point():
            return error("E624", layer=name, own="numbers of entries (int64)", found=_type(given), line="x.long()")
        wrong = (given < 0) | (given >= layer.num_embeddings)
        if bool(wrong.any()):
            value, place = _first(given, wrong, batch)
            return error("E630", value=f"{value:g}", layer=name, last=layer.num_embeddings - 1, where=place)
    elif weight is not None and weight.dtype != given.dtype:
        line = "x.float() / 255" if given.dtype == torch.uint8 else "x.float()" if weight.dtype == torch.float32 else ""
        return error("E624", layer=name, own=_type(weight), found=_type(given), line=line or f"x.to({weight.dtype})")
    return error("E625", layer=name, shape=shape, problem=in_short(problem), hint=_reshaped(layer, shape))


def _reshaped(layer: Any, shape: tuple[int, ...]) -> str:
    """Return the line that would make an input of that shape fit the layer; empty where none is known."""
    if isinstance(layer, nn.Linear) and len(shape) > 1 and shape[-1] != layer.in_features:
        flat = torch.Size(shape[1:]).numel()
        if flat == layer.in_features:
            return "Write x.flatten(1) before it, or nn.Flatten()."
        return f"Write nn.Linear({shape[-1]}, {layer.out_features}), or give inputs of {layer.in_features}."
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        places = len(layer.kernel_size)
        if len(shape) == places + 2 and shape[-1] == layer.in_channels:
            order = ", ".join(map(str, (0, places + 1, *range(1, places + 1))))
            return f"The channels stand last: x.permute({order})."
        if len(shape) == places + 1 and layer.in_channels == 1:
            return "The channel is missing: x.unsqueeze(1)."
        if len(shape) == places + 2:
            kind = type(layer).__name__
            return f"Write nn.{kind}({shape[1]}, {layer.out_channels}, ...), or give inputs of {layer.in_channels} channels."
    return ""


def _first(values: Tensor, wrong: Tensor, batch: Batch) -> tuple[float, str]:
    """Return the first wrong value and its row, by the number in the data where that is known."""
    place = int(wrong.flatten().nonzero()[0])
    entry = place * batch.size // max(wrong.numel(), 1)
    row = f"row {batch.rows[entry]} of the data" if batch.rows is not None else f"row {entry} of its batch"
    return values.flatten()[place].item(), f"{row}, counted from 0"


def _frames(problem: Exception) -> Iterator[FrameType]:
    """Yield the frames that an exception went through, the outermost first."""
    trace = problem.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _described(tensor: Tensor) -> str:
    return f"{_type(tensor)} of shape {tuple(tensor.shape)}"
