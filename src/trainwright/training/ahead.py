"""Updates that are handed to a device without waiting for what they come to.

Waiting for an accelerator costs more than a small update. So loss, weight, norm and right answers of an update stay on the
device, in a row of a ledger, and are read for many updates at a time. From the first update on whose loss or gradient is not
finite, every update leaves everything as it is, until the host has seen it and makes that one again with ``step.update``, which
waits, names rows and layers, and refuses.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trainwright.data.batches.base import Batch
from trainwright.models.objective import has_classes
from trainwright.training.graph import Graph, graphable, leaves_of
from trainwright.training.optim import SCHEDULED, advance_each
from trainwright.training.state import State, Tally
from trainwright.training.step import Learner, dense_gradients

CAPACITY = 4096  # updates under way, at most
READ_SECONDS = 0.1  # between two readings
HELD_BYTES = 1 << 28  # of batches whose updates are under way, from which on results are waited for
COLUMNS = 7  # failed, mean, total, weight, norm, correct, counted
WARM = 8  # updates of the same shapes before one is recorded
SHAPES = 16  # of batches that are told apart


class Sent(NamedTuple):
    """An update that the device was handed: its batches, its rate, and how things stood before it."""

    window: Sequence[Batch]
    lr: float
    step: int
    rows: int
    batch: int
    carried: Any
    classified: bool


class Made(NamedTuple):
    """What an update came to: mean loss and norm of the gradient."""

    sent: Sent
    mean: float
    norm: float


class Ahead:
    """The updates of a learner that are under way. ``stuck``: the first of them has to be made again by ``step.update``."""

    def __init__(self, learner: Learner) -> None:
        device = learner.parameters[0].device
        self.learner, self.stuck = learner, False
        self._failed = torch.zeros((), device=device)
        self._ledger = torch.zeros(CAPACITY, COLUMNS, dtype=torch.float64, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._host = torch.zeros(self._ledger.shape, dtype=torch.float64, pin_memory=device.type == "cuda")
        event: Any = torch.cuda.Event
        self._copied = event() if device.type == "cuda" else None
        self._covered = 0  # updates that the copy under way covers
        self._first = 0  # place of the first update under way
        self._sent: list[Sent] = []
        self._bytes = 0  # of the batches of an update
        self._next = 0.0
        self._begin: tuple[int, list[Any], list[dict[str, Any]]] = 0, [], []
        self._graphable, self._loads = graphable(learner), learner.loads
        # Recorded updates, or how often one was made, -1 where it is never recorded, by all that it depends on.
        self._graphs: dict[Any, Graph | int] = {}

    def is_due(self) -> bool:
        """Return whether results should be read."""
        return time.perf_counter() >= self._next or self._is_full()

    def _is_full(self) -> bool:
        return len(self._sent) >= CAPACITY or len(self._sent) * self._bytes > HELD_BYTES

    def send(self, window: Sequence[Batch], state: State, share: float | None = None) -> None:
        """Hand an update to the device, and move ``state`` and the schedules to the place after it.

        ``share`` is that of ``advance_each``.

        Raise torch.OutOfMemoryError where the device has no room; everything but the gradients is then as it was.
        """
        learner = self.learner
        if not self._sent:
            self._begin = state.step, copy.deepcopy([each.schedule.state_dict() for each in learner.schedules]), self._rates()
            self._next = time.perf_counter() + READ_SECONDS
            self._bytes = sum(leaf.nbytes for leaf in leaves_of(window) if isinstance(leaf, Tensor))
        before, learner.at_step_boundary = (learner.forward.state, learner.at_step_boundary), False
        try:
            classified = self._run(window)
        except BaseException:
            learner.guard.restore()
            learner.at_step_boundary = before[1]
            raise
        self._sent.append(Sent(window, learner.lr, state.step, state.rows, state.batch, before[0], classified))
        state.step += 1
        state.rows += sum(batch.size for batch in window)
        state.batch += len(window)
        advance_each(learner.schedules, "step", None, share)

    def read(self, tally: Tally, *, wait: bool) -> list[Made]:
        """Return what updates came to, in order, up to one that is ``stuck``, and count it; all of them with ``wait``, else
        those whose results have arrived."""
        self._next = time.perf_counter() + READ_SECONDS
        if wait or self._copied is None or self._is_full():
            self._host.copy_(self._ledger)
            self._covered = len(self._sent)
        elif not self._covered:
            self._ask()
            return []
        elif not self._copied.query():
            return []
        found: list[Made] = []
        places = (self._first + torch.arange(self._covered)) % CAPACITY
        for sent, values in zip(self._sent, self._host[places].tolist(), strict=False):
            failed, mean, total, weight, norm, correct, counted = values
            if failed:
                self.stuck = True
                break
            tally.count(total, weight, int(correct), int(counted), sent.classified)
            found.append(Made(sent, mean, norm))
        del self._sent[: len(found)]
        self._first += len(found)
        self._covered = 0
        if self._sent and not self.stuck:
            self._ask()
        return found

    def _ask(self) -> None:
        """Begin to copy what has been found so far."""
        assert self._copied is not None
        self._host.copy_(self._ledger, non_blocking=True)
        self._copied.record()
        self._covered = len(self._sent)

    def rewind(self, state: State) -> list[Batch]:
        """Take ``state``, schedules and what the model carries back to the place before the first update under way, and return
        the batches of those under way. They have changed nothing, or nothing is under way."""
        batches = [batch for sent in self._sent for batch in sent.window]
        if self._sent:
            first, (step, schedules, rates) = self._sent[0], self._begin
            for group, before in zip(self.learner.optimizer.param_groups, rates, strict=True):
                group.update(before)
            for each, kept in zip(self.learner.schedules, schedules, strict=True):
                each.schedule.load_state_dict(copy.deepcopy(kept))
            for _ in range(first.step - step):
                advance_each(self.learner.schedules, "step", None)
            state.step, state.rows, state.batch = first.step, first.rows, first.batch
            self.learner.forward.state = first.carried
        self._first += len(self._sent)
        self._sent, self.stuck, self._covered = [], False, 0
        self._failed.zero_()
        return batches

    def _rates(self) -> list[dict[str, Any]]:
        groups = self.learner.optimizer.param_groups
        return [{name: group[name] for name in SCHEDULED if name in group} for group in groups]

    def _run(self, window: Sequence[Batch]) -> bool:
        """Make an update, recorded where that pays. Return whether its right answers are counted."""
        if not self._graphable:
            return self._update(window)
        if self._loads != self.learner.loads:  # what the optimiser remembers lies elsewhere now
            self._graphs, self._loads = {}, self.learner.loads
        self.learner.set_rates()  # beforehand, as a rate must not be recorded
        key = self._key(window)
        graph = self._graphs.get(key, 0 if len(self._graphs) < SHAPES else -1)
        if isinstance(graph, int) and graph < WARM:
            self._graphs[key] = graph + (graph >= 0)
            return self._update(window)
        if isinstance(graph, int):
            try:
                graph = self._graphs[key] = Graph(self._update, window, self.learner.forward, self._failed)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:  # something in it needs the host
                self._graphs[key] = -1
                return self._update(window)
        graph.replay(window)
        return bool(graph.classified)

    def _key(self, window: Sequence[Batch]) -> Any:
        """Return all that a recorded update depends on, beside values on the device."""
        leaves = [(leaf.shape, leaf.dtype, leaf.device.type) if isinstance(leaf, Tensor) else -1 for leaf in leaves_of(window)]
        hyper = [value for group in self._rates() for name, value in group.items() if name != "lr"]
        return *leaves, *(batch.size for batch in window), *hyper, self.learner.forward.state is None

    def _update(self, window: Sequence[Batch]) -> bool:
        """Make an update without waiting for the device. Return whether its right answers are counted."""
        learner, device = self.learner, self._failed.device
        learner.guard.save()
        for parameter in learner.parameters:
            parameter.grad = None
        sums: list[Any] = [0.0, 0.0, 0.0, 0.0]  # loss, weight, right answers, targets that count
        classified, mean = True, torch.zeros((), device=device)
        for batch in window:
            with learner.casting:
                outputs = learner.forward(batch)
                mean, weight = learner.objective(outputs, batch.targets, batch.weights)
            # A batch of which no target counts has no mean: what comes of it is not finite, and ``step.update`` leaves it out.
            (mean if len(window) == 1 else mean * weight).backward()  # type: ignore[no-untyped-call]
            mean = mean.detach().double()
            correct, counted = _right(learner.objective.answers(outputs), batch, learner.objective.ignored)
            classified = classified and correct is not None
            found = (mean * weight, weight, 0.0 if correct is None else correct, counted)
            sums = [before + each for before, each in zip(sums, found, strict=True)]
        gradients = dense_gradients(learner)
        if len(window) > 1:
            mean = sums[0] / sums[1]
            torch._foreach_div_(gradients, sums[1])
        learner.hooks.add_penalty()
        norms = torch._foreach_norm(gradients)
        norm = torch.linalg.vector_norm(torch.stack(norms))
        finite = mean.isfinite() & norm.isfinite()
        self._failed.copy_(torch.maximum(self._failed, (~finite).float()))
        row = [self._failed, mean, sums[0], sums[1], norm, *sums[2:]]
        values = torch.stack([each.double() if isinstance(each, Tensor) else _number(each, device) for each in row])
        self._ledger.index_copy_(0, self._place % CAPACITY, values[None])
        self._place += 1
        if learner.clip:
            torch._foreach_mul_(gradients, (learner.clip / (norm + 1e-6)).clamp(max=1.0))
        learner.clip_values(gradients)
        learner.move(self._failed)
        learner.guard.restore_where(self._failed)
        return classified


def _right(outputs: Any, batch: Batch, ignored: int | None) -> tuple[Tensor | None, Tensor | float]:
    """Return right answers and targets that count; None where there are no classes."""
    if not has_classes(outputs, batch.targets):
        return None, float(batch.size)
    right = outputs.detach().argmax(dim=1) == batch.targets
    if ignored is None:
        return right.sum(), float(len(batch.targets))
    kept = batch.targets != ignored
    return (right & kept).sum(), kept.sum()


def _number(value: float, device: torch.device) -> Tensor:
    return torch.full((), value, dtype=torch.float64, device=device)
