"""What is tried of tables in place of the rules: linear models, boosted trees."""

from __future__ import annotations

from typing import Any

from trainwright.tasks.candidates import RULES, Candidate


def candidates(problem: Any) -> list[Candidate]:
    """Return them, those that are cheap to use first."""
    return [
        Candidate("linear", {"model": {"name": "linear"}}),
        Candidate("linear, held back", {"model": {"name": "linear"}, "optimizer": {"name": "AdamW", "weight_decay": 1.0}}),
        Candidate("boosted trees", {"model": {"name": "boosted"}, "epochs": 10}),
        Candidate("boosted trees, slowly", {"model": {"name": "boosted"}, "epochs": 20, "lr": 0.05}),
        RULES,
    ]
