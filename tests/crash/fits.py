"""Calls of ``tw.fit`` drawn at random, stopped at random and gone on with: what is not the same, bit by bit.

A case is a number, from which everything is drawn: ``python tests/crash/fits.py 317`` makes case 317 again.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fit_parts import ARRAYS, COARSE, DTYPES, KINDS, OPTIMIZERS, SCHEDULES, Net, placed, touch
from torch import Tensor, nn

import trainwright as tw
from trainwright.store.checkpoint import Packer

Heard = list[Any]  # what the events said that must be the same in another run


@dataclass
class Case:
    """One call of ``fit``, and where it is stopped."""

    number: int

    def __post_init__(self) -> None:
        """Draw everything. 238 numbers in a row have each optimiser with each schedule, 221 with each kind of data."""
        names = [list(each)[self.number % len(each)] for each in (OPTIMIZERS, SCHEDULES, KINDS)]
        self.optimizer, self.schedule, self.kind = names
        draw, self.plain = self.draw("call"), self.optimizer == "Muon"
        if self.plain and self.kind in ("pictures", "stream"):
            self.kind = "tensors"
        self.batch = draw.choice((draw.randint(1, 9), draw.randint(1, 65)))
        self.width = draw.randint(2 if self.kind in ("dict", "nested") else 1, 33)
        self.rows = self.batch * draw.randint(1, 6) + draw.randint(0, self.batch - 1)
        unfit = {torch.bfloat16} if self.kind in ARRAYS else set()
        unfit |= set() if self.optimizer in COARSE else {torch.float16}
        self.dtype = draw.choice([each for each in DTYPES if each not in unfit])
        self.numbers = self.kind != "stream" and draw.random() < 0.3  # targets are numbers, not classes
        self.threads = 2 if self.number % 32 == 31 else 1  # which take long on a busy machine
        self.measured = draw.random() < 0.4
        self.stops = [(draw.choice(("left", "killed")), draw.random()) for _ in range(draw.choice((1, 1, 2)))]
        self.every = draw.choice(("0", "1steps", "2steps", "5steps", "1epoch", "1h"))
        self.given = {
            "epochs": draw.randint(1, 3),
            "accumulate": draw.choice((1, 1, 2, 3)),
            "clip": draw.choice((0.0, 0.5)),
            "clip_value": draw.choice((0.0, 0.1)),
            "schedule_every": draw.choice(("step", "epoch")),
            "seed": draw.randint(0, 999),
            "shuffle": draw.choice((None, False)),
            "patience": draw.choice((0, 2)) if self.measured else 0,
        }
        if draw.random() < 0.2 and self.optimizer != "AdamWScheduleFree":
            self.given["ema"] = 0.9
        if draw.random() < 0.2 and self.dtype == torch.float32 and self.kind != "stream":
            self.given["precision"] = "float16"

    def draw(self, what: str) -> random.Random:
        """Random numbers that follow from the case."""
        return random.Random(f"{self.number} {what}")

    def __str__(self) -> str:
        size = f"{self.rows} x {self.width} by {self.batch} {str(self.dtype)[6:]}"
        return (
            f"case {self.number}: {self.optimizer}, {self.schedule}, {self.kind} {size}, threads {self.threads}, {self.given}, "
            f"saved every {self.every}, stops {self.stops}; again: python tests/crash/fits.py {self.number}"
        )

    def data(self, folder: Path, offset: int) -> Any:
        """The data, which begin ``offset`` entries after an aligned address."""
        made = np.random.default_rng(self.number)
        x, y = made.standard_normal((self.rows, self.width)), made.integers(0, 3, self.rows)
        room = placed(x.astype(np.float64 if self.dtype == torch.float64 else f"f{self.dtype.itemsize}"), offset)
        inputs = torch.from_numpy(room).view(self.dtype).copy_(torch.from_numpy(x))
        targets = torch.from_numpy(placed(y, offset))
        if self.numbers:
            targets = inputs[:, :1].expand(-1, 3).contiguous()
        return KINDS[self.kind](inputs, targets, self.batch, (folder, offset))

    def network(self, offset: int) -> Net:
        """The network, with its optimiser."""
        torch.default_generator.manual_seed(self.number)
        draw = self.draw("network")
        norm = not self.plain and self.batch > 1 and self.rows % self.batch != 1
        model: Any = Net(self.kind, self.width, self.dtype, draw, plain=self.plain, norm=norm)
        if draw.random() < 0.3 and self.dtype != torch.bfloat16:
            weight = placed(model.last[-1].weight.detach().numpy(), offset)
            model.last[-1].weight = nn.Parameter(torch.from_numpy(weight))
        model.optimizer = OPTIMIZERS[self.optimizer](model.parameters())
        return model

    def fit(self, folder: Path, offset: int, **more: Any) -> tuple[Iterator[Any], Callable[[], dict[str, Any]]]:
        """The events of the call, made from nothing; and a function that gives what it has come to."""
        model, data = self.network(offset), self.data(folder, offset)
        schedule = SCHEDULES[self.schedule](model.optimizer)
        inner = nn.functional.mse_loss if self.numbers else nn.functional.cross_entropy

        def loss(outputs: Tensor, targets: Any) -> Tensor:
            return inner(touch(outputs, targets), targets)

        if self.kind == "stream":
            more["state"] = lambda ids: torch.zeros(2, len(ids), 7, dtype=self.dtype)
        if self.measured:
            more["valid"] = data
        call = {"optimizer": model.optimizer, "schedule": schedule, "batch_size": self.batch, "progress": False}
        events = tw.fit(model, data, loss=loss, **call, **self.given, **more)  # type: ignore[arg-type]
        schedules = schedule if isinstance(schedule, list | tuple) else [schedule]

        def state() -> dict[str, Any]:
            whole = {"model": dict(model.state_dict()), "optimizer": model.optimizer.state_dict()}
            return whole | {"schedules": [each.state_dict() for each in schedules]}

        return events, state


def said(event: Any) -> Any:
    """What an event says that does not depend on the clock; None where that is nothing."""
    if event.kind == "step":
        return (event.step, event.epoch, event.loss, event.rows, event.lr, event.norm)
    return (event.step, event.epoch, event.train, event.valid, event.lr, event.best) if event.kind == "epoch" else None


def hear(events: Iterator[Any]) -> Heard:
    """What is said to the end."""
    return [words for each in events if (words := said(each)) is not None]


def stop(events: Iterator[Any], way: str, after: int, out: Path) -> None:
    """Leave the loop after so many events that ``said`` knows, or take the folder as it is at that moment."""
    copy, heard = out.with_name("as it was"), 0
    for event in events:
        heard += said(event) is not None
        if heard == after:
            if way == "killed":
                shutil.copytree(out, copy)
            break
    events.close()  # type: ignore[attr-defined]
    if copy.exists():
        shutil.rmtree(out)
        copy.rename(out)


def differences(case: Case, folder: Path) -> list[str]:
    """What is not the same in a run that was stopped as in an untouched one."""
    before, places, out = torch.get_num_threads(), case.draw("places"), folder / "run"
    kept = {"out": out, "checkpoint_every": case.every, "resume": True}
    torch.set_num_threads(case.threads)
    try:
        events, untouched = case.fit(folder, 0)
        whole = hear(events)
        for way, share in case.stops:
            stop(case.fit(folder, places.randrange(16), **kept)[0], way, 1 + int(share * len(whole)), out)
        events, found = case.fit(folder, places.randrange(16), **kept)
        rest = hear(events)
    finally:
        torch.set_num_threads(before)
    pairs = zip(whole[len(whole) - len(rest) :], rest, strict=True)
    return [f"{one}, not {other}" for one, other in pairs if one != other][:1] + unlike(untouched(), found())


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names under which two states differ in a bit."""
    first, second = Packer(), Packer()
    alike = first.pack(one) == second.pack(other)
    names = sorted({*first.tensors, *second.tensors})
    wrong = [name for name in names if _bits(first.tensors.get(name)) != _bits(second.tensors.get(name))]
    return wrong + ([] if alike else ["numbers"])


def _bits(value: Tensor | None) -> Any:
    if value is None:
        return None
    return value.shape, value.dtype, value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def main() -> None:
    """Make cases again, and print what differs."""
    for number in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            print(Case(number), differences(Case(number), Path(folder)) or "the same bits")


if __name__ == "__main__":
    main()
