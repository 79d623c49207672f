"""Which learning rate suits a training: updates whose rate rises from one to the next, until the loss does (Smith 2017,
arXiv:1506.01186)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

import torch

from trainwright.data.batches.base import Batch, Batches
from trainwright.data.batches.shuffle import step_seed
from trainwright.errors import TrainwrightError
from trainwright.training.rng import preserve_rng, seed_rng
from trainwright.training.state import Tally
from trainwright.training.step import Learner, update

LOWEST, HIGHEST, UPDATES = 1e-6, 10.0, 100
MEMORY = 0.8  # of the smoothed loss, at each update
RISEN = 2.0  # times the lowest smoothed loss: from here on nothing more is learned from higher rates
WINDOW = 10  # updates over which it is told how fast the loss falls
FALLEN = 0.95  # of the first loss, at most, has to be left at the best rate


def sweep(learner: Learner, batches: Batches, accumulate: int, device: torch.device) -> list[tuple[float, float]]:
    """Return rates and the loss before each one's update, lowest rate first. The learner, a copy, is moved."""
    measured: list[tuple[float, float]] = []
    learner.model.train()
    windows = _windows(learner, batches, accumulate)
    with preserve_rng(device):
        for number, window in enumerate(islice(windows, UPDATES)):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (UPDATES - 1))
            for group in learner.optimizer.param_groups:
                group["lr"] = rate * group.get("factor", 1.0)
            seed_rng(device, step_seed(0, number))
            try:
                loss = update(learner, window, number + 1, Tally()).loss
            except TrainwrightError:  # the rate before was too high
                break
            measured.append((rate, loss))
            smooth = smoothed([each for _, each in measured])
            if smooth[-1] > RISEN * min(smooth):
                break
    return measured


def _windows(learner: Learner, batches: Batches, accumulate: int) -> Iterator[list[Batch]]:
    for epoch in count():
        learner.forward.reset_state()
        epoch_batches = batches.epoch(epoch)
        while window := list(islice(epoch_batches, accumulate)):
            yield window


def smoothed(losses: Sequence[float]) -> list[float]:
    """Return the moving average of losses at each place, without the pull towards 0 of its beginning."""
    found, mean = [], 0.0
    for number, loss in enumerate(losses, start=1):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        found.append(mean / (1 - MEMORY**number))
    return found


def suggestion(measured: Sequence[tuple[float, float]]) -> tuple[float | None, str]:
    """Return a rate and why that one; None where no rate makes the loss fall.

    It is the rate of the steepest fall, not one below the lowest loss: on few rows that is reached by having learned them, at
    rates at which nothing could be learned.
    """
    smooth = smoothed([loss for _, loss in measured])
    if not smooth or min(smooth) > FALLEN * smooth[0]:
        return None, "no rate makes the loss fall within so few updates"
    span = min(WINDOW, len(smooth) - 1)
    steepest = min(range(len(smooth) - span), key=lambda place: smooth[place + span] - smooth[place])
    lr, lowest = (float(f"{measured[place][0]:.1g}") for place in (steepest + span // 2, smooth.index(min(smooth))))
    return lr, f"the loss falls fastest there; it is lowest at {lowest:g}"


def found(source: str, measured: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return what a sweep came to, as ``trainwright.find_lr`` returns it."""
    lr, why = suggestion(measured)
    rates, losses = [rate for rate, _ in measured], [loss for _, loss in measured]
    return {"source": source, "lr": lr, "why": why, "rates": rates, "losses": losses, "smoothed": smoothed(losses)}
