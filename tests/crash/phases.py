"""Where a run can be hit: every phase of it is patched to report, from outside, so that the package knows nothing of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from trainwright.models.forward import Forward
from trainwright.run import train
from trainwright.run.folds import Folds
from trainwright.store import atomic, bundle, checkpoint, seal
from trainwright.tasks.language.problem import LanguageProblem
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.training import loop, step
from trainwright.training.trainer import Trainer

PHASES = (
    "data", "forward", "backward", "update", "save-open", "save-torn", "write-torn", "save-fsync", "rename",
    "retain", "validation", "test", "bundle", "report", "folds",
)  # fmt: skip
Hit = tuple[str, int, int]  # phase, which time it is come to, and the signal that is sent then


class Phases:
    """Counts what is come to, and sends this process a signal at the ``hits``."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = {(phase, number): sent for phase, number, sent in hits}
        self.counts: Counter[str] = Counter()
        self.process = os.getpid()
        self.after = 0  # updates since the first signal
        self.sent = False

    def reach(self, phase: str, before: Callable[[], object] = lambda: None) -> None:
        """Once more at ``phase``; ``before`` is done where the process is killed here."""
        if os.getpid() != self.process:
            return  # a process that decodes pictures, which is a copy of this one
        self.counts[phase] += 1
        if phase == "update" and self.sent:
            self.after += 1
        if sent := self.hits.get((phase, self.counts[phase])):
            if sent == signal.SIGKILL:
                before()
            self.sent = True
            os.kill(os.getpid(), sent)

    def around(self, place: Any, name: str, phase: str) -> None:
        """Reached before and after each call of ``place.name``."""
        inner = getattr(place, name)

        def outer(*args: Any, **named: Any) -> Any:
            self.reach(phase)
            result = inner(*args, **named)
            self.reach(phase)
            return result

        setattr(place, name, outer)

    def install(self) -> None:
        """Patch this process; it is a child that ends with the run."""
        self.around(train.Session, "prepare", "data")
        self.around(loop, "islice", "data")
        self.around(Forward, "__call__", "forward")
        self.around(torch.Tensor, "backward", "backward")
        self.around(os, "fsync", "save-fsync")
        self.around(Path, "rename", "rename")
        self.around(Path, "replace", "rename")
        self.around(shutil, "rmtree", "retain")
        self.around(os, "unlink", "retain")
        for problem in (SupervisedProblem, LanguageProblem):
            self.around(problem, "validate", "validation")
        self.around(Trainer, "evaluate", "test")
        self.around(bundle, "save", "bundle")
        self.around(train, "write_json", "report")
        self.around(Folds, "go_on", "folds")
        self.around(seal, "close", "report")
        self._updates()
        self._writes()

    def _updates(self) -> None:
        lean_step = step.lean_step

        def outer(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
            raw = lean_step(optimizer)

            def update() -> None:
                self.reach("update")
                raw()
                self.reach("update")

            return update

        step.lean_step = outer

    def _writes(self) -> None:
        write = checkpoint._write_tensors

        def outer(path: Path, tensors: Any) -> None:
            self.reach("save-open")
            write(path, tensors)
            self.reach("save-torn", lambda: os.truncate(path, path.stat().st_size // 2))

        checkpoint._write_tensors = outer
        write_synced = atomic.write_synced

        def torn(path: Path, data: bytes) -> None:
            write_synced(path, data)
            self.reach("write-torn", lambda: os.truncate(path, len(data) // 2))

        for place in (atomic, bundle, checkpoint, seal):
            place.write_synced = torn


def points(counts: Mapping[str, int], number: int, draw: Any, first: int) -> list[Hit]:
    """So many seeded kills: phases in turn from the ``first``, so that rare ones are as likely as those of every step, each
    at some time that it is come to."""
    reached = [phase for phase in PHASES if counts.get(phase)]
    chosen = [reached[(first + index) % len(reached)] for index in range(number)]
    return [(phase, draw.randint(1, counts[phase]), signal.SIGKILL) for phase in chosen]
