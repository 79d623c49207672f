"""What a run writes, every verb accepts: settings that are drawn at random from their declarations, of every task."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from bench import FULL
from closure import closed
from draws import WORDS, settings, write_source

from trainwright.config.kinds import KINDS
from trainwright.config.settings import Settings

# What was not accepted once, by task.
FOUND: dict[str, dict[str, Any]] = {
    "text": {"model": {"name": "lstm", "hidden": 4, "embedding": 4}},
    "language": {"tokenizer": "bytes", "model": {"name": "lstm", "hidden": 4, "embedding": 4, "layers": 1}},
    "table": {"optimizer": {"name": "Rprop"}},
}
RUNS = 500 // len(KINDS) if FULL else 1
MOST_REFUSED = 40 * RUNS  # draws


@pytest.mark.parametrize("task", KINDS)
def test_what_is_written_is_accepted(tmp_path: Path, count: Any, task: str) -> None:
    source, wrong, accepted = write_source(task, tmp_path / "source"), [], 0
    for seed in range(MOST_REFUSED):
        given = settings(task, random.Random(f"{task} {seed}"))
        if not FULL or not seed:
            given |= FOUND.get(task, {})
        refused, found = closed(source, tmp_path / "runs", given)
        accepted += not refused
        wrong += [(seed, given, found)] if found else []
        if accepted == RUNS:
            break
    count(accepted, len(wrong))
    assert not wrong
    assert accepted == RUNS


def test_every_setting_is_drawn() -> None:
    drawn = {key for task in KINDS for seed in range(60) for key in settings(task, random.Random(seed), 0.5)}
    assert Settings.model_fields.keys() - drawn <= {key for key, values in WORDS.items() if not values}
