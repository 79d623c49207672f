"""What is tried of texts in place of the rules: linear models with another loss, or on other pieces of the text."""

from __future__ import annotations

from typing import Any

from trainwright.tasks.candidates import RULES, Candidate


def candidates(problem: Any) -> list[Candidate]:
    """Return them, those that are cheap to use first."""
    bag = {"name": "bag"}
    losses = [
        Candidate("each class against the rest", {"model": bag, "loss": {"name": "BCEWithLogitsLoss"}}),
        Candidate("margins", {"model": bag, "loss": {"name": "SquaredHingeLoss"}}),
    ]
    return [
        RULES,
        *(losses if problem.target.kind == "class" else []),
        Candidate("words", {"model": {**bag, "ngrams": 1, "chars": []}}),
        Candidate("word pairs", {"model": {**bag, "ngrams": 2}}),
        Candidate("word pairs and more parts of words", {"model": {**bag, "ngrams": 2, "chars": [2, 3, 4, 5]}}),
    ]
