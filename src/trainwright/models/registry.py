"""Models by name. A name carries its version, so that a saved model meets the code that made it: ``bag.v1``.

Adding a model is one file with three things in this order (constructor from its settings, ``forward``, ``init_weights``)
and one line here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainwright.errors import error, nearest

if TYPE_CHECKING:
    from torch import nn

MODELS = {
    "bag.v1": "trainwright.models.bag:Bag",
    "textcnn.v1": "trainwright.models.textcnn:TextCNN",
    "lstm.v1": "trainwright.models.lstm:LSTMClassifier",
}


def versioned(name: str) -> str:
    """The newest version of a plain name: ``bag`` is ``bag.v1``."""
    return max(full for full in MODELS if full.partition(".")[0] == name)


def build(name: str, settings: Any, vocabulary: int, classes: int) -> nn.Module:
    """The network of a versioned name, its weights initialised from torch's random state. Raises E406 for an unknown name."""
    if name not in MODELS:
        raise error("E406", name=name, choices=", ".join(MODELS), hint=nearest(name, MODELS))
    module, _, attribute = MODELS[name].partition(":")
    network = getattr(importlib.import_module(module), attribute)(settings, vocabulary, classes)
    network.init_weights()
    return network  # type: ignore[no-any-return]
