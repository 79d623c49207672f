"""A person's own model and loss, called as any; the first batch is looked at closely, and what torch refuses is explained.

After the first batch nothing is asked of the device: a call costs as much as without.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.pytree import count_rows, tree_leaves
from trainwright.errors import TrainwrightError, error
from trainwright.models.forward import Forward
from trainwright.models.objective import Objective
from trainwright.tasks.custom import mistakes
from trainwright.watch.events import Note

REFUSALS = (RuntimeError, TypeError, ValueError, IndexError, AttributeError)  # what torch raises for what does not fit
MANY = 16  # outputs between 0 and 1, from which on that is no chance


class Watched:
    """What the model and the loss of one training or measuring have to know of each other: the batch that is under way."""

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.loss: Any = None  # what the model says of it, where the loss is its own
        self.notes: list[Note] = []  # not yet told


class CheckedForward(Forward):
    """A model whose refusals are explained. With ``own_loss`` its outputs hold the loss."""

    def __init__(self, model: nn.Module, start: Callable[..., Any] | None, watched: Watched, *, own_loss: bool = False) -> None:
        super().__init__(model, start)
        self._watched, self._own_loss = watched, own_loss

    def __call__(self, batch: Batch) -> Any:
        """Return the outputs of one batch: of a model with a loss of its own its ``logits``, where it has any.

        Raise E614, and E623 to E626, E630 and E635 where inputs do not fit, E641 for outputs without a loss.
        """
        self._watched.batch = batch
        try:
            outputs = super().__call__(batch)
            return self._apart(outputs) if self._own_loss else outputs
        except BaseException as problem:
            self._watched.batch = None
            if isinstance(problem, REFUSALS) and not isinstance(problem, TrainwrightError | torch.OutOfMemoryError):
                raise mistakes.in_forward(problem, self.model, batch, own_loss=self._own_loss) or problem from problem
            raise

    def _apart(self, outputs: Any) -> Any:
        """Put the loss in the outputs aside for the objective, and return the rest."""
        self._watched.loss = loss = named_part(outputs, "loss")
        if loss is None:
            raise error("E641", found=type(outputs).__name__)
        logits = named_part(outputs, "logits")
        if logits is None and isinstance(outputs, Mapping):
            return {name: each for name, each in outputs.items() if name != "loss"}
        return outputs if logits is None else logits


class CheckedObjective(Objective):
    """A loss whose refusals are explained; None = that of the model.

    It may have named parts, be a function of the inputs too, and say itself how much it is the mean of. ``plain`` says whether
    it follows from outputs and targets alone.
    """

    def __init__(self, loss: Any, watched: Watched, *, whole: bool = True) -> None:
        """With ``whole`` false parts are refused: E640."""
        super().__init__(_of_the_model if loss is None else loss)
        self._watched, self._name, self._known = watched, mistakes.loss_name(loss), False
        self._of_model, self._of_inputs, self._whole = loss is None, takes_inputs(loss), whole
        self.plain = not self._of_model and not self._of_inputs

    def __call__(self, outputs: Any, targets: Any, rows: Tensor | None = None) -> tuple[Tensor, float | Tensor]:
        """Return (mean, weight) of a batch. Raise E605, E620 to E622 and E628 to E634 where outputs or targets do not fit, E642
        for parts that are no numbers."""
        batch, self._watched.batch = self._watched.batch or Batch((), targets, count_rows(targets)), None
        if not self._known:
            self._look(outputs, targets, batch)
        try:
            found = self._call(outputs, targets, rows, batch)
            if isinstance(found[0], Mapping):
                found = self._of_parts(*found)
        except REFUSALS as problem:
            if isinstance(problem, TrainwrightError | torch.OutOfMemoryError):
                raise
            raise mistakes.in_loss(problem, self.loss, outputs, targets, batch) or problem from problem
        if not self._known and torch.is_grad_enabled():
            _check_mean(found[0])
        self._known = True
        return found

    def _call(self, outputs: Any, targets: Any, rows: Tensor | None, batch: Batch) -> tuple[Any, float | Tensor]:
        if self._of_model:
            kept = targets != mistakes.IGNORED if isinstance(targets, Tensor) and not targets.is_floating_point() else None
            weight = float(batch.size) if kept is None else kept.count_nonzero()
            found, self._watched.loss = self._watched.loss, None
            return found.mean() if isinstance(found, Tensor) else found, weight  # of several devices, one from each
        if self._of_inputs:
            inputs = batch.named or (batch.inputs[0] if len(batch.inputs) == 1 else batch.inputs)
            return self.loss(outputs, targets, inputs=inputs), self._weight(targets)  # type: ignore[call-arg]
        return super().__call__(outputs, targets, rows)

    def _of_parts(self, found: Mapping[str, Any], weight: float | Tensor) -> tuple[Tensor, float | Tensor]:
        """Return what is trained on: the part named "loss", else the sum of all; "n" is what they are the means of."""
        if not self._whole:
            raise error("E640", one="graph", other="a loss of several parts", why="what each came to would not be known")
        parts = {str(name): each for name, each in found.items() if name != "n"}
        for name, each in parts.items():
            if not isinstance(each, Tensor) or each.numel() != 1:
                shape = f" of shape {tuple(each.shape)}" if isinstance(each, Tensor) else ""
                raise error("E642", name=name, found=f"{type(each).__name__}{shape}")
        if not parts:
            raise error("E629", found="dict with nothing in it")
        trained = parts["loss"] if "loss" in parts else torch.stack([each.reshape(()) for each in parts.values()]).sum()
        self.parts = {name: each.detach() for name, each in parts.items() if name != "loss"}
        return trained, found.get("n", weight)

    def _look(self, outputs: Any, targets: Any, batch: Batch) -> None:
        """Raise for what torch takes and makes something else of; note what is most likely meant otherwise."""
        pixels = next((each for each in tree_leaves((batch.inputs, batch.named)) if _unscaled(each)), None)
        if pixels is not None and torch.is_grad_enabled():
            self._note("inputs", f"whole numbers up to {pixels.max().item():g}", "pixels train better from 0 to 1: x / 255")
        if not self._name or not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
            return
        wrong = None
        if self._name in mistakes.BY_CLASS:
            silent = outputs.ndim == 2 and outputs.shape[1] == 1
            if silent or outputs.device.type != "cpu":  # an accelerator ends the process for a class number too large
                wrong = mistakes.class_targets(self._name, outputs, targets, self._ignored, batch)
        elif self._name in mistakes.BY_ENTRY:
            strict = self._name in ("HuberLoss", *mistakes.PROBABILITIES)  # some only refuse a type on the way back
            if strict or outputs.shape != targets.shape:
                wrong = mistakes.entry_targets(self._name, outputs, targets, batch)
        if wrong:
            raise wrong
        if torch.is_grad_enabled():
            self._look_at_outputs(outputs.detach())

    def _look_at_outputs(self, outputs: Tensor) -> None:
        """Note outputs that look like what the loss makes of them itself."""
        low, high = outputs.min().item(), outputs.max().item()
        if self._name == "CrossEntropyLoss" and outputs.ndim == 2 and low >= 0 and high <= 1:
            sums = outputs.sum(dim=1)
            if bool(((sums - 1).abs() < 1e-3).all()):
                self._note("loss", "the outputs are probabilities", "CrossEntropyLoss takes logits: leave the softmax out")
        elif self._name == "BCEWithLogitsLoss" and low >= 0 and high <= 1 and outputs.numel() >= MANY:
            why = "BCEWithLogitsLoss takes logits: leave the sigmoid out"
            self._note("loss", "the outputs look like probabilities", why)
        elif self._name == "NLLLoss" and high > 0:
            self._note("loss", "the outputs are no log-probabilities", "NLLLoss takes those: log_softmax, or CrossEntropyLoss")

    def _note(self, what: str, value: str, why: str) -> None:
        self._watched.notes.append(Note(what, value, why))

    @property
    def _ignored(self) -> int:
        return mistakes.IGNORED if self.ignored is None else self.ignored


def named_part(outputs: Any, name: str) -> Any:
    """Return an entry of a dict, or an attribute of an object; None where there is none."""
    return outputs.get(name) if isinstance(outputs, Mapping) else getattr(outputs, name, None)


def takes_inputs(loss: Any) -> bool:
    """Return whether a loss has a parameter named ``inputs``: it is then called with those of the batch."""
    call = loss.forward if isinstance(loss, nn.Module) else loss
    with suppress(TypeError, ValueError):
        return "inputs" in inspect.signature(call).parameters
    return False


def _of_the_model(outputs: Any, targets: Any) -> Tensor:
    raise AssertionError("the loss is in the outputs of the model")


def _check_mean(mean: Any) -> None:
    """Raise E629 for a loss that is no single number, E628 for one that does not depend on a parameter."""
    if not isinstance(mean, Tensor):
        raise error("E629", found=type(mean).__name__)
    if mean.numel() != 1:
        raise error("E629", found=f"tensor of shape {tuple(mean.shape)}")
    if not mean.requires_grad:
        raise error("E628")


def _unscaled(value: Any) -> bool:
    """Return whether an input looks like pixels from 0 to 255: floats (rows, ..., height, width), all of them whole."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.ndim < 3 or not value.numel():
        return False
    return bool((value >= 0).all() & (value <= 255).all() & (value > 16).any() & (value == value.round()).all())
