"""Models by task and name. A name carries its version, so that a saved model meets the code that made it: ``bag.v1``.

Adding a model is one file with three things in this order (constructor from its settings and the data's shape,
``forward``, ``init_weights``), its settings in ``schema.py``, and one line here. ``conformance.models`` then tests it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.errors import error, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from trainwright.data.shapes import Shape

MODELS = {
    "text": {
        "bag.v1": "trainwright.models.bag:Bag",
        "textcnn.v1": "trainwright.models.textcnn:TextCNN",
        "lstm.v1": "trainwright.models.lstm:LSTMClassifier",
    },
    "image": {
        "convnet.v1": "trainwright.models.convnet:ConvNet",
        "mlp.v1": "trainwright.models.mlp:MLP",
        "resnet.v1": "trainwright.models.resnet:ResNet",
    },
    "language": {
        "lstm.v1": "trainwright.models.lstm_language:LSTMLanguageModel",
        "gpt.v1": "trainwright.models.gpt:GPT",
    },
    "table": {
        "mlp.v1": "trainwright.models.table_mlp:TableMLP",
        "linear.v1": "trainwright.models.linear:Linear",
    },
}


def versioned(task: str, name: str) -> str:
    """The newest version of a task's plain name: ``bag`` is ``bag.v1``."""
    return max(full for full in MODELS[task] if full.partition(".")[0] == name)


def restore(task: str, name: str, settings: Any, shape: Shape, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """The network with these weights, in evaluation mode; torch's random state stays as it is.

    Its memory is taken when they are known to fit, so what settings claim costs nothing. Raises E406, and ValueError for
    weights that are not the network's or not finite.
    """
    import torch

    from trainwright.models.meta import on_meta

    network = on_meta(lambda: build(task, name, settings, shape))
    forms = {key: (str(each.dtype).removeprefix("torch."), tuple(each.shape)) for key, each in network.state_dict().items()}
    check(weights, forms)
    network.load_state_dict({key: torch.tensor(each) for key, each in weights.items()}, assign=True)
    return network.eval()


def check(weights: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raise ValueError for weights that are not of the ``wanted`` types and shapes, each by its name, or not finite."""
    found = {key: (str(each.dtype), each.shape) for key, each in weights.items()}
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise ValueError(f"the weights '{key}' are {_form(found.get(key))} and not {_form(wanted.get(key))}")
        if weights[key].dtype.kind == "f" and not np.isfinite(weights[key]).all():
            raise ValueError(f"the weights '{key}' are not all finite")


def _form(form: tuple[str, tuple[int, ...]] | None) -> str:
    return "missing" if form is None else f"{form[0]} of shape {form[1]}"


def build(task: str, name: str, settings: Any, shape: Shape) -> nn.Module:
    """The network of a versioned name, its weights initialised from torch's random state. Raises E406 for an unknown name."""
    known = MODELS.get(task, {})
    if name not in known:
        raise error("E406", name=f"{task}: {name}", choices=", ".join(known), hint=nearest(name, known))
    module, _, attribute = known[name].partition(":")
    network = getattr(importlib.import_module(module), attribute)(settings, shape)
    network.init_weights()
    return network  # type: ignore[no-any-return]
