"""Calls of ``tw.fit`` with a step of one's own, with averages and losses of several parts: what ``test_fit_steps`` stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import ExponentialLR

import trainwright as tw

X = torch.randn(90, 4, generator=torch.Generator().manual_seed(3)) * torch.tensor([1.0, 2.0, 0.5, 1.0]) + 1
Y = (X[:, 0] * X[:, 1] > 1).long()
Call = tuple[Iterator[Any], Callable[[], dict[str, Any]]]


def gan(**more: Any) -> Call:
    """Two networks and two optimisers; what the generator is given is drawn in the step."""
    torch.manual_seed(5)
    generator = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    critic = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(8, 1))
    optimizers = {
        "g": torch.optim.Adam(generator.parameters(), lr=0.01),
        "d": torch.optim.RMSprop(critic.parameters(), lr=0.01),
    }
    schedules = [ExponentialLR(each, 0.9) for each in optimizers.values()]

    def real(outputs: Tensor, wanted: float) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, torch.full_like(outputs, wanted))

    def step(batch: tuple[Tensor], update: Any) -> dict[str, Any]:
        (rows,) = batch
        made = generator(torch.randn(len(rows), 3))
        d = update.minimize(real(critic(rows), 1) + real(critic(made.detach()), 0), optimizers["d"])
        g = update.minimize(real(critic(made), 1), optimizers["g"])
        return {"loss": d + g, "d": d, "g": g, "number": update.number}

    events = tw.fit(
        {"g": generator, "d": critic}, (X,), step=step, optimizer=optimizers, schedule=schedules, epochs=4, batch_size=16,
        clip=0.5, ema=0.9, progress=False, **more,
    )  # fmt: skip
    parts = {"g": generator, "d": critic, **{f"{name} optimizer": each for name, each in optimizers.items()}}
    return events, lambda: {name: each.state_dict() for name, each in parts.items()}


def lbfgs(**more: Any) -> Call:
    """A closure that is called several times an update."""
    torch.manual_seed(6)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4, history_size=5, line_search_fn="strong_wolfe")

    def step(batch: tuple[Tensor, Tensor], update: Any) -> Tensor:
        x, y = batch
        loss: Tensor = update.minimize(lambda: functional.cross_entropy(model(x), y) + 0.01 * model[0].weight.square().sum())
        return loss

    events = tw.fit(
        model, (X, Y), step=step, optimizer=optimizer, loss=nn.CrossEntropyLoss(), valid=(X, Y), epochs=4, batch_size=40,
        progress=False, **more,
    )  # fmt: skip
    return events, lambda: {"model": model.state_dict(), "optimizer": optimizer.state_dict()}


def averaged(**more: Any) -> Call:
    """Averages in bfloat16 forward passes, of a loss of parts that takes the inputs too, over several batches an update."""
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.1), nn.Linear(6, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def loss(outputs: Tensor, targets: Tensor, inputs: Tensor) -> dict[str, Tensor]:
        return {"classes": functional.cross_entropy(outputs, targets), "size": 0.01 * (outputs.mean() - inputs.mean()).square()}

    events = tw.fit(
        model, (X, Y), loss=loss, optimizer=optimizer, valid=(X, Y), epochs=4, batch_size=8, accumulate=2, ema=0.8,
        precision="bfloat16", monitor="loss", progress=False, **more,
    )  # fmt: skip
    return events, lambda: {"model": model.state_dict(), "optimizer": optimizer.state_dict()}


CALLS: dict[str, Callable[..., Call]] = {"gan": gan, "lbfgs": lbfgs, "averaged": averaged}


def killed(call: str, out: str, after: int) -> int:
    """Train, and end this process by a signal that nothing can catch, after so many updates."""
    events, _ = CALLS[call](out=Path(out), checkpoint_every="2steps", resume=True)
    for event in events:
        if event.kind == "step" and event.step == after:
            os.kill(os.getpid(), signal.SIGKILL)
    return 0
