"""A bundle comes back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from trainwright.store import bundle


def test_a_bundle_comes_back(tmp_path: Path) -> None:
    kept = bundle.Bundle({"task": "t"}, {"w": torch.randn(3, 2).T.numpy()}, {"idf": np.arange(3.0)}, ["a", "\u00e9"])
    bundle.save(tmp_path / "model", kept, "card")
    found = bundle.load(tmp_path / "model")
    assert found.meta == {"format": 2, "task": "t"} and np.array_equal(found.weights["w"], kept.weights["w"])
    assert found.tokens == kept.tokens and np.array_equal(found.arrays["idf"], kept.arrays["idf"])
