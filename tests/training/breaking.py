"""Trainings in which chosen updates are not finite, or in which memory runs out; and what two of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

import trainwright as tw
from trainwright.data.batches.base import Batch
from trainwright.data.batches.shuffle import step_seed
from trainwright.models.forward import Forward
from trainwright.store.checkpoint import Checkpoints
from trainwright.watch.events import Event


class Killed(Exception):
    """Stands for the end of the process: nothing is saved on its account."""


def at(kind: type[Event], **facts: Any) -> Callable[[Event], None]:
    """A listener that kills the run at the first event of this kind and with these facts."""

    def listen(event: Event) -> None:
        if isinstance(event, kind) and all(getattr(event, name) == value for name, value in facts.items()):
            raise Killed

    return listen


def poison(patch: pytest.MonkeyPatch, steps: Iterable[int]) -> None:
    """The outputs of the updates with these numbers are not finite, after the model has been through them."""
    seeds, forward = {step_seed(0, step - 1) for step in steps}, Forward.__call__

    def poisoned(self: Forward, batch: Batch) -> Any:
        outputs = forward(self, batch)
        return outputs * float("nan") if self.model.training and torch.initial_seed() in seeds else outputs

    patch.setattr(Forward, "__call__", poisoned)


def shrink(patch: pytest.MonkeyPatch, most: int, first: int = 1) -> None:
    """From update number ``first`` on, batches of more than ``most`` rows do not fit; what fails has done half of its work."""
    forward, known = Forward.__call__, []

    def limited(self: Forward, batch: Batch) -> Any:
        if not self.model.training:
            return forward(self, batch)
        if torch.initial_seed() not in known:
            known.append(torch.initial_seed())
        outputs = forward(self, batch)
        if len(known) >= first and batch.size > most:
            raise torch.OutOfMemoryError("out of memory")
        return outputs

    patch.setattr(Forward, "__call__", limited)


def kept(run: Path) -> dict[str, Any]:
    """All that a run ended with: the state in its last checkpoint but for times, and its history but for those."""
    found = Checkpoints(run / "checkpoints", run / "quarantine", "").newest(lambda *said: None)
    assert found is not None
    found.state["position"].pop("seconds")
    history = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    report = {name: value for name, value in tw.load(run).report.items() if "second" not in name}
    return {"state": found.state, "history": [line[:-2] + line[-1:] for line in history], "report": report}


def same(first: Any, second: Any) -> bool:
    """Whether two nested values are alike to the last bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, dict):
        return set(first) == set(second) and all(same(first[name], second[name]) for name in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)
