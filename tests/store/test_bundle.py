"""A bundle comes back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from trainwright.errors import RunError
from trainwright.models import registry
from trainwright.store import bundle, seal, tensors


def test_a_bundle_comes_back(tmp_path: Path) -> None:
    kept = bundle.Bundle({"task": "t"}, {"w": torch.randn(3, 2).T.numpy()}, {"idf": np.arange(3.0)}, ["a", "\u00e9"])
    bundle.save(tmp_path / "model", kept, "card")
    found = bundle.load(tmp_path / "model")
    assert found.meta == {"format": 2, "task": "t"} and np.array_equal(found.weights["w"], kept.weights["w"])
    assert found.tokens == kept.tokens and np.array_equal(found.arrays["idf"], kept.arrays["idf"])


def test_weights_that_are_not_the_networks_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = torch.nn.Linear(3, 2)
    weights = {"weight": np.zeros((4000, 1000), np.float32), "bias": np.zeros(2, np.float32)}
    bundle.save(tmp_path / "model", bundle.Bundle({}, weights, {}, []), "card")
    found = bundle.load(tmp_path / "model").weights
    with monkeypatch.context() as none, pytest.raises(ValueError, match=r"'weight' are float32 of shape \(4000, 1000\)"):
        none.setattr(tensors, "intact", None)
        registry.check_weights(found, registry.forms_of(network))
    assert np.array_equal(found["weight"], weights["weight"])


def test_a_file_that_no_memory_holds_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.save(tmp_path / "model", bundle.Bundle({}, {"w": np.zeros(5000, np.float32)}, {}, []), "card")
    monkeypatch.setattr(seal, "PLAIN", 10_000)
    monkeypatch.setattr(seal, "available", lambda: 19_000)
    with pytest.raises(RunError, match=r"E424.*20,0\d\d bytes, and there is memory for 19,000"):
        bundle.load(tmp_path / "model").weights["w"]
