"""The verbs ``check`` and ``find_lr``: a training looked at as ``train`` would begin it, and nothing of it left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwright.config.resolve import recipe, resolve
from trainwright.run.beforehand import subject_of
from trainwright.run.train import Session

if TYPE_CHECKING:
    from trainwright.run.request import Request
    from trainwright.training.trainer import Trainer
    from trainwright.watch.checkup import Checkup
    from trainwright.watch.events import Listener


def check(request: Request, listen: Listener) -> Checkup:
    """Look at the training that would be asked for, made by the same code. Raise as ``_training``."""
    training = _training(request, listen)
    from trainwright.tasks.check import check as look
    from trainwright.training.autotune import threaded

    with threaded(training.threads):
        return look(subject_of(training))


def find_lr(request: Request, listen: Listener) -> dict[str, Any]:
    """Return what each rate makes of the loss in the training that would be asked for, as ``trainwright.find_lr`` has it.

    Raise as ``_training``.
    """
    training = _training(request, listen)
    from trainwright.training.autotune import threaded
    from trainwright.training.rate_finder import found, sweep

    with threaded(training.threads):
        return found(request.source, sweep(training.copied(), training.batches, training.settings.accumulate, training.device))


def _training(request: Request, listen: Listener) -> Trainer:
    """Return the training, ready to begin. Raise E543, and as ``train`` before its first step."""
    base = recipe(request.recipe)["settings"] if request.recipe else {}
    resolve(request.settings, base)  # what is wrong whatever the task, before anything is read
    _, problem, _ = Session(listen).pose(request, base)
    from trainwright.training.trainer import Trainer

    training = Trainer(problem)
    training.need_gradient()
    return training
