"""Optimisers without a schedule: the equations of the paper, and the average that is validated, kept and saved."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import trainwright as tw
from trainwright.training.schedule_free import AdamWScheduleFree, FreeAverages, ScheduleFree, SGDScheduleFree

RATES = (0.1, 0.2, 0.2, 0.05, 0.1)


def slope(place: float) -> float:
    return 2 * (place - 3) + np.sin(5 * place)


@pytest.mark.parametrize("kind", [SGDScheduleFree, AdamWScheduleFree])
def test_the_equations_of_the_paper(kind: type[ScheduleFree]) -> None:
    """Of one number in float64: z makes the steps, x is their average weighted by the square of the rate, y lies between."""
    beta, beta2, decay = 0.8, 0.99, 0.1
    made = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    adam = kind is AdamWScheduleFree
    optimizer = kind([made], lr=RATES[0], beta=beta, weight_decay=decay, **({"beta2": beta2} if adam else {}))
    averages = FreeAverages([optimizer])
    z = x = 1.0
    square = total = highest = 0.0
    for step, rate in enumerate(RATES, start=1):
        y = (1 - beta) * z + beta * x
        assert made.item() == pytest.approx(y, rel=1e-12)
        gradient = slope(y)
        square = beta2 * square + (1 - beta2) * gradient**2
        direction = gradient / (np.sqrt(square / (1 - beta2**step)) + 1e-8) if adam else gradient
        z -= rate * (direction + decay * y)
        highest = max(highest, rate)
        total += highest**2
        x += highest**2 / total * (z - x)
        optimizer.param_groups[0]["lr"] = rate
        made.grad = torch.tensor([slope(made.item())], dtype=torch.float64)
        optimizer.step()
        assert averages.found()[0].item() == pytest.approx(x, rel=1e-10)


def test_it_is_the_average_that_is_validated_and_left_in_the_model() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(60, 5)
    data, model, seen = (inputs, (inputs[:, 0] > 0).long()), nn.Linear(5, 2), []

    def look(outputs: torch.Tensor, targets: torch.Tensor) -> float:
        seen.append((copy.deepcopy(model.state_dict()), [each.clone() for each in averages.found()]))
        return 0.0

    optimizer = tw.SGDScheduleFree(model.parameters(), lr=0.5)
    averages, between = FreeAverages([optimizer]), []
    call = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "valid": data, "metrics": {"look": look}}
    for event in tw.fit(model, data, **call, epochs=3, batch_size=20, monitor="loss", progress=False):
        if event.kind == "epoch":
            between.append((copy.deepcopy(model.state_dict()), [each.clone() for each in averages.found()]))
    assert not torch.equal(
        between[-1][0]["weight"], between[-1][1][0]
    )  # while it learns the model is where gradients are taken
    for (measured, _), (_, average) in zip(seen, between, strict=True):
        assert torch.equal(measured["weight"], average[0]) and torch.equal(measured["bias"], average[1])
    kept = model.state_dict()
    assert any(all(torch.equal(kept[name], state[name]) for name in kept) for state, _ in seen)


def test_a_second_training_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    data = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 2
    ended = []
    for parts in ((4,), (2, 2)):
        torch.manual_seed(0)
        model = nn.Linear(5, 2)
        optimizer = tw.SGDScheduleFree(model.parameters(), lr=0.5)
        for place, epochs in enumerate(parts):
            call = {
                "loss": nn.CrossEntropyLoss(),
                "optimizer": optimizer,
                "shuffle": False,
                "out": tmp_path / f"{parts}{place}",
            }
            list(tw.fit(model, data, **call, epochs=epochs, batch_size=20))
        ended.append(model)
    torch.testing.assert_close(ended[0].weight, ended[1].weight)
    with torch.no_grad():
        y = ended[1].weight.lerp(optimizer.state[model.weight]["z"], 0.1)
    assert not torch.allclose(y, ended[1].weight, atol=1e-4)


def test_a_table_without_a_schedule_is_verified_and_replayed(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(120, 4))
    frame = pl.DataFrame(values, schema=[f"x{place}" for place in range(4)]).with_columns(
        y=pl.when(pl.col("x0") > 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    events: list[Any] = []
    run = tw.train(frame, label="y", optimizer="AdamWScheduleFree", epochs=3, out=tmp_path / "run", listen=events.append)
    said = {event.what: event for event in events if event.kind == "note"}
    assert "AdamWScheduleFree averages" in said["schedule"].why
    assert run.report["valid"]["loss"] == pytest.approx(min(event.valid.loss for event in events if event.kind == "epoch"))
    assert tw.replay(run, source=frame).wrong == []
