"""Which epoch is kept: the best on validation, or the last where validation has too few rows to choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import trainwright as tw
from trainwright.errors import SettingError
from trainwright.training.trainer import FEW_TO_CHOOSE
from trainwright.watch.events import Epoch, Event


def noise(rows: int) -> pl.DataFrame:
    """Labels of which nothing tells, so that the loss on validation is best after the first epoch."""
    generator = np.random.default_rng(0)
    values = {f"x{place}": generator.normal(size=rows) for place in range(20)}
    return pl.DataFrame({**values, "answer": [f"class {each}" for each in generator.integers(0, 2, rows)]})


def train(rows: int, out: Path, **settings: Any) -> tuple[int, int, list[str], list[bool]]:
    """The epoch that is kept, how many there were, what was said of it, and which epochs were called best."""
    events: list[Event] = []
    how = {"label": "answer", "epochs": 6, "lr": 0.05, "schedule": [], "model": "linear", "optimizer": "Adam", **settings}
    run = tw.train(noise(rows), out=out, listen=events.append, **how)
    said = [f"{event.value}: {event.why}" for event in events if event.kind == "note" and event.what == "keep"]
    best = [event.best for event in events if isinstance(event, Epoch)]
    assert tw.verify(run, source=noise(rows)).wrong == []
    return run.report["best_epoch"], run.report["epochs"], said, best


def test_few_rows_choose_nothing(tmp_path: Path) -> None:
    kept, epochs, said, best = train(100, tmp_path / "few")
    assert kept == epochs == 6 and not any(best)
    assert len(said) == 1 and said[0].startswith("the last epoch: ") and f"{FEW_TO_CHOOSE} would choose" in said[0]
    kept, _, said, best = train(100, tmp_path / "chosen", keep="best")  # a setting that is given is never overridden
    assert best[kept - 1] and not any(best[kept:]) and not said
    kept, epochs, said, best = train(400, tmp_path / "many")
    assert kept < 6 and not said and any(best)
    assert train(400, tmp_path / "last", keep="last")[:3] == (6, 6, [])


def test_patience_needs_a_best_epoch(tmp_path: Path) -> None:
    kept, epochs, _, _ = train(100, tmp_path / "run", patience=2)
    assert epochs == kept + 2 < 6
    with pytest.raises(SettingError, match="E367"):
        train(100, tmp_path / "no", patience=2, keep="last")


def test_the_best_epoch_by_the_loss_after_scaling(tmp_path: Path) -> None:
    events: list[Event] = []
    given = {"label": "answer", "epochs": 4, "lr": 0.05, "schedule": [], "monitor": "calibrated_loss", "features": ["x0", "x1"]}
    run = tw.train(noise(400), out=tmp_path / "run", listen=events.append, **given)
    measured = [event.valid for event in events if isinstance(event, Epoch)]
    losses = [each.metrics["calibrated_loss"] for each in measured]
    assert all(each.metrics["calibrated_loss"] <= each.loss + 1e-6 for each in measured)
    assert run.report["best_epoch"] == 1 + losses.index(min(losses))
    assert run.report["valid"]["calibrated_loss"] == pytest.approx(min(losses), abs=1e-6)
    assert "calibrated_loss" not in run.report["test"]  # where it would be fitted on what it is measured on
    assert tw.verify(run, source=noise(400)).wrong == []
