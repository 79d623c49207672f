"""What calls of ``tw.fit`` are drawn from: optimisers, schedules, networks, and ways to hand data in.

Networks look where numbers lie, as a kernel might: addresses modulo 64 and strides go into what they return. The data, and here
and there a weight, lie at another odd address in each call.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler as lr
from torch.utils.data import DataLoader, Dataset, TensorDataset

import trainwright as tw
from trainwright.data.batches.pytree import tree_leaves

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "Adadelta": lambda p: torch.optim.Adadelta(p, lr=0.1),
    "Adafactor": lambda p: torch.optim.Adafactor(p, lr=0.01),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "AdamW one by one": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=False),
    "Adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
    "ASGD": lambda p: torch.optim.ASGD(p, lr=0.01, t0=3),
    "AdamWScheduleFree": lambda p: tw.AdamWScheduleFree(p, lr=0.01, weight_decay=0.1),
    "Muon": lambda p: torch.optim.Muon(p, lr=0.01),
    "Muon and AdamW": lambda p: tw.Muon([{"params": [each], "hidden": each.ndim >= 2} for each in p], lr=0.01),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: torch.optim.RAdam(p, lr=0.01),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=0.01),
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05),
    "SGD nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
}
SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "none": lambda o: (),
    "StepLR": lambda o: lr.StepLR(o, 3),
    "MultiStepLR": lambda o: lr.MultiStepLR(o, [2, 5], 0.5),
    "ConstantLR": lambda o: lr.ConstantLR(o, 0.5, total_iters=4),
    "LinearLR": lambda o: lr.LinearLR(o, 0.25, total_iters=7),
    "ExponentialLR": lambda o: lr.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr.PolynomialLR(o, 90, power=2),
    "CosineAnnealingLR": lambda o: lr.CosineAnnealingLR(o, 11),
    "CosineAnnealingWarmRestarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda o: lr.CyclicLR(o, 0.001, 0.02, step_size_up=3, cycle_momentum=False),
    "OneCycleLR": lambda o: lr.OneCycleLR(o, 0.02, total_steps=999, cycle_momentum="momentum" in o.defaults),
    "ReduceLROnPlateau": lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.05),
    "SequentialLR": lambda o: lr.SequentialLR(o, [lr.ConstantLR(o, 0.1), lr.ExponentialLR(o, 0.9)], [4]),
    "two": lambda o: [lr.LambdaLR(o, lambda n: 1 / (1 + n / 9)), lr.StepLR(o, 2, 0.9)],
}
DTYPES = (torch.float32, torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
COARSE = ("ASGD", "Muon", "SGD", "SGD nesterov")  # nothing that they divide by vanishes in float16
ARRAYS = ("arrays", "mapped", "list of arrays")  # NumPy has no bfloat16


def placed(values: Any, offset: int) -> np.ndarray:
    """An array of its own that begins ``offset`` entries after a multiple of 64 bytes."""
    values = np.asarray(values)
    room = np.zeros(values.nbytes + 64 + 64 * values.itemsize, np.uint8)
    first = -room.ctypes.data % 64 + offset * values.itemsize
    found: np.ndarray = room[first : first + values.nbytes].view(values.dtype).reshape(values.shape)
    found[...] = values
    return found


def touch(values: Tensor, others: Any) -> Tensor:
    """``values`` changed by where they and the ``others`` lie, and by their strides, as far as these are floats."""
    places = 0
    for each in (values, *tree_leaves(others)):
        if isinstance(each, Tensor) and each.is_floating_point():
            gaps = sum(
                (i + 1) * stride for i, (size, stride) in enumerate(zip(each.shape, each.stride(), strict=True)) if size > 1
            )
            places = (5 * places + each.data_ptr() % 64 + gaps) % 64
    return values * (1 + places / 128)


class Net(nn.Module):
    """Takes whatever there is in a batch; for Muon it has weights of two dimensions alone."""

    def __init__(self, kind: str, width: int, dtype: torch.dtype, draw: random.Random, *, plain: bool, norm: bool) -> None:
        super().__init__()
        self.kind, self.optimizer = kind, None
        self.cell = nn.GRU(7, 7, 2, dropout=0.1, dtype=dtype) if kind == "stream" else None
        if kind == "pictures":
            convolution = nn.Conv2d(1, 6, 3, padding=1, dtype=dtype)
            self.first: nn.Module = nn.Sequential(convolution, nn.Flatten(), nn.Linear(30 * width, 7, dtype=dtype))
        elif kind in ("tokens", "stream"):
            self.first = nn.Embedding(11, 7, dtype=dtype)
        else:
            self.first = nn.Linear(width, 7, bias=not plain, dtype=dtype)
        between = nn.BatchNorm1d(7, dtype=dtype) if norm and draw.random() < 0.5 else nn.Tanh()
        self.last = nn.Sequential(nn.Dropout(draw.choice((0.0, 0.3))), between, nn.Linear(7, 3, bias=not plain, dtype=dtype))

    def forward(self, *inputs: Any, **named: Any) -> Any:
        remembered = list(self.optimizer.state.values()) if self.optimizer is not None and self.training else []
        mine = [*self.parameters(), *self.buffers(), remembered]
        if self.cell is not None:
            ids, state = inputs
            found, state = self.cell(touch(self.first(ids.T), [state, mine]), state)
            return self.last(found.flatten(0, 1)), torch.stack([state, state], dim=-1)[..., 0]  # a state with gaps
        leaves = tree_leaves((inputs, named))
        if self.kind == "tokens":
            return self.last(touch(self.first(leaves[0]).mean(1), mine))
        x = torch.cat(leaves, dim=1) if len(leaves) > 1 else leaves[0]
        return self.last(touch(self.first(touch(x, leaves)), mine))


class Pairs(Dataset[Any]):
    """Items that torch's random numbers change."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.x[row] + 0.01 * torch.randn(self.x.shape[1:]).to(self.x.dtype), self.y[row]


Place = tuple[Path, int]  # a folder for files, and how many entries after an aligned address data begin


def _sliced(x: Any, y: Any, batch: int) -> list[Any]:
    return [(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]


def _mapped(x: Tensor, y: Tensor, place: Place) -> Any:
    path, before = place[0] / "mapped", x.element_size() * place[1]
    path.write_bytes(bytes(before) + x.numpy().tobytes())
    return np.memmap(path, x.numpy().dtype, "r+", before, tuple(x.shape)), y.numpy()


def _stream(x: Tensor, y: Tensor, batch: int) -> list[Any]:
    whole = [part for part in _sliced(ids(x), y, batch) if len(part[0]) == batch]
    return [(a, b[:, None].expand(-1, x.shape[1]).T.flatten()) for a, b in whole]


def ids(x: Tensor) -> Tensor:
    """Token numbers from 0 to 10."""
    return (10 * x.float().sigmoid()).long()


KINDS: dict[str, Callable[[Tensor, Tensor, int, Place], Any]] = {
    "tensors": lambda x, y, batch, place: (x, y),
    "arrays": lambda x, y, batch, place: (x.numpy(), y.numpy()),
    "mapped": lambda x, y, batch, place: _mapped(x, y, place),
    "dict": lambda x, y, batch, place: {"a": x[:, :1], "b": {"c": x[:, 1:]}, "y": y},
    "nested": lambda x, y, batch, place: ((x[:, :1], x[:, 1:]), y),
    "items": lambda x, y, batch, place: Pairs(x, y),
    "loader": lambda x, y, batch, place: DataLoader(TensorDataset(x, y), batch, shuffle=True),
    "noisy loader": lambda x, y, batch, place: DataLoader(Pairs(x, y), batch, shuffle=True),
    "list": lambda x, y, batch, place: _sliced(x, y, batch),
    "list of arrays": lambda x, y, batch, place: _sliced(x.numpy(), y.numpy(), batch),
    "pictures": lambda x, y, batch, place: (x[:, None, None, :].expand(-1, 1, 5, -1), y),
    "tokens": lambda x, y, batch, place: (ids(x), y),
    "stream": lambda x, y, batch, place: _stream(x, y, batch),
}
