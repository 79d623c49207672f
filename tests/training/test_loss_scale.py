"""float16 with a scaled loss: updates that overflow are made again, so none is lost, and the scale belongs to the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.store import checkpoint

X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


def trained(out: Path, precision: str, factor: float) -> tuple[nn.Module, list[Any], float]:
    """The model, its events, and the scale in the last checkpoint."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.1), nn.Linear(8, 2))

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return factor * nn.functional.cross_entropy(outputs, targets)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1 / factor)
    call = {"loss": loss, "optimizer": optimizer, "epochs": 2, "batch_size": 20, "precision": precision, "out": out}
    events = list(tw.fit(model, (X, Y), **call))
    kept = checkpoint.read(max(out.glob("checkpoints/step-*"))).state
    return model, events, kept.get("scale", {}).get("scale", 1.0)


def test_updates_that_overflow_are_made_again(tmp_path: Path) -> None:
    plain, steps, _ = trained(tmp_path / "plain", "float32", 1.0)
    model, events, scale = trained(tmp_path / "half", "float16", 100.0)
    assert scale < 65536 and np.log2(scale) % 1 == 0  # where it starts gradients overflow
    assert [event.kind for event in events] == [event.kind for event in steps]  # no update is refused
    for mine, other in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=3e-3, rtol=0)
    assert trained(tmp_path / "low", "float16", 1.0)[2] == 65536


def test_what_is_not_finite_at_any_scale_leaves_the_scale_alone(tmp_path: Path) -> None:
    class Wild(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: torch.Tensor) -> torch.Tensor:
            return given

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * torch.nan

    class Model(nn.Linear):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            outputs = super().forward(given)
            return Wild.apply(outputs) if bool((given == 7).any()) else outputs

    inputs = X.clone()
    inputs[3] = 7
    model, out = Model(5, 2), tmp_path / "run"
    call = {"loss": nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(model.parameters(), lr=0.1), "precision": "float16"}
    events = list(tw.fit(model, (inputs, Y), **call, on_nonfinite="skip", batch_size=20, epochs=2, out=out))
    assert [event.quantity for event in events if event.kind == "refused"] == ["gradient"] * 2
    assert sum(event.kind == "step" for event in events) == 4
    assert checkpoint.read(max(out.glob("checkpoints/step-*"))).state["scale"]["scale"] == 65536


def test_tables_are_trained_in_float16_and_recurrent_layers_not_on_a_processor(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(120, 4))
    frame = pl.DataFrame(values, schema=[f"x{place}" for place in range(4)]).with_columns(
        y=pl.when(pl.col("x0") > 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    given = {"device": "cpu", "precision": "float16", "listen": lambda event: None}
    run = tw.train(frame, label="y", epochs=3, out=tmp_path / "run", **given)
    assert run.report["test"]["accuracy"] > 0.8 and tw.replay(run, source=frame).wrong == []
    (tmp_path / "prose.txt").write_text("one two three four five . " * 60)
    with pytest.raises(TrainwrightError, match=r"E554.*recurrent"):
        tw.train(tmp_path / "prose.txt", task="language", model="lstm", out=tmp_path / "no", **given)
    half = nn.Linear(5, 2).half()
    with pytest.raises(TrainwrightError, match=r"E554.*float32"):
        optimizer = torch.optim.SGD(half.parameters(), lr=0.1)
        list(tw.fit(half, (X.half(), Y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, precision="float16"))
