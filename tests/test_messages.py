"""Messages that only odd situations bring about."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from samples import news_rows, write_csv
from torch import nn

import trainwright as tw
from trainwright.data.images import storage
from trainwright.store import checkpoint

QUIET: dict[str, Any] = {"epochs": 1, "speed": "off", "listen": lambda event: None}


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(tw.TrainwrightError) as caught:
        call()
    assert caught.value.code == code


def test_a_run_that_held_nothing_back_and_whose_bag_has_ngrams(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", news_rows(40))
    model = {"name": "bag", "ngrams": 2}
    run = tw.train(source, model=model, valid_fraction=0, test_fraction=0, out=tmp_path / "run", **QUIET)
    refused("E409", lambda: tw.evaluate(run))
    refused("E430", lambda: tw.mistakes(run))
    refused("E410", lambda: tw.generate(run, "the"))
    refused("E323", lambda: tw.train(source, from_run=run.path, vocabulary="extend", out=tmp_path / "on", **QUIET))
    assert not (tmp_path / "on").exists()


def test_most_rows_without_a_label(tmp_path: Path) -> None:
    rows = [(label if n % 3 == 0 else "", text) for n, (label, text) in enumerate(news_rows(60))]
    source = write_csv(tmp_path / "a.csv", rows)
    refused("E214", lambda: tw.train(source, label="label", text="text", out=tmp_path / "run", **QUIET))


def test_arrays_of_images_that_would_grow_beyond_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    monkeypatch.setattr(storage, "MOST_BYTES", 20 * 16 * 16 - 1)
    refused("E275", lambda: tw.train(tmp_path / "a.npz", size=16, out=tmp_path / "run", **QUIET))


def test_a_checkpoint_that_cannot_be_held_or_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused("E412", lambda: checkpoint.Packer().pack({"optimizer": [io.BytesIO()]}))
    kept = checkpoint.Checkpoints(tmp_path / "checkpoints", tmp_path / "aside", "run")
    kept.save(1, {"weight": torch.ones(2)}, {}, regular=True)

    def without_memory(data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(safetensors.torch, "load", without_memory)
    refused("E424", lambda: kept.newest(print))
    assert not (tmp_path / "aside").exists()  # it may be whole


def test_a_buffer_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    class Growing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)
            self.register_buffer("seen", torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen *= 1e30
            return self.linear(x)  # type: ignore[no-any-return]

    model = Growing()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = (torch.randn(16, 2), torch.randn(16, 1))
    steps = tw.fit(model, data, loss=nn.MSELoss(), optimizer=optimizer, epochs=2, batch_size=4, out=tmp_path / "run")
    refused("E502", lambda: list(steps))
