"""What a run of ``fit`` is made of, as JSON: its settings, and what is known of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, TensorDataset

from trainwright.data.batches.pytree import tree_leaves
from trainwright.data.batches.user_data import Parts, UserBatches
from trainwright.tasks.custom.options import FitOptions

OWN = "your own data"
KEPT = (
    "epochs", "steps", "time", "batch_size", "accumulate", "clip", "clip_value", "patience", "monitor", "shuffle", "seed",
    "on_nonfinite",
)  # fmt: skip  # options that are written down as they are
_MOVING = {"params", "initial_lr", "last_epoch", "verbose", "training"}  # in an optimizer, a schedule or a loss
_MANY = 20  # numbers of a list that are written down


def settings(options: FitOptions) -> dict[str, Any]:
    """Return the settings of a call, named as those of every run."""
    first = next((each for each in options.model.parameters() if each.is_floating_point()), torch.empty(0))
    return {
        "model": {"name": type(options.model).__name__},
        "loss": _loss(options.loss),
        "optimizer": _optimizer(options.optimizers[0]),
        **({"optimizers": [_optimizer(each) for each in options.optimizers]} if len(options.optimizers) > 1 else {}),
        "schedule": [{"name": type(s).__name__, "every": options.schedule_every, **_plain(vars(s))} for s in options.schedule],
        **{name: getattr(options, name) for name in KEPT if not (name == "epochs" and options.steps + options.time)},
        **({"ema": options.ema} if options.ema else {}),
        "precision": str(first.dtype).removeprefix("torch.") if options.casting() == "float32" else options.casting(),
    }


def _loss(loss: Any) -> dict[str, Any]:
    if loss is None:
        return {"name": "the model's own"}
    return {"name": getattr(loss, "__name__", type(loss).__name__), **_plain(_attributes(loss))}


def _optimizer(optimizer: Optimizer) -> dict[str, Any]:
    """Return name and arguments of an optimiser; what its groups of parameters do not share stands in ``groups``."""
    groups = [_of_group(group) for group in optimizer.param_groups]
    common = {key: value for key, value in groups[0].items() if all(each.get(key) == value for each in groups)}
    found: dict[str, Any] = {"name": type(optimizer).__name__, **common}
    if own := [rest for group in groups if (rest := {key: each for key, each in group.items() if key not in common})]:
        found["groups"] = own
    return found


def _of_group(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a group of parameters, the rate as it was before any schedule, without flags that are off."""
    start = {"lr": group["initial_lr"]} if "initial_lr" in group else {}
    return {key: each for key, each in _plain({**group, **start}).items() if each is not False}


def _attributes(loss: Any) -> dict[str, Any]:
    """Return the attributes of a loss, those of its tensors too."""
    return {**getattr(loss, "__dict__", {}), **dict(getattr(loss, "_buffers", {}))}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those values that JSON can hold and that stay as they are."""
    found = {}
    for key, each in values.items():
        if isinstance(each, Tensor) and each.numel() <= _MANY:
            each = each.tolist()
        kinds = isinstance(each, str | int | float | bool) or (isinstance(each, list | tuple) and _short(each))
        if kinds and not key.startswith("_") and key not in _MOVING and key != "base_lrs":
            found[key] = list(each) if isinstance(each, tuple) else each
    return found


def _short(values: list[Any] | tuple[Any, ...]) -> bool:
    return 0 < len(values) <= _MANY and all(isinstance(each, str | int | float | bool) for each in values)


def source(data: Any) -> str:
    """Return what the data are called: the person's own, with the name of the data set where its class is the person's."""
    held = data.dataset if isinstance(data, DataLoader) else data
    own = isinstance(held, Dataset) and type(held).__module__.partition(".")[0] not in ("torch", "trainwright")
    return f"{OWN} ({type(held).__name__})" if own else OWN


def whole(options: FitOptions) -> Parts | None:
    """Return the training data where they are held whole, in a ``TensorDataset`` too; None for any others."""
    held = options.data.dataset if isinstance(options.data, DataLoader) else options.data
    held = held.tensors if type(held) is TensorDataset else held
    if not isinstance(held, tuple | list | Mapping) or not all(
        isinstance(each, Tensor | np.ndarray) for each in tree_leaves(held)
    ):
        return None
    if isinstance(held, list) and all(isinstance(each, tuple | list | Mapping) for each in held):  # batches
        return None
    return options.train_layout().parts(held)


def data(options: FitOptions, train: UserBatches, valid: UserBatches | None) -> dict[str, Any]:
    """Return the content of ``data.json``: what they are called, the rows where they can be counted, and what an input is."""
    rows = {"train": train.rows, "valid": valid.rows if valid is not None else 0}
    found: dict[str, Any] = {"source": source(options.data), "rows": {name: n for name, n in rows.items() if n}}
    if (parts := whole(options)) is not None:
        given = parts.named or {f"input {k}" if k > 1 else "input": each for k, each in enumerate(parts.inputs, start=1)}
        features = [{"name": name, "kind": _kind(leaf)} for name, each in given.items() for leaf in tree_leaves(each)]
        found["columns"] = {"features": features}
    return found


def _kind(leaf: Any) -> str:
    """Return type and shape of a row of a tensor or array."""
    sides = " x ".join(map(str, leaf.shape[1:]))
    return f"{str(leaf.dtype).removeprefix('torch.')}{f', {sides}' if sides else ''}"
