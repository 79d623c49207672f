"""Updates that move the rows of a batch alone, in the time of these rows and not of the whole table.

The rows that a sparse gradient has are taken out, with what the optimiser remembers of them; torch's own kernel moves them, and
they are put back.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Optimizer

from trainwright.models.bag import gather_rows

ROWS_PER_PASS = 8  # rows that one pass over a table goes through in the time in which one row is picked out and put back


def sparse_step(optimizer: Optimizer, step: Callable[[], object]) -> Callable[[], None]:
    """Return ``step`` for gradients of which some may be sparse (coalesced, one sparse dimension), which are those of rows.

    These are moved alone where that is the same and they are a small part of their table; else the gradient is made dense.
    """
    moving = any(group.get("momentum") or group.get("weight_decay") for group in optimizer.param_groups)
    still = type(optimizer) in (SGD, Adagrad) and not moving  # a row whose gradient is zero stays as it is

    def move() -> None:
        groups = [group["params"] for group in optimizer.param_groups]
        places = []
        for parameters in groups:
            for place, each in enumerate(parameters):
                if each.grad is None or not each.grad.is_sparse:
                    continue
                if still and each.grad._nnz() * ROWS_PER_PASS <= len(each):
                    places.append((parameters, place, each))
                else:
                    each.grad = _dense(each.grad)
        with torch.no_grad():
            rows = [_take(optimizer, table) for _, _, table in places]
            try:
                for (parameters, place, _), taken in zip(places, rows, strict=True):
                    parameters[place] = taken
                step()
            finally:
                for parameters, place, table in places:
                    parameters[place] = table
                remembered = [optimizer.state.pop(taken, {}) for taken in rows]
            for (_, _, table), taken, kept in zip(places, rows, remembered, strict=True):
                _put_back(optimizer, table, taken, kept)

    return move


def _dense(gradient: Tensor) -> Tensor:
    """Return a sparse gradient as a dense one. Torch's own ``to_dense`` adds to zeros, which takes longer."""
    values = gradient._values()
    return values.new_zeros(gradient.shape).index_copy_(0, gradient._indices()[0], values)


def _take(optimizer: Optimizer, table: Tensor) -> Tensor:
    """Return the rows of a table that its gradient has, as a parameter of their own that the optimiser knows."""
    ids, values = table.grad._indices()[0], table.grad._values()  # type: ignore[union-attr]
    rows = gather_rows(table, ids)
    rows.grad = values
    if table in optimizer.state:
        kept = optimizer.state[table]
        optimizer.state[rows] = {
            name: gather_rows(each, ids) if each.shape == table.shape else each for name, each in kept.items()
        }
    return rows


def _put_back(optimizer: Optimizer, table: Tensor, rows: Tensor, kept: dict[str, Tensor]) -> None:
    ids = table.grad._indices()[0]  # type: ignore[union-attr]
    table.index_copy_(0, ids, rows)
    for name, each in kept.items():
        if each.shape == rows.shape:
            optimizer.state[table][name].index_copy_(0, ids, each)
