"""What can be told of a training that will take long, before its first step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from trainwright.watch.events import Note

if TYPE_CHECKING:
    from trainwright.data.batches.base import Batch
    from trainwright.tasks.check import Subject
    from trainwright.training.trainer import Trainer

LONG = 300.0  # seconds of training, from which on it is looked at beforehand
SHARE, MOST = 0.02, 10.0  # of that time, and seconds, are spent on it at most
UPDATES = 1000  # below which no training is looked at by itself: its updates are not even timed


def before_long(training: Trainer) -> list[Note]:
    """Return what a look at a training that will take long has found; nothing where it is short. Nothing of it is left."""
    from trainwright.tasks.check import check as look
    from trainwright.tasks.check import expected_seconds
    from trainwright.training.autotune import threaded

    if training.learner.own is not None or training.plan.updates(training.batches.per_epoch) < UPDATES:
        return []
    with threaded(training.threads):
        subject = subject_of(training)
        expected = expected_seconds(subject, training.plan.seconds)
        if expected < LONG:
            return []
        found = look(subject, min(SHARE * expected, MOST))
    return [each.note() for each in found.findings] or [
        Note("check", "nothing found", f"in {len(found.checked)} looks beforehand")
    ]


def subject_of(training: Trainer) -> Subject:
    """Return a training as what is looked at."""
    from trainwright.tasks.check import FEW, Subject

    problem, device = training.problem, training.device

    def in_order(name: str, rows: int) -> Iterator[Batch]:
        found = problem.in_order(name, rows, device)
        assert found is not None
        yield from found.epoch(0)

    def few() -> Iterator[Batch]:
        found = problem.in_order("train", FEW, device)
        batches = training.batches if found is None else found
        return islice(batches.epoch(0), 1)

    apart = problem.in_order("train", FEW, device) is not None
    return Subject(
        training.copied,
        training.batches,
        device,
        training.plan.updates(training.batches.per_epoch),
        few,
        (lambda rows: in_order("train", rows)) if apart else None,
        (lambda: in_order("valid", 256)) if apart and "valid" in problem.splits else None,
        problem.labels,
        fresh=problem.parent is None,
    )
