"""Networks by task and versioned name (``bag.v1``), so that a saved model is loaded by the code that made it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.errors import error, nearest
from trainwright.models.catalog import CATALOG, Model
from trainwright.store.tensors import Tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from trainwright.data.shapes import Shape


def find(task: str, name: str) -> Model:
    """Return the entry of a versioned name. Raise E406 for an unknown one."""
    known = {model.versioned: model for model in CATALOG if model.task == task}
    if name not in known:
        raise error("E406", name=f"{task}: {name}", choices=list(known), hint=nearest(name, known))
    return known[name]


def load(reference: str) -> Any:
    """Import ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def restore(task: str, name: str, settings: Any, shape: Shape, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """Return the network with these weights, in evaluation mode; leave torch's random state as it is.

    Memory is taken only once the weights are known to fit, so what settings claim costs nothing.

    Raise E406, and ValueError for weights that are not the network's or not finite.
    """
    import torch

    from trainwright.models.meta import on_meta

    network = on_meta(lambda: build(task, name, settings, shape))
    check_fit(network, weights)
    network.load_state_dict({key: torch.tensor(each) for key, each in weights.items()}, assign=True)
    return network.eval()


def check_fit(network: nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError for weights that are not the network's, or not finite. One that grows takes their sizes first."""
    from trainwright.models.protocols import Grown

    if isinstance(network, Grown):
        network.resize({name: size for name, (_, size) in _forms(weights).items()})
    check_weights(weights, forms_of(network))


def forms_of(network: nn.Module) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each of a network's parameters and buffers by its name."""
    return {key: (str(each.dtype).removeprefix("torch."), tuple(each.shape)) for key, each in network.state_dict().items()}


def check_weights(weights: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raise ValueError for weights that are not of the ``wanted`` types and shapes, each by its name, or not finite."""
    found = _forms(weights)
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise ValueError(f"the weights '{key}' are {_form(found.get(key))} and not {_form(wanted.get(key))}")
    for key, each in weights.items():
        if each.dtype.kind == "f" and not np.isfinite(each).all():
            raise ValueError(f"the weights '{key}' are not all finite")


def _forms(weights: Mapping[str, np.ndarray]) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each of the weights, before any is read."""
    known = weights.forms if isinstance(weights, Tensors) else None
    return known or {key: (str(each.dtype), each.shape) for key, each in weights.items()}


def _form(form: tuple[str, tuple[int, ...]] | None) -> str:
    return "missing" if form is None else f"{form[0]} of shape {form[1]}"


def build(task: str, name: str, settings: Any, shape: Shape) -> nn.Module:
    """Build the network of a versioned name, its weights drawn from torch's random state. Raise E406 for an unknown name."""
    network = load(find(task, name).network)(settings, shape)
    network.init_weights()
    return network  # type: ignore[no-any-return]
