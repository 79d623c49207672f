"""The loss around the parameters of a network: states as vectors, directions, planes of a path, and the loss at many points.

After Li et al. 2018, "Visualizing the loss landscape of neural nets" (arXiv:1712.09913). A state is one vector: all parameters,
then the floating buffers (the running statistics of batch norm). Directions are zero at the buffers, so that a point of a plane
has the buffers of its centre; a state of the path has its own.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.watch.events import Event, Refused, Step

BLOCK = 1 << 13  # columns of a path that are in memory at a time

Points = Callable[[int], Tensor]  # the number of a point -> its state


def _pieces(model: nn.Module) -> list[Tensor]:
    """Return what a state is made of: each parameter once, however often it is used, then the buffers."""
    known, state = {each.data_ptr() for each in model.parameters()}, model.state_dict().values()
    buffers = [each for each in state if each.is_floating_point() and each.data_ptr() not in known]
    return [*(each.detach() for each in model.parameters()), *buffers]


def state_of(model: nn.Module) -> Tensor:
    """Return the state of a network: float32, shape (size,), a copy."""
    return torch.cat([each.flatten().float() for each in _pieces(model)])


@torch.no_grad()
def place(model: nn.Module, state: Tensor) -> None:
    """Put a network into a state."""
    pieces = _pieces(model)
    for piece, values in zip(pieces, torch.split(state, [each.numel() for each in pieces]), strict=True):
        piece.copy_(values.view(piece.shape))


def random_direction(model: nn.Module, seed: int) -> np.ndarray:
    """Return a random direction, normalised by filters: float32, shape (size,), the same for the same seed.

    Each filter of a convolution, each row of a linear layer, a recurrent one or an embedding is drawn normal, and then has the
    Euclidean norm of the network's own. Biases, the scales of norms, and what is frozen have direction zero.
    """
    drawing, found = torch.Generator().manual_seed(seed), []
    for parameter in model.parameters():
        drawn = torch.randn(parameter.shape, generator=drawing)
        if parameter.ndim < 2 or not parameter.requires_grad:
            found.append(torch.zeros_like(drawn).flatten())
            continue
        own, its = parameter.detach().cpu().float().flatten(1).norm(dim=1), drawn.flatten(1).norm(dim=1)
        found.append((drawn.flatten(1) * (own / its.clamp(min=1e-12)).unsqueeze(1)).flatten())
    direction = np.zeros(sum(each.numel() for each in _pieces(model)), np.float32)
    parameters = torch.cat(found).numpy()
    direction[: len(parameters)] = parameters
    return direction


class Recorder:
    """States of a network at some of its steps, in a file: only one is in memory at a time.

    Call it with each event of a training. ``steps`` are the numbers of the updates after which the ``states`` were taken, 0 for
    the one before the first.
    """

    def __init__(self, model: nn.Module, wanted: Iterable[int], file: Path) -> None:
        self._model, self._wanted = model, sorted({0, *wanted})
        size = sum(each.numel() for each in _pieces(model))
        self._file = np.memmap(file, np.float32, "w+", shape=(len(self._wanted), size))
        self.steps: list[int] = []
        self._take(0)

    @property
    def states(self) -> np.ndarray:
        """Return the states: float32, shape (states, size)."""
        return self._file[: len(self.steps)]

    def __call__(self, event: Event) -> None:
        """Take the state after an update that is wanted."""
        wanted = self._wanted[len(self.steps) : len(self.steps) + 1]
        if isinstance(event, Step | Refused) and [event.step] == wanted:
            self._take(event.step)

    def _take(self, step: int) -> None:
        self._file[len(self.steps)] = state_of(self._model).cpu().numpy()
        self.steps.append(step)


def _blocks(states: np.ndarray, width: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the first ``width`` columns in blocks, float64, each column less its mean."""
    for low in range(0, width, BLOCK):
        part = slice(low, min(low + BLOCK, width))
        block = states[:, part].astype(np.float64)
        yield part, block - block.mean(axis=0)


def principal_directions(states: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first two principal directions of states, and the share of the variance along each of all there are.

    Directions are float32, shape (at most 2, size), of length 1 and zero beyond the first ``width`` numbers, the parameters.
    They are those of a singular value decomposition of the centred states, had from the products of the states with each
    other, so that no more than a block of columns is in memory. There are fewer than two where the states lie on a line.
    """
    products = np.zeros((len(states), len(states)))
    for _, block in _blocks(states, width):
        columns = torch.from_numpy(block)  # torch's threads are set; those of NumPy wait for each other on a busy machine
        products += (columns @ columns.T).numpy()
    values, vectors = np.linalg.eigh(products)
    values, vectors = values[::-1].clip(min=0), np.ascontiguousarray(vectors[:, ::-1])
    kept = int((values[:2] > 1e-12 * values[0]).sum()) if values[0] > 0 else 0
    directions = np.zeros((kept, states.shape[1]), np.float32)
    for part, block in _blocks(states, width):
        along = torch.from_numpy(vectors[:, :kept]).T @ torch.from_numpy(block)
        directions[:, part] = along.numpy() / np.sqrt(values[:kept, None])
    return directions, values / max(values.sum(), 1e-300)


def project(states: np.ndarray, centre: np.ndarray, directions: np.ndarray, width: int) -> tuple[np.ndarray, float]:
    """Return the coordinates of states in the plane of two directions through ``centre``: the nearest points of it.

    Shape (states, 2), float64. Return also the share of the states' variance that is in the plane. Only the first ``width``
    numbers of a state count, the parameters.
    """
    onto, between, total = np.zeros((len(states), 2)), np.zeros((2, 2)), 0.0
    for part, centred in _blocks(states, width):
        beside = directions[:, part].astype(np.float64)
        onto += (states[:, part].astype(np.float64) - centre[part]) @ beside.T
        between += beside @ beside.T
        total += float((centred**2).sum())
    found = np.linalg.lstsq(between, onto.T, rcond=None)[0].T
    spread = found - found.mean(axis=0)
    return found, float(np.einsum("ij,jk,ik->", spread, between, spread)) / max(total, 1e-300)


def across(direction: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return two directions at right angles: one of length 1 that is given, and what is left of another, to length 1."""
    first, other = direction.astype(np.float64), other.astype(np.float64)
    left = other - (other @ first) * first
    return np.stack([first, left / max(float(np.linalg.norm(left)), 1e-300)]).astype(np.float32)


def recorded(states: np.ndarray, device: torch.device) -> Points:
    """Return states that were kept as points."""
    return lambda number: torch.from_numpy(states[number].copy()).to(device)


def plane(centre: Tensor, directions: np.ndarray, x: np.ndarray, y: np.ndarray) -> Points:
    """Return the points of a grid, row by row: ``centre + x[i] * directions[0] + y[j] * directions[1]``."""
    columns, (first, second) = len(x), (torch.from_numpy(each).to(centre.device) for each in directions)

    def point(number: int) -> Tensor:
        j, i = divmod(number, columns)
        return centre.add(first, alpha=float(x[i])).add_(second, alpha=float(y[j]))

    return point


def line(start: Tensor, end: Tensor, width: int, shares: np.ndarray) -> Points:
    """Return the points on the way from one state to another, with the buffers of the other (Goodfellow et al. 2015,
    arXiv:1412.6544). Share 1 is the end itself, and at share 0 the parameters are those of the start."""
    way = torch.zeros_like(end)
    way[:width] = end[:width] - start[:width]

    def point(number: int) -> Tensor:
        share = float(shares[number])
        if share == 0.0:
            return torch.cat([start[:width], end[width:]])
        return end.add(way, alpha=share - 1.0)

    return point


def losses(
    points: Points, count: int, model: nn.Module, loss: Callable[[nn.Module], float], workers: int, tick: Callable[[], None]
) -> np.ndarray:
    """Return the loss at each of ``count`` points: float64, NaN where it is not finite.

    Each worker is a thread with a copy of the network; the result is the same for any number of them, as long as the number of
    torch's own threads is. ``tick`` is called after each point.
    """
    free: SimpleQueue[nn.Module] = SimpleQueue()
    for _ in range(workers):
        free.put(copy.deepcopy(model))

    def one(number: int) -> float:
        network = free.get()
        try:
            place(network, points(number))
            value = loss(network)
        finally:
            free.put(network)
        return value if math.isfinite(value) else math.nan

    pool, found = ThreadPoolExecutor(workers), []
    try:
        for value in pool.map(one, range(count)):
            found.append(value)
            tick()
    finally:  # whoever stops it does not wait for the points that are left
        pool.shutdown(cancel_futures=True)
    return np.array(found)
